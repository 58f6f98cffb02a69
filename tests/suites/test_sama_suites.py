"""The suites of SAMA can answer the claims that their pairs are held to."""

from __future__ import annotations

import pytest

from harness.declare.claims import load_claims
from harness.declare.pair import MEMBERS, Pair
from harness.declare.settings import build
from harness.declare.suite import Suite, read_suite
from harness.declare.workload import Place
from harness.judge.statistics import MIN_ROUNDS
from harness.registry import ROOT, Registry

SUITES = [read_suite(ROOT / "suites" / f"{name}.toml") for name in ("sama", "sama_base")]
ACCURACY = read_suite(ROOT / "suites" / "sama_accuracy.toml")
CLAIMS = load_claims(ROOT / "suites" / "claims.toml")
MEASURED_BY = {"step_time": "step", "peak_bytes": "memory"}


def held(suite: Suite) -> list[tuple[Pair, str]]:
    return [(pair, claim) for pair in suite.pair for claim in pair.claims]


@pytest.mark.parametrize("suite", SUITES, ids=lambda suite: suite.name)
def test_a_pair_that_is_held_to_a_claim_shows_all_that_a_verdict_asks_for(suite: Suite) -> None:
    assert any(claim == "sama-one-device" for _, claim in held(suite))
    assert suite.protocol.seeds * suite.protocol.rounds >= MIN_ROUNDS
    assert suite.protocol.seeds >= 3
    for pair, claim in held(suite):
        measures = {reading.measure for reading in CLAIMS[claim].readings}
        assert {"check", *(MEASURED_BY[each] for each in measures)} <= set(pair.passes)
        if pair.ranks in (1, 4):  # two ranks only count what would be sent: the claim needs four
            assert "curve" in pair.passes, f"{pair.name} shows no accuracy"


def test_a_pair_has_the_four_ranks_that_the_claim_about_four_devices_needs() -> None:
    assert any(
        pair.ranks == 4 and pair.cores == "each"
        for suite in SUITES
        for pair, claim in held(suite)
        if claim == "sama-four-devices"
    )


@pytest.mark.parametrize("suite", SUITES, ids=lambda suite: suite.name)
def test_settings_of_every_pair_are_those_of_its_workload(suite: Suite) -> None:
    for pair in suite.pair:
        workload = Registry().find(pair.workload, "workload").load()
        made = build(workload, pair.settings, pair.workload, Place("meta"))
        if "curve" in pair.passes:
            made.held_out(0, "test", 0, suite.protocol.test_tasks)
            made.held_out(0, "valid", 0, suite.protocol.curve_tasks)


def by_workload() -> dict[tuple[str, bool], list[Pair]]:
    """Return the pairs of the suite of accuracies by workload, and whether it corrects labels."""
    found: dict[tuple[str, bool], list[Pair]] = {}
    for pair in ACCURACY.pair:
        key = pair.workload, bool(pair.settings.get("correct"))
        found.setdefault(key, []).append(pair)
    return found


WORKLOADS = [
    ("noisy_mnist", False),
    ("long_tailed_mnist", False),
    ("noisy_text", False),
    ("noisy_text", True),
]


def test_the_workloads_of_accuracy_are_these() -> None:
    assert list(by_workload()) == WORKLOADS


@pytest.mark.parametrize("workload", WORKLOADS)
@pytest.mark.parametrize("multitask", [False, True])
def test_sama_is_paired_with_itself_frozen_and_nothing_else_differs(
    workload: tuple[str, bool], multitask: bool
) -> None:
    asked = {"multitask": True} if multitask else {}
    assert any(
        (pair.baseline, pair.method) == ("sama", "sama")
        and pair.method_settings == asked
        and pair.baseline_settings == {**asked, "frozen": True}
        and pair.differ == "the hypergradient"
        for pair in by_workload()[workload]
    )


@pytest.mark.parametrize("workload", WORKLOADS)
def test_the_control_with_clean_data_is_seen_at_several_shares(workload: tuple[str, bool]) -> None:
    pairs = by_workload()[workload]
    shares = {
        pair.learner_settings(member).get("clean_share", 0.0)
        for pair in pairs
        for member in MEMBERS
        if pair.learner(member) == "fine_tuning"
    }
    lightest = {0.06} if workload[0] == "noisy_mnist" else set()
    assert shares == {0.0, 0.25, 0.5} | lightest
    first = pairs[0]
    assert (first.baseline, first.baseline_settings) == ("fine_tuning", {})  # gains are over it


def test_learners_are_frozen_by_a_setting_of_their_own() -> None:
    """A setting of the workload would take them out of the table of those that are not."""
    assert not any("meta_lr" in pair.settings for pair in ACCURACY.pair)
    for pair in ACCURACY.pair:
        for member in MEMBERS:
            learner = Registry().find(pair.learner(member), "baseline", "method").load()
            workload = Registry().find(pair.workload, "workload").load()
            made = build(workload, pair.settings, pair.workload, Place("meta"))
            build(learner, pair.learner_settings(member), pair.learner(member), made)


def test_better_text_is_held_against_plain_training_and_against_clean_data() -> None:
    assert ACCURACY.quality_verdicts
    assert ACCURACY.protocol.seeds >= 5
    pairs = [pair for pair, claim in held(ACCURACY) if claim == "sama-better-noisy-text"]
    assert all({"check", "curve"} <= set(pair.passes) for pair in pairs)
    assert {(pair.workload, pair.baseline, pair.method) for pair in pairs} == {
        ("noisy_text", "fine_tuning", "sama")
    }
    shares = {pair.baseline_settings.get("clean_share", 0.0) for pair in pairs}
    assert shares == {0.0, 0.25, 0.5}
    measures = {reading.measure for reading in CLAIMS["sama-better-noisy-text"].readings}
    assert measures == {"quality_gain"}

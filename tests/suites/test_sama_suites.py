"""The suites of SAMA can answer the claims that their pairs are held to."""

from __future__ import annotations

import pytest

from harness.declare.claims import load_claims
from harness.declare.settings import build
from harness.declare.suite import Pair, Suite, read_suite
from harness.declare.workload import Place
from harness.judge.statistics import MIN_ROUNDS
from harness.registry import ROOT, Registry

SUITES = [read_suite(ROOT / "suites" / f"{name}.toml") for name in ("sama", "sama_base")]
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

"""The suite of gradient sharing: grids whose sides differ in the learner alone."""

from __future__ import annotations

from pathlib import Path

import pytest

from harness.declare.claims import Claim, load_claims
from harness.declare.pair import Pair
from harness.declare.point import Point, Scalar
from harness.declare.suite import Suite, read_suite
from harness.judge.statistics import MIN_ROUNDS

SUITES = Path(__file__).parents[2] / "suites"
CLAIMS = ["shared-gradients-134-percent", "shared-gradients-larger-rates"]


@pytest.fixture(scope="module")
def suite() -> Suite:
    return read_suite(SUITES / "sharing.toml")


@pytest.fixture(scope="module")
def claims() -> dict[str, Claim]:
    return load_claims(SUITES / "claims.toml")


def curves(suite: Suite, *methods: str) -> list[Pair]:
    chosen = [p for p in suite.pair if p.method in methods and "curve" in p.passes]
    assert chosen
    return chosen


def test_every_race_is_against_the_same_maml(suite):
    for pair in suite.pair:
        if pair.name != "options-sinusoid":
            assert pair.baseline == "batched_maml"
            assert not pair.baseline_settings


def test_sharing_is_held_to_both_claims_on_both_workloads(suite):
    held = [pair for pair in curves(suite, "gradient_sharing") if pair.claims]
    assert {pair.workload for pair in held} == {"glyphs_5w1s", "sinusoid"}
    for pair in held:
        assert list(pair.claims) == CLAIMS
        assert not pair.rival
        assert {point["method.at_test"] for point in pair.points} == {"alone", "damped"}


def test_controls_are_rivals_with_the_workload_s_settings_that_sharing_has(suite):
    grids = {p.workload: p for p in curves(suite, "gradient_sharing") if p.claims}
    for pair in curves(suite, "damped_maml", "meta_sgd"):
        grid = grids[pair.workload]
        assert pair.rival
        assert pair.settings == grid.settings
        assert {place(point) for point in pair.points} == {place(point) for point in grid.points}


def test_options_are_explored_without_a_claim_and_flipped_one_at_a_time(suite):
    (pair,) = (p for p in curves(suite, "gradient_sharing") if not p.claims)
    assert pair.baseline == pair.method
    assert pair.baseline_settings == pair.method_settings == {"at_test": "damped"}
    assert all(len(point) == 1 for point in pair.points)
    flipped = {name.removeprefix("method.") for point in pair.points for name in point}
    assert flipped >= {"mixing", "mean", "sources", "detached", "decay", "scale", "learned"}
    assert flipped >= {"weight", "concurrent", "scale_lr", "at_test"}


def test_seconds_of_a_step_are_measured_at_every_number_of_inner_steps(suite):
    for grid in curves(suite, "gradient_sharing"):
        (timed,) = (p for p in suite.pair if p.workload == grid.workload and is_timed(p))
        steps = {grid.at(point).settings["inner_steps"] for point in grid.points}
        assert steps <= {point["inner_steps"] for point in timed.points}


def test_the_seeds_are_enough_for_a_verdict_on_steps(suite):
    assert suite.protocol.seeds >= MIN_ROUNDS


def test_the_claim_is_read_in_both_ways_at_the_best_setting_and_at_each_side_s_own(claims):
    claim = claims["shared-gradients-134-percent"]
    assert [(r.value, r.measure) for r in claim.readings] == [
        (2.34, "best_steps_to_target"),
        (1.34, "best_steps_to_target"),
        (2.34, "own_best_steps_to_target"),
        (1.34, "own_best_steps_to_target"),
    ]
    assert "2312.08398" in claim.source


def test_suite_paper_has_a_few_points_of_it(claims):
    (pair,) = (p for p in read_suite(SUITES / "paper.toml").pair if p.method == "gradient_sharing")
    assert pair.claims == ("shared-gradients-134-percent",)
    assert len({point["inner_lr"] for point in pair.points}) in (2, 3)


def test_every_published_claim_is_held_to_by_some_suite(claims):
    suites = [read_suite(path) for path in SUITES.glob("*.toml") if path.name != "claims.toml"]
    held = {name for suite in suites for pair in suite.pair for name in pair.claims}
    assert set(claims) <= held


def test_what_is_asked_of_larger_rates_is_ours_to_say(claims):
    (reading,) = claims["shared-gradients-larger-rates"].readings
    assert (reading.measure, reading.trust) == ("largest_trainable", "ours")


def place(point: Point) -> tuple[Scalar, Scalar]:
    return point["inner_lr"], point["inner_steps"]


def is_timed(pair: Pair) -> bool:
    return "step" in pair.passes and not pair.is_aa

"""The suite of gradient sharing: a grid whose pairs differ in the learner alone."""

from __future__ import annotations

from pathlib import Path

import pytest

from harness.declare.claims import load_claims
from harness.declare.suite import Pair, Suite, read_suite
from harness.judge.statistics import MIN_ROUNDS

SUITES = Path(__file__).parents[2] / "suites"
GRID = {(rate, steps) for rate in (0.4, 1.5, 4.0) for steps in (1, 3)}


@pytest.fixture(scope="module")
def suite() -> Suite:
    return read_suite(SUITES / "sharing.toml")


@pytest.mark.parametrize(("method", "rival"), [("gradient_sharing", False), ("meta_sgd", True)])
def test_method_and_control_stand_against_maml_on_the_whole_grid(suite, method, rival):
    pairs = [p for p in suite.pair if p.method == method and not p.method_settings]
    assert {place(pair) for pair in pairs} == GRID
    for pair in pairs:
        assert pair.baseline == "reference_maml"
        assert pair.rival is rival
        assert not pair.baseline_settings
        assert "curve" in pair.passes


def test_at_the_largest_rate_held_out_tasks_are_adapted_as_in_training_too(suite):
    damped = [p for p in suite.pair if p.method_settings == {"at_test": "damped"}]
    assert {place(pair) for pair in damped} == {(4.0, 1), (4.0, 3)}


def test_at_each_place_of_the_grid_all_have_the_same_workload(suite):
    seen = {}
    for pair in suite.pair:
        first = seen.setdefault(place(pair), (pair.workload, pair.settings))
        assert (pair.workload, pair.settings) == first


def test_the_seeds_are_enough_for_a_verdict_on_arrivals(suite):
    assert suite.protocol.seeds >= MIN_ROUNDS


def test_the_claim_is_read_in_both_ways():
    claim = load_claims(SUITES / "claims.toml")["shared-gradients-134-percent"]
    assert [(r.value, r.measure) for r in claim.readings] == [
        (2.34, "steps_to_target"),
        (1.34, "steps_to_target"),
    ]
    assert "2312.08398" in claim.source


def place(pair: Pair) -> tuple[object, object]:
    return pair.settings["inner_lr"], pair.settings["inner_steps"]

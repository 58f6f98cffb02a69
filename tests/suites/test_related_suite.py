"""The suite of related methods: all against the plain reference, on workloads that are the same."""

from __future__ import annotations

from pathlib import Path

import pytest

from harness.declare.claims import load_claims
from harness.declare.suite import Suite, read_suite, resolve
from harness.registry import Registry

SUITES = Path(__file__).parents[2] / "suites"
CONTROL = "mamf"
COSTS = {"check", "operations", "memory", "step", "curve"}


@pytest.fixture(scope="module")
def suite() -> Suite:
    return read_suite(SUITES / "related.toml")


def test_every_method_is_held_to_the_reference_with_all_its_costs(suite):
    held = {p.method for p in suite.pair if p.baseline == "reference_maml" and {*p.passes} >= COSTS}
    assert {p.method for p in suite.pair} == held
    assert CONTROL in held


@pytest.mark.parametrize("workload", ["sinusoid", "sinusoid_set"])
def test_where_it_is_cheap_every_method_is_held_to_the_control_as_well(suite, workload):
    here = [pair for pair in suite.pair if pair.workload == workload]
    beside = {p.method for p in here if p.baseline == CONTROL and "curve" in p.passes}
    assert beside == {p.method for p in here} - {CONTROL}


def test_nothing_else_is_a_baseline(suite):
    assert {pair.baseline for pair in suite.pair} == {"reference_maml", CONTROL}


def test_pairs_on_one_workload_have_the_same_settings_of_it(suite):
    settings: dict[str, dict] = {}
    for pair in suite.pair:
        assert settings.setdefault(pair.workload, pair.settings) == pair.settings, pair.name
        assert not pair.baseline_settings


def test_all_names_are_known_and_all_claims_are_of_abstracts(suite):
    claims = resolve(suite, Registry(), load_claims(SUITES / "claims.toml"))
    for claim in claims.values():
        assert claim.quote
        assert claim.read == "abstract"


def test_times_have_the_fewest_rounds_that_a_verdict_takes(suite):
    assert suite.protocol.seeds * suite.protocol.rounds == 8

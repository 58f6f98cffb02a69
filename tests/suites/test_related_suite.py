"""The suite of related methods: all against the plain reference, on workloads that are the same."""

from __future__ import annotations

from pathlib import Path

import pytest

from harness.declare.claims import load_claims
from harness.declare.protocol import Protocol
from harness.declare.suite import Suite, read_suite, resolve
from harness.registry import Registry

SUITES = Path(__file__).parents[2] / "suites"
CONTROL = "mamf"
MAML = {
    "reference_maml",
    "batched_maml",
}  # where a method works on all tasks in one call, as it does
COSTS = {"check", "operations", "memory", "step", "curve"}


@pytest.fixture(scope="module")
def suite() -> Suite:
    return read_suite(SUITES / "related.toml")


def test_every_method_is_held_to_maml_with_all_its_costs(suite):
    held = {p.method for p in suite.pair if p.baseline in MAML and {*p.passes} >= COSTS}
    assert {p.method for p in suite.pair} == held
    assert CONTROL in held


@pytest.mark.parametrize("workload", ["sinusoid", "sinusoid_set"])
def test_where_it_is_cheap_every_method_is_held_to_the_control_as_well(suite, workload):
    here = [p for p in suite.pair if p.workload == workload and "first_order" not in p.settings]
    beside = {p.method for p in here if p.baseline == CONTROL and "curve" in p.passes}
    assert beside == {p.method for p in here} - {CONTROL}


def test_nothing_else_is_a_baseline(suite):
    assert {pair.baseline for pair in suite.pair} == {*MAML, CONTROL}


def test_pairs_on_one_workload_have_the_same_settings_of_it(suite):
    """But for the order of the gradient, where both members have the first."""
    settings: dict[str, dict] = {}
    for pair in suite.pair:
        given = {name: value for name, value in pair.settings.items() if name != "first_order"}
        assert settings.setdefault(pair.workload, given) == given, pair.name
        assert not pair.baseline_settings


def test_all_names_are_known_and_all_claims_are_quoted(suite):
    claims = resolve(suite, Registry(), load_claims(SUITES / "claims.toml"))
    for claim in claims.values():
        assert claim.quote
        assert claim.read


def test_curves_on_one_workload_are_of_the_same_length(suite):
    lengths: dict[str, Protocol] = {}
    for pair in suite.pair:
        protocol = suite.protocol_of(pair)
        assert lengths.setdefault(pair.workload, protocol) == protocol, pair.name


def test_times_have_the_fewest_rounds_that_a_verdict_takes(suite):
    assert 8 <= suite.protocol.seeds * suite.protocol.rounds < 10

"""The suite of the ladder: rungs that differ in the learner alone, each checked, and a chain."""

from __future__ import annotations

from pathlib import Path

import pytest

from harness.declare.claims import load_claims
from harness.declare.pair import Pair
from harness.declare.settings import build
from harness.declare.suite import Suite, read_suite, resolve
from harness.judge.statistics import MIN_ROUNDS
from harness.registry import Registry
from harness.studies.ladder import Place

SUITES = Path(__file__).parents[2] / "suites"


@pytest.fixture(scope="module")
def suite() -> Suite:
    return read_suite(SUITES / "rnn.toml")


def placed(suite: Suite) -> list[tuple[Place, Pair]]:
    found = [(build(Place, p.study.get("ladder", {}), p.name), p) for p in suite.pair]
    return [(place, pair) for place, pair in found if place.rung]


def test_the_suite_names_what_exists(suite):
    claims = resolve(suite, Registry().whole(), load_claims(SUITES / "claims.toml"))
    assert claims["rnn-optimizer-3.73-times"].readings[0].value == 3.73


def ladder_on(suite: Suite, workload: str) -> list[tuple[Place, Pair]]:
    return [(place, pair) for place, pair in placed(suite) if pair.workload == workload]


def test_all_rungs_of_a_ladder_have_one_workload_and_one_baseline(suite):
    rungs = [pair for _, pair in placed(suite)]
    assert {(p.baseline, p.workload, tuple(p.settings.items())) for p in rungs} == {
        ("hrnn_optimizer", "optimizees", (("meta_batch", 16), ("steps", 5))),
        ("rnn_optimizer", "quadratics", (("functions", 128),)),
    }
    for pair in rungs:
        paid_once = {"one_off"} if pair.workload == "optimizees" else set()
        assert {"check", "step"} | paid_once <= set(pair.passes)
        assert not pair.baseline_settings


def test_rungs_are_added_one_on_top_of_another(suite):
    rungs = ladder_on(suite, "optimizees")
    alone = [place.rung for place, _ in rungs if not place.added]
    added = [place.rung for place, _ in rungs if place.added]
    assert alone == ["tensors of a task", "rows", "objectives", "workers", "compiled"]
    assert added == ["reuse", "rows", "objectives", "workers"]  # the first has none before it
    registry = Registry()
    for place, pair in rungs:
        method = registry.find(pair.method, "method").load()
        keeps = pair.method_settings.get("keep", method.keep)
        assert keeps == place.added  # which is what reuse keeps


def test_the_lstm_has_a_ladder_too(suite):
    rungs = ladder_on(suite, "quadratics")
    assert [(place.rung, place.added) for place, _ in rungs] == [
        ("rows", False),
        ("objectives", False),
        ("objectives", True),
        ("workers", False),
    ]
    assert rungs[-1][1].ranks == 2


def test_the_chain_is_timed_in_other_unrolls_and_for_few_and_small_tasks_too(suite):
    chain = ("tensors", "reuse", "reuse-rows", "product")
    for pair in (p for p in suite.pair if p.name in chain):
        points = [dict(point) for point in pair.points]
        assert all(point in points for point in ({"steps": 20}, {"meta_batch": 4}, {"largest": 20}))
        assert pair.swept == ("step",)


def test_the_product_is_swept_by_run_length_number_and_size(suite):
    (product,) = (p for p in suite.pair if p.name == "product")
    assert {name for point in product.points for name in point} == {
        "steps",
        "meta_batch",
        "largest",
    }
    assert product.claims == ("rnn-optimizer-3.73-times",)


def test_rounds_are_enough_for_intervals(suite):
    assert suite.protocol.seeds * suite.protocol.rounds >= MIN_ROUNDS


def test_what_is_learned_is_held_to_adam_and_rmsprop(suite):
    (learned,) = [p for p in suite.pair if "curve" in p.passes]
    assert learned.baseline == "tuned_optimizer"
    assert [dict(point) for point in learned.points] == [{"baseline.optimizer": "rmsprop"}]
    assert learned.points_of("curve") == ({}, {"baseline.optimizer": "rmsprop"})
    assert learned.study == {"ladder": {"learning": True}}


def test_all_baselines_of_a_ladder_have_the_same_cores(suite):
    assert {p.cores for _, p in placed(suite)} == {"same"}


def test_the_product_stands_among_the_papers_claims_too():
    paper = read_suite(SUITES / "paper.toml")
    (pair,) = (p for p in paper.pair if p.method == "hrnn_product")
    assert pair.claims == ("rnn-optimizer-3.73-times",)
    assert pair.settings["steps"] == 20


def test_the_short_suite_has_the_ladder_of_one_process():
    short = read_suite(SUITES / "rnn_short.toml")
    resolve(short, Registry().whole(), load_claims(SUITES / "claims.toml"))
    rungs = placed(short)
    assert [place.rung for place, _ in rungs if place.added] == ["reuse", "rows", "objectives"]
    assert {p.ranks for _, p in rungs} == {1}
    assert short.protocol.rounds * short.protocol.seeds >= MIN_ROUNDS

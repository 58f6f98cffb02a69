"""The distances of hypergradients are those that are known, and told in one table."""

from __future__ import annotations

import json
from typing import Any

import pytest
import torch

from harness.declare.pair import MEMBERS, Pair
from harness.declare.protocol import Protocol
from harness.declare.suite import Suite
from harness.judge.judge import judge
from harness.measure.block import Block
from harness.measure.worker import measured
from harness.records.record import Record
from harness.studies.gradient_distance import Distances
from harness.studies.gradient_distance.measure import cosine
from harness.studies.gradient_distance.show import table
from tests.judge.builders import record
from tests.records.made import make_manifest
from tests.report.composing import claims_json, compose

SETTINGS: dict[str, Any] = {"unroll": 50, "base_optimizer": "sgd", "base_lr": 1.0}


def taken(learner: str, draws: int = 2, workload: str = "random_bilevel", **settings: Any) -> Any:
    pair = Pair("it", learner, "sama", workload, "how", ("distance",), settings=settings)
    block = Block(
        pair=pair,
        measured="distance",
        member="baseline",
        seed=0,
        round=0,
        protocol=Protocol(),
        threads=1,
        study={"draws": draws},
    )
    found: Record[Any] = measured(block)
    assert found.status == "ok", found.reason
    return found.seen


def test_unrolling_all_steps_leaves_nothing_out() -> None:
    """Fifty steps at .6 each solve the base problem."""
    seen = taken("unrolled_hypergradient", **SETTINGS)
    assert seen.cosines == pytest.approx((1, 1), abs=1e-8)
    assert seen.errors == pytest.approx((0, 0), abs=1e-8)


def test_probes_are_apart_from_the_exact_gradient_and_draws_from_one_another() -> None:
    seen = taken("darts_hypergradient", draws=3, **SETTINGS)
    assert len(set(seen.errors)) == 3
    assert min(seen.errors) > 0.01
    assert max(seen.cosines) < 1


def test_draws_are_the_same_whenever_they_are_taken() -> None:
    assert taken("darts_hypergradient", **SETTINGS) == taken("darts_hypergradient", **SETTINGS)


def test_a_zero_gradient_has_no_direction() -> None:
    some, none = {"w": torch.tensor([3.0, 4.0])}, {"w": torch.zeros(2)}
    assert cosine(some, some) == pytest.approx(1)
    assert cosine(some, none) is cosine(none, some) is cosine(none, none) is None
    assert taken("fine_tuning", **SETTINGS).cosines == (None, None)


@pytest.mark.parametrize(
    "seen", [Distances(), Distances((1.0,), (0.1, 0.2)), Distances((float("nan"),), (0.1,))]
)
def test_what_is_no_distance_is_a_flaw(seen: Distances) -> None:
    assert seen.flaw() is not None


def test_learners_are_told_on_each_workload_once() -> None:
    settings = {"kind": ("ridge", "losses")}
    pairs = tuple(
        Pair(name, "plain", "fast", "toys", "how", ("distance",), sweep=settings)
        for name in ("one", "two")
    )
    records = [
        record(
            pair,
            "distance",
            member,
            point={"kind": kind},
            cosines=(None, 0.5, 0.25, 0.75),
            errors=(1.0, 0.5, 0.5, 0.5),
        )
        for pair in pairs
        for kind in ("ridge", "losses")
        for member in MEMBERS
    ]
    suite = Suite("toys", "Made up", pairs, Protocol(seeds=1), verdicts=False)
    manifest = make_manifest(suite=suite, claims=(), plan=tuple(r.block for r in records))
    judgement = judge(manifest, records)
    found = judgement.studies["gradient_distance"]
    assert [there.workload for there in found] == ["toys (kind=ridge)", "toys (kind=losses)"]
    (plain, fast), _ = (there.learners for there in found)
    assert (plain.learner, fast.learner) == ("plain", "fast")
    assert (plain.median_cosine, plain.least_cosine) == (0.5, 0.25)
    assert (plain.median_error, plain.largest_error) == (0.5, 1.0)
    shown = table(found)
    assert shown is not None
    assert shown.groups[0].rows[0][0].note == "1 of 4 draws have no direction"
    content = compose(manifest, records, judgement)
    assert "cosines" in [each.name for each in content.figures]
    said = json.loads(claims_json(manifest, judgement))
    assert len(said["gradient_distance"]) == 2

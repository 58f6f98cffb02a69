"""Variants are trained once or each for itself, judged on tasks apart, and timed call by call."""

from __future__ import annotations

import dataclasses
import math
from dataclasses import dataclass
from typing import Any

import pytest

from baselines.reference_maml import ReferenceMaml
from harness.declare.learner import Variant
from harness.declare.passes import Seen
from harness.declare.workload import Place
from harness.errors import UsageError
from harness.measure.block import Block
from harness.measure.worker import measured
from harness.records.record import Record, record_from
from harness.registry import Registry
from harness.studies.variants.measure import train_variants
from methods.lambda_patterns import LambdaPatterns
from suites.sinusoid import Sinusoid
from tests.measure.conftest import make_block

STUDY: dict[str, Any] = {
    "train_steps": 2,
    "inner_steps": (1, 3),
    "tasks": 4,
    "test_tasks": 7,
    "calls": 2,
    "batch": 3,
}
PATTERNS = ("001", "010", "011", "100", "101", "110", "111")


def block(method: str = "reference_maml", measured_: str = "variants", **pair: Any) -> Block:
    return dataclasses.replace(make_block(method, measured_, **pair), study=STUDY)


def by_variant(record: Record[Seen]) -> dict[str, list[Seen]]:
    """Return what was seen of every variant, by the number of inner steps."""
    found: dict[str, list[Seen]] = {}
    for point, seen in record.several:
        at = found.setdefault(str(point["variant"]), [])
        assert point["inner_steps"] == STUDY["inner_steps"][len(at)]
        at.append(seen)
    return found


def known_full(found: dict[str, list[Seen]]) -> list[str]:
    return [name for name, at in found.items() if at[0].full]


def record_of(measured_: str, **settings: Any) -> Record[Seen]:
    record = measured(block("lambda_patterns", measured_, method_settings=settings))
    assert record.status == "ok", record.reason
    assert record_from(record.to_line(), "here", Registry().passes) == record
    return record


@pytest.mark.parametrize("in_training", [False, True])
def test_every_variant_has_its_quality_on_validation_and_on_every_test_task(in_training):
    record = record_of("variants", in_training=in_training)
    found = by_variant(record)
    assert tuple(found) == PATTERNS
    known_as = ("ANIL", "", "", "", "", "BOIL", "MAML")
    assert tuple(at[0].known_as for at in found.values()) == known_as
    assert known_full(found) == ["111"]
    assert {each.trained_at for at in found.values() for each in at} == {1}
    assert [[len(each.test) for each in at] for at in found.values()] == [[7, 7]] * 7
    assert all(math.isfinite(each.valid) for at in found.values() for each in at)


def test_the_full_variant_s_quality_is_that_of_the_baseline_trained_as_long():
    record = record_of("variants", in_training=False)
    plain = by_variant(measured(block()))
    assert tuple(plain) == ("reference_maml",)
    for full, own in zip(by_variant(record)["111"], plain["reference_maml"], strict=True):
        assert full.test == pytest.approx(own.test, rel=1e-3)
        assert full.valid == pytest.approx(own.valid, rel=1e-3)


@dataclass(frozen=True)
class Counting(LambdaPatterns):
    """Counts the meta-steps of all its variants."""

    name = "counting"
    steps = []  # noqa: RUF012  # shared on purpose

    def step(self, state, batch):
        self.steps.append(self.pattern)
        return super().step(state, batch)


@pytest.mark.parametrize(("in_training", "trainings"), [(False, 1), (True, 7)])
def test_one_training_serves_all_variants_where_patterns_act_in_adaptation_alone(
    in_training, trainings
):
    Counting.steps.clear()
    learner = Counting(Sinusoid(Place(), meta_batch=2), in_training=in_training)
    train_variants(block(), learner)
    assert len(Counting.steps) == trainings * STUDY["train_steps"]
    assert len(set(Counting.steps)) == trainings


def test_every_call_of_every_variant_is_timed_in_both_members():
    record = record_of("variant_times")
    found = by_variant(record)
    assert [[len(each.seconds) for each in at] for at in found.values()] == [[2, 2]] * 7
    every = [each for at in found.values() for each in at]
    assert all(each.batch == 3 and each.batch_seconds > 0 for each in every)
    assert all(s > 0 for each in every for s in each.seconds)
    assert all(
        wall >= counted
        for each in every
        for wall, counted in zip(each.wall_seconds, each.seconds, strict=True)
    )
    baseline = by_variant(measured(block(measured_="variant_times")))
    assert tuple(baseline) == tuple(known_full(baseline)) == ("reference_maml",)


def test_operations_are_counted_of_every_variant_and_fall_with_its_pattern():
    found = by_variant(record_of("variant_operations"))
    flops = {name: at[1].flops for name, at in found.items()}
    assert flops["001"] < flops["011"] < flops["111"]
    assert flops["100"] < flops["111"]


def test_adaptation_s_operations_are_counted_where_it_is_timed():
    plain = measured(make_block(measured="operations"))
    assert plain.seen.adaptation_flops is None
    timed = measured(make_block(measured="operations", passes=("operations", "adaptation")))
    assert timed.seen.adaptation_flops is not None
    assert 0 < timed.seen.adaptation_flops < timed.seen.flops


@dataclass(frozen=True)
class Halves(ReferenceMaml):
    """Names variants none of which is full."""

    name = "halves"

    def variants(self):
        return {"first": Variant({}), "second": Variant({})}


def test_variants_without_a_full_one_are_refused():
    learner = Halves(Sinusoid(Place(), meta_batch=2))
    with pytest.raises(UsageError, match="halves: 0 of its 2 variants are marked as full"):
        train_variants(block(), learner)

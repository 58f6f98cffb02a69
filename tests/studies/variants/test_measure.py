"""Variants are trained once or each for itself, judged on tasks apart, and timed call by call."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass
from typing import Any

import pytest

from baselines.reference_maml import ReferenceMaml
from harness.declare.learner import Variant
from harness.declare.workload import Place
from harness.errors import UsageError
from harness.measure.worker import measured
from harness.records.record import Record, record_from
from harness.studies.variants.measure import train_variants
from methods.lambda_patterns import LambdaPatterns
from suites.sinusoid import Sinusoid
from tests.measure.conftest import QUICK, make_block

PROTOCOL = dataclasses.replace(
    QUICK,
    variant_train_steps=2,
    variant_steps=(1, 3),
    variant_tasks=4,
    variant_test_tasks=7,
    variant_calls=2,
    variant_batch=3,
)
PATTERNS = ("001", "010", "011", "100", "101", "110", "111")


def record_of(measured_: str, **settings: Any) -> Record:
    block = make_block(
        "lambda_patterns",
        measured_,
        PROTOCOL,
        method_settings=settings,
        passes=("operations", "variants", "variant_times"),
    )
    record = measured(block)
    assert record.status == "ok", record.reason
    assert record_from(record.to_line(), "here") == record
    return record


@pytest.mark.parametrize("in_training", [False, True])
def test_every_variant_has_its_quality_on_validation_and_on_every_test_task(in_training):
    record = record_of("variants", in_training=in_training)
    assert record.variants == PATTERNS
    assert record.variant_known_as == ("ANIL", "", "", "", "", "BOIL", "MAML")
    assert record.variant_full == "111"
    assert record.variant_steps == (1, 3)
    assert record.variant_trained_at == 1
    assert [len(row) for row in record.variant_valid] == [2] * 7
    assert [[len(tasks) for tasks in row] for row in record.variant_test] == [[7, 7]] * 7


def test_the_full_variant_s_quality_is_that_of_the_baseline_trained_as_long():
    record = record_of("variants", in_training=False)
    block = make_block("reference_maml", "variants", PROTOCOL)
    plain = measured(block)
    assert plain.variants == ("reference_maml",)
    full = record.variants.index(record.variant_full)
    assert record.variant_test[full] == tuple(
        pytest.approx(tasks, rel=1e-3) for tasks in plain.variant_test[0]
    )
    assert record.variant_valid[full] == pytest.approx(plain.variant_valid[0], rel=1e-3)


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
    train_variants(make_block(protocol=PROTOCOL), learner, 0, lambda: None)
    assert len(Counting.steps) == trainings * PROTOCOL.variant_train_steps
    assert len(set(Counting.steps)) == trainings


def test_every_call_of_every_variant_is_timed_in_both_members():
    record = record_of("variant_times")
    assert [[len(calls) for calls in row] for row in record.variant_seconds] == [[2, 2]] * 7
    assert [len(row) for row in record.variant_batch_seconds] == [2] * 7
    assert record.variant_batch == 3
    assert all(s > 0 for row in record.variant_seconds for calls in row for s in calls)
    baseline = measured(make_block("reference_maml", "variant_times", PROTOCOL))
    assert baseline.variants == ("reference_maml",)
    assert baseline.variant_full == "reference_maml"


def test_operations_are_counted_of_every_variant_and_fall_with_its_pattern():
    record = record_of("operations")
    flops = {name: row[1] for name, row in zip(PATTERNS, record.variant_flops, strict=True)}
    assert flops["001"] < flops["011"] < flops["111"]
    assert flops["100"] < flops["111"]


def test_adaptation_s_operations_are_counted_where_it_is_timed():
    plain = measured(make_block(measured="operations"))
    assert plain.adaptation_flops is None
    timed = measured(make_block(measured="operations", passes=("operations", "adaptation")))
    assert timed.adaptation_flops is not None
    assert 0 < timed.adaptation_flops < timed.flops


@dataclass(frozen=True)
class Halves(ReferenceMaml):
    """Names variants none of which is full."""

    name = "halves"

    def variants(self):
        return {"first": Variant({}), "second": Variant({})}


def test_variants_without_a_full_one_are_refused():
    learner = Halves(Sinusoid(Place(), meta_batch=2))
    with pytest.raises(UsageError, match="halves: 0 of its 2 variants are full"):
        train_variants(make_block(protocol=PROTOCOL), learner, 0, lambda: None)

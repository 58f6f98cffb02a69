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
from harness.measure.block import Block
from harness.measure.worker import measured
from harness.records.record import record_from
from harness.studies.variants.measure import train_variants
from methods.lambda_patterns import LambdaPatterns
from suites.sinusoid import Sinusoid
from tests.measure.conftest import make_block
from tests.records.made import PASSES

STUDY = {
    "train_steps": 2,
    "inner_steps": [1, 3],
    "tasks": 4,
    "test_tasks": 7,
    "calls": 2,
    "batch": 3,
}
PATTERNS = ("001", "010", "011", "100", "101", "110", "111")
CELLS = [(pattern, steps) for pattern in PATTERNS for steps in (1, 3)]


def block_of(measured_: str, method: str = "lambda_patterns", **settings: Any) -> Block:
    block = make_block(method, measured_, method_settings=settings)
    return dataclasses.replace(block, study=STUDY)


def seen_at(block: Block) -> dict[tuple[str, int], Any]:
    """Return what a block's look saw, by variant and number of inner steps."""
    record = measured(block)
    assert record.status == "ok", record.reason
    assert record_from(record.to_line(), "here", PASSES) == record
    return {(point["variant"], point["inner_steps"]): seen for point, seen in record.several}


@pytest.mark.parametrize("in_training", [False, True])
def test_every_variant_has_its_quality_on_validation_and_on_every_test_task(in_training):
    seen = seen_at(block_of("variants", in_training=in_training))
    assert list(seen) == CELLS
    names = {"001": "ANIL", "110": "BOIL", "111": "MAML"}
    for (pattern, _), quality in seen.items():
        assert quality.known_as == names.get(pattern, "")
        assert quality.full is (pattern == "111")
        assert quality.trained_at == 1
        assert isinstance(quality.valid, float)
        assert len(quality.test) == 7


def test_the_full_variant_s_quality_is_that_of_the_baseline_trained_as_long():
    seen = seen_at(block_of("variants", in_training=False))
    plain = seen_at(block_of("variants", "reference_maml"))
    assert list(plain) == [("reference_maml", 1), ("reference_maml", 3)]
    for steps in (1, 3):
        full, alone = seen["111", steps], plain["reference_maml", steps]
        assert full.test == pytest.approx(alone.test, rel=1e-3)
        assert full.valid == pytest.approx(alone.valid, rel=1e-3)


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
    train_variants(block_of("variants"), learner)
    assert len(Counting.steps) == trainings * STUDY["train_steps"]
    assert len(set(Counting.steps)) == trainings


def test_every_call_of_every_variant_is_timed_in_both_members():
    seen = seen_at(block_of("variant_times"))
    assert list(seen) == CELLS
    for times in seen.values():
        assert len(times.seconds) == 2
        assert all(seconds > 0 for seconds in (*times.seconds, times.batch_seconds))
        assert times.batch == 3
    baseline = seen_at(block_of("variant_times", "reference_maml"))
    assert list(baseline) == [("reference_maml", 1), ("reference_maml", 3)]
    assert all(times.full for times in baseline.values())


def test_operations_are_counted_of_every_variant_and_fall_with_its_pattern():
    seen = seen_at(block_of("variant_operations"))
    assert list(seen) == CELLS
    flops = {pattern: seen[pattern, 3].flops for pattern in PATTERNS}
    assert flops["001"] < flops["011"] < flops["111"]
    assert flops["100"] < flops["111"]


def test_adaptation_s_operations_are_counted_where_it_is_timed():
    plain = measured(make_block(measured="operations")).seen
    assert plain.adaptation_flops is None
    timed = measured(make_block(measured="operations", passes=("operations", "adaptation"))).seen
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
        train_variants(block_of("variants"), learner)

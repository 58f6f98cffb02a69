"""The worker measures what it is told, in this process; faults become records."""

from __future__ import annotations

import dataclasses
import json

import pytest

from harness.measure.block import block_from
from harness.measure.worker import measured
from harness.records.seen import Curve
from tests.measure.conftest import make_block


def test_a_timed_block_keeps_every_interval_and_says_what_it_ran_on():
    record = measured(make_block())
    assert record.status == "ok", record.reason
    assert len(record.seen.seconds) == 2
    assert all(value > 0 for value in record.seen.seconds)
    assert record.data == "sinusoids (generated)"
    assert record.metric == "squared error"
    assert record.higher_is_better is False
    assert record.held_out_shared is False
    took = sum(record.seen.wall_seconds) * record.seen.steps_per_interval
    assert record.measured_s == pytest.approx(took)


def test_memory_repeats_to_the_byte():
    first, second = (measured(make_block(measured="memory")).seen for _ in range(2))
    assert first.peak_bytes == second.peak_bytes
    assert first.peak_bytes > 0
    # parameters, two moments and steps of 1761 weights in 6 tensors; two tasks of 20 points
    assert first.live_bytes == 3 * 1761 * 4 + 6 * 4 + 2 * 20 * 2 * 4


@pytest.mark.parametrize("measured_by", ["memory", "step"])
def test_fast_paths_that_a_learner_chooses_while_it_works_are_in_the_record(measured_by: str):
    record = measured(make_block("fast_maml", measured=measured_by))
    assert record.status == "ok", record.reason
    words = dict(word.split("=") for word in (record.fast_paths or "").split())
    assert words["network"] == "stacked"
    assert words["plan"] in words["candidates"]
    assert float(words["planning"].removesuffix("s")) > 0


def test_a_plan_that_is_made_at_the_first_step_is_not_counted_among_its_operations():
    planned = measured(make_block("fast_maml", measured="operations"))
    given = make_block("fast_maml", measured="operations", method_settings={"tasks": 2})
    assert planned.seen == measured(given).seen


@pytest.mark.parametrize("method", ["reference_maml", "batched_maml"])
def test_memory_at_a_point_of_a_sweep_is_what_the_pair_set_so_would_take(method: str):
    """Every block of a sweep has a process to itself, and what it sees is the point's own."""
    swept = make_block(method, measured="memory", sweep={"inner_steps": (1, 2, 4, 8)})
    grown = []
    for point in swept.pair.points:
        at = dataclasses.replace(swept, pair=swept.pair.at(point), point=point)
        record = measured(block_from(at.to_json()))
        assert record.status == "ok", record.reason
        assert record.point == point
        alone = measured(make_block(method, measured="memory", settings=dict(point)))
        assert record.seen.peak_bytes == alone.seen.peak_bytes
        grown.append(record.seen.peak_bytes)
    assert grown == sorted(grown)
    assert grown[-1] > grown[0]


def test_a_point_that_the_workload_can_not_be_set_to_says_so():
    block = make_block(measured="memory")
    pair = dataclasses.replace(
        block.pair, baseline="rnn_optimizer", method="rnn_optimizer",
        workload="quadratics", settings={}, sweep={"inner_steps": (1,)},
    )  # fmt: skip
    record = measured(dataclasses.replace(block, pair=pair.at({"inner_steps": 1})))
    assert record.status == "failed"
    assert "inner_steps" in (record.reason or "")
    assert "quadratics" in (record.reason or "")


def test_batching_spends_as_many_operations_in_fewer_backward_passes():
    plain = measured(make_block(measured="operations")).seen
    batched = measured(make_block("batched_maml", measured="operations")).seen
    assert plain.flops == batched.flops
    assert plain.backward_passes == 2 + 1  # an inner step a task, and one for all of them
    assert batched.backward_passes == 2  # one inner step, one outer, each for all tasks


def test_a_curve_has_the_planned_points_and_every_test_task():
    seen = measured(make_block(measured="curve")).seen
    assert seen.curve_steps == (2, 4)
    assert len(seen.curve_quality) == 2
    assert len(seen.test_quality) == 7


def test_a_trajectory_is_in_float64_and_repeats_to_the_bit():
    first, second = (measured(make_block(measured="trajectory")) for _ in range(2))
    assert first.dtype == "float64"
    assert first.seen == second.seen
    assert len(first.seen.losses) == len(first.seen.fingerprint) == 2


def test_both_members_of_a_pair_see_the_same_tasks_and_weights():
    plain = measured(make_block("reference_maml", measured="trajectory"))
    batched = measured(make_block("batched_maml", measured="trajectory"))
    assert plain.seen.losses == pytest.approx(batched.seen.losses, rel=1e-12)


def test_a_check_that_fails_is_recorded_with_its_worst_case():
    record = measured(make_block("wrong", measured="check"))
    assert record.status == "ok"
    assert record.seen.passed is False
    assert record.seen.worst_error == pytest.approx(1e-4, rel=0.5)
    assert "seed=" in (record.seen.worst_case or "")


@pytest.mark.parametrize(
    ("method", "status", "words"),
    [
        ("raises", "failed", "RuntimeError: out of ideas (in meta_gradient, misbehaving.py:"),
        ("not_finite", "not finite", "NaN or infinity"),
        ("greedy", "out of memory", "allocate memory"),
        (
            "needs_absent_peer",
            "skipped",
            "module a_package_that_nobody_has, which needs_absent_peer imports, is not installed. "
            "Install the package that provides it.",
        ),
    ],
)
def test_a_fault_becomes_a_record_that_says_what_happened(method: str, status: str, words: str):
    record = measured(make_block(method))
    assert record.status == status
    assert words in (record.reason or "")
    assert "\n" not in (record.reason or "")


def test_a_wrong_setting_becomes_a_record_that_names_the_right_ones():
    record = measured(make_block(settings={"inner_step": 2}))
    assert record.status == "failed"
    assert "'inner_step'" in (record.reason or "")
    assert "did you mean 'inner_steps'?" in (record.reason or "")


def test_an_absent_device_is_a_skipped_block():
    import torch

    device = f"cuda:{torch.cuda.device_count()}"
    record = measured(dataclasses.replace(make_block(), device=device))
    assert record.status == "skipped"
    assert device in (record.reason or "")


def test_a_training_that_comes_to_no_number_keeps_its_curve_until_then():
    record = measured(make_block("not_finite", "curve"))
    assert record.status == "not finite"
    assert isinstance(record.seen, Curve)
    assert (record.seen.curve_steps, record.seen.test_quality) == ((), ())
    json.loads(record.to_line(), parse_constant=pytest.fail)

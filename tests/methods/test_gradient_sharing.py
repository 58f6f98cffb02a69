"""What gradient sharing's settings do, what it refuses, and that it trains."""

from __future__ import annotations

import dataclasses
from typing import Any

import pytest
import torch

from baselines.flat import flat
from baselines.reference_maml import ReferenceMaml
from harness.declare.settings import build
from harness.declare.tree import all_finite, relative_error
from harness.declare.workload import Place
from harness.errors import UsageError
from harness.measure.check import check
from harness.registry import Registry
from methods.adapter import Adapter
from methods.gradient_sharing import GradientSharing, SharingState
from suites.fewshot import FewShot
from suites.glyph_tasks import Glyphs5Way1Shot
from suites.maml_problems import RandomTasks
from suites.sinusoid import Sinusoid

SEED = 4
WORKLOAD = RandomTasks(
    Place(dtype="float64"), meta_batch=3, inner_steps=2, inner_lr=0.4, architecture="conv"
)


def trained(learner: GradientSharing, steps: int) -> SharingState:
    state = learner.init(SEED)
    for index in range(steps):
        state, _ = learner.step(state, learner.workload.train_batch(SEED, index))
    return state


@pytest.mark.parametrize(
    "setting",
    [
        {"mixing": "additive"},
        {"mean": "leave_one_out"},
        {"sources": "concurrent"},
        {"sources": "memory"},
        {"detached": True},
        {"decay": 0.1},
        {"weight": 0.2},
        {"concurrent": 0.2},
        {"scale": "step_and_layer"},
        {"learned": False},
        {"scale_lr": 0.2},
    ],
    ids=str,
)
def test_every_setting_changes_what_is_learned(setting: dict[str, Any]):
    usual = trained(GradientSharing(WORKLOAD), 3)
    other = trained(GradientSharing(WORKLOAD, **setting), 3)
    moved = {name: usual.params[name] - other.params[name] for name in WORKLOAD.initial(SEED)}
    assert float(flat(moved).abs().max()) > 1e-5


@pytest.mark.parametrize("settings", [{}, {"mean": "leave_one_out", "mixing": "additive"}], ids=str)
def test_the_check_passes(settings: dict[str, Any]):
    registry = Registry()
    result = check(registry.find("gradient_sharing", "method"), registry, 30, settings)
    assert (result.passed, result.equivalence) == (True, "Approximate"), result.worst_case


def test_the_memory_is_taken_to_held_out_tasks_only_when_that_is_asked_for():
    alone, remembering = GradientSharing(WORKLOAD), GradientSharing(WORKLOAD, at_test="memory")
    state, batch = trained(alone, 2), WORKLOAD.eval_batch(SEED, "test", 0, 2)
    plain = ReferenceMaml(WORKLOAD).adapt(
        dataclasses.replace(state, params={n: state.params[n] for n in WORKLOAD.initial(SEED)}),
        batch,
    )
    for found, shared, owed in zip(
        alone.adapt(state, batch), remembering.adapt(state, batch), plain, strict=True
    ):
        assert relative_error(found, owed) < 1e-12
        assert relative_error(shared, owed) > 1e-4


def test_the_scales_are_told_by_step_and_layer():
    assert GradientSharing(WORKLOAD).watched(GradientSharing(WORKLOAD).init(SEED)) == {
        "weight, step 1": 0.5,
        "concurrent, step 1": 0.5,
        "weight, step 2": 0.5,
        "concurrent, step 2": 0.5,
    }
    by_layer = GradientSharing(WORKLOAD, sources="memory", weight=0.25, scale="step_and_layer")
    told = by_layer.watched(by_layer.init(SEED))
    layers = ["blocks.0.0", "blocks.0.1", "blocks.1.0", "blocks.1.1", "head"]
    assert list(told) == [f"weight, step {k}, {layer}" for k in (1, 2) for layer in layers]
    assert list(told.values()) == pytest.approx([0.25] * 10)
    held = GradientSharing(WORKLOAD, learned=False, weight=0.0)
    assert held.watched(trained(held, 1))["weight, step 2"] == 0.0


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"mixing": "convexe"}, "mixing = 'convexe'.*'convex' or 'additive'"),
        ({"decay": 1.5}, "decay = 1.5 must be from 0 to 1"),
        ({"weight": -0.1}, "weight = -0.1 must be from 0 to 1"),
        ({"weight": 0.0}, "weight = 0.0 cannot be learned.*learned = false"),
        ({"concurrent": 1.0}, "concurrent = 1.0 cannot be learned"),
        ({"scale_lr": -1.0}, "scale_lr = -1.0 must not be negative"),
        ({"chunk": 0}, "chunk = 0 must be 1 or more"),
        ({"at_test": "memory", "sources": "concurrent"}, "at_test = 'memory' shares what"),
    ],
    ids=str,
)
def test_settings_that_make_no_sense_are_refused(settings: dict[str, Any], message: str):
    with pytest.raises(UsageError, match=message):
        build(GradientSharing, settings, "gradient_sharing", WORKLOAD)


def test_scales_that_no_source_needs_may_begin_anywhere():
    assert GradientSharing(WORKLOAD, sources="memory", concurrent=1.0).init(SEED)


def test_a_damped_step_at_test_is_maml_s_at_a_smaller_rate():
    learner = GradientSharing(WORKLOAD, weight=0.25, learned=False, at_test="damped")
    state, batch = trained(learner, 1), WORKLOAD.eval_batch(SEED, "test", 0, 2)
    slower = ReferenceMaml(dataclasses.replace(WORKLOAD, inner_lr=0.75 * WORKLOAD.inner_lr))
    for found, owed in zip(learner.adapt(state, batch), slower.adapt(state, batch), strict=True):
        assert relative_error(found, owed) < 1e-12


def test_an_adapter_needs_the_memory_only_where_it_is_used():
    learner = GradientSharing(WORKLOAD)
    state, batch = trained(learner, 1), WORKLOAD.eval_batch(SEED, "test", 0, 1)
    [task] = batch
    predict = Adapter(learner, state.params).adapt(task.support_x, task.support_y)
    [params] = learner.adapt(state, batch)
    assert torch.equal(predict(task.query_x), WORKLOAD.outputs(params, task.query_x))
    remembering = GradientSharing(WORKLOAD, at_test="memory")
    with pytest.raises(UsageError, match="without the memory of their training"):
        Adapter(remembering, state.params).adapt(task.support_x, task.support_y)


@pytest.mark.parametrize(
    ("workload", "steps", "better"),
    [
        (Sinusoid(hidden=(20, 20), meta_batch=10, outer_lr=1e-2), 60, 0.9),
        (Sinusoid(hidden=(20, 20), meta_batch=5, inner_steps=3, outer_lr=1e-2), 60, 0.9),
        (Glyphs5Way1Shot(filters=16, meta_batch=4, queries=3, outer_lr=1e-2), 25, 1.3),
    ],
    ids=["sinusoid", "sinusoid, three steps", "glyphs"],
)
def test_it_trains(workload: FewShot, steps: int, better: float):
    """Held-out quality goes by a factor to the better; the scales leave where they began."""
    learner = GradientSharing(workload)
    before, after = learner.init(SEED), trained(learner, steps)
    held_out = workload.eval_batch(SEED, "valid", 0, 50)
    first, last = (float(learner.evaluate(state, held_out).mean()) for state in (before, after))
    assert (last > better * first) if workload.metric.higher_is_better else (last < better * first)
    assert all_finite(after)
    moved = learner.watched(after)
    assert all(abs(moved[name] - value) > 1e-3 for name, value in learner.watched(before).items())

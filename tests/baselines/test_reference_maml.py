"""The oracle is itself held to something: numerical derivatives, and a problem solved by hand."""

from __future__ import annotations

import dataclasses
from typing import Literal

import pytest
import torch

from baselines.reference_maml import ReferenceMaml
from harness.declare.outer import AdamState
from harness.declare.workload import Place
from suites.fewshot import Tasks
from suites.maml_problems import RandomTasks

SMOOTH = RandomTasks(
    Place(dtype="float64"), meta_batch=2, inner_steps=3, inner_lr=0.1, ways=3, shots=2, queries=2
)


@pytest.mark.parametrize("architecture", ["conv", "mlp"])
@pytest.mark.parametrize("norm", [True, False])
def test_the_second_order_gradient_is_the_derivative_of_the_query_loss(
    architecture: Literal["conv", "mlp"], norm: bool
):
    workload = dataclasses.replace(SMOOTH, architecture=architecture, norm=norm)
    learner, batch = ReferenceMaml(workload), workload.train_batch(1, 0)
    state = learner.init(1)
    grads = learner.meta_gradient(state, batch).grads
    generator = torch.Generator().manual_seed(0)
    for _ in range(3):
        direction = {
            name: torch.randn(p.shape, generator=generator, dtype=p.dtype)
            for name, p in state.params.items()
        }
        slope = sum(float((grads[name] * d).sum()) for name, d in direction.items())
        assert _numerical_slope(learner, state, batch, direction) == pytest.approx(slope, rel=1e-5)


def test_the_first_order_gradient_is_the_query_gradient_at_the_adapted_weights():
    workload = dataclasses.replace(SMOOTH, first_order=True)
    learner, batch = ReferenceMaml(workload), workload.train_batch(1, 0)
    state = learner.init(1)
    expected = {name: torch.zeros_like(p) for name, p in state.params.items()}
    for params, task in zip(learner.adapt(state, batch), batch, strict=True):
        leafs = {name: p.requires_grad_() for name, p in params.items()}
        loss = workload.loss(workload.outputs(leafs, task.query_x), task.query_y)
        for name, g in zip(leafs, torch.autograd.grad(loss, list(leafs.values())), strict=True):
            expected[name] += g / len(batch)
    found = learner.meta_gradient(state, batch).grads
    for name, g in expected.items():
        torch.testing.assert_close(found[name], g)


def test_the_first_order_gradient_is_not_the_second_order_one():
    first = ReferenceMaml(dataclasses.replace(SMOOTH, first_order=True))
    second = ReferenceMaml(SMOOTH)
    state, batch = second.init(1), SMOOTH.train_batch(1, 0)
    found, exact = first.meta_gradient(state, batch), second.meta_gradient(state, batch)
    assert not torch.allclose(found.grads["head.weight"], exact.grads["head.weight"], rtol=1e-3)


def test_evaluation_adapts_before_it_judges():
    """After enough steps on a support set that is also the query, every answer is right."""
    workload = dataclasses.replace(SMOOTH, inner_steps=60, inner_lr=0.5, norm=False, width=8)
    batch = workload.train_batch(1, 0)
    same = Tasks(batch.support_x, batch.support_y, batch.support_x, batch.support_y)
    learner = ReferenceMaml(workload)
    assert learner.evaluate(learner.init(1), same).tolist() == [1.0, 1.0]
    unadapted = ReferenceMaml(dataclasses.replace(workload, inner_steps=0))
    assert unadapted.evaluate(unadapted.init(1), same).mean() < 1.0


def _numerical_slope(
    learner: ReferenceMaml, state: AdamState, batch: Tasks, direction: dict[str, torch.Tensor]
) -> float:
    def loss_at(distance: float) -> float:
        moved = {name: p + distance * direction[name] for name, p in state.params.items()}
        return float(learner.meta_gradient(AdamState.start(moved), batch).loss)

    h = 1e-6
    return (loss_at(h) - loss_at(-h)) / (2 * h)


def test_the_outer_rate_falls_along_a_cosine_and_then_nothing_moves():
    workload = dataclasses.replace(SMOOTH, outer_lr=0.1, outer_cosine=2)
    assert [workload.outer_rate(n) for n in (0, 1, 2, 3)] == pytest.approx([0.1, 0.05, 0, 0])
    assert SMOOTH.outer_rate(10**6) == SMOOTH.outer_lr
    learner = ReferenceMaml(workload)
    moved, state = [], learner.init(1)
    for index in range(3):
        before = state.params
        state, _ = learner.step(state, workload.train_batch(1, index))
        moved.append(max(float((state.params[n] - p).abs().max()) for n, p in before.items()))
    # Adam's first step is as long as its rate, whatever the gradient.
    assert moved[0] == pytest.approx(0.1, rel=1e-3)
    assert 0 < moved[1] < moved[0]
    assert moved[2] == 0


def test_a_negative_schedule_is_refused():
    with pytest.raises(ValueError, match="outer_cosine = -1 must be at least 0"):
        dataclasses.replace(SMOOTH, outer_cosine=-1)

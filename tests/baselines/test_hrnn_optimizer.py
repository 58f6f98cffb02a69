"""The plain hierarchical RNN optimizer against the published code's figures."""

from __future__ import annotations

import dataclasses

import pytest
import torch
from torch import Tensor

from baselines.hrnn import HrnnState, RmsPropState
from baselines.hrnn_optimizer import HrnnOptimizer
from harness.declare.learner import Gradient

from . import hrnn_vector as vector
from .hrnn_vector import TestVector


def both_unrolls(workload: TestVector) -> tuple[list[Gradient], list[HrnnState]]:
    """Return the gradients of two unrolls without a meta-update between, and the states after."""
    learner = HrnnOptimizer(workload)
    state, gradients, states = learner.init(0), [], []
    for index in range(2):
        batch = workload.train_batch(0, index)
        gradients.append(learner.meta_gradient(state, batch))
        after, _ = learner.step(state, batch)
        state = dataclasses.replace(after, outer=state.outer)
        states.append(state)
    return gradients, states


def norm(values: dict[str, Tensor]) -> float:
    return float(torch.cat([value.flatten() for value in values.values()]).norm())


def test_objectives_and_ends_are_the_published_code_s() -> None:
    gradients, states = both_unrolls(TestVector(vector.PLACE))
    for unroll in range(2):
        assert float(gradients[unroll].loss) == pytest.approx(vector.OBJECTIVES[unroll], abs=6e-11)
        end = states[unroll].ended[0]
        assert end is not None
        owed = torch.tensor(vector.ENDS[unroll], dtype=torch.float64)
        torch.testing.assert_close(end.rows.theta, owed, rtol=0, atol=6e-10)


def test_losses_are_the_published_code_s() -> None:
    workload = TestVector(vector.PLACE)
    learner = HrnnOptimizer(workload)
    run = learner.adapt(learner.init(0), workload.train_batch(0, 0))
    listed = run.losses[0, [0, *range(vector.STEPS)]]
    owed = torch.tensor(vector.LOSSES, dtype=torch.float64)
    torch.testing.assert_close(listed, owed[0], rtol=0, atol=6e-10)
    torch.testing.assert_close(run.losses[0, -1], owed[1, 0], rtol=0, atol=6e-10)


def test_gradients_are_the_published_code_s() -> None:
    gradients, _ = both_unrolls(TestVector(vector.PLACE))
    first, second = gradients
    assert norm(first.grads) == pytest.approx(vector.TOTAL_NORMS[0], abs=6e-10)
    assert norm(second.grads) == pytest.approx(vector.TOTAL_NORMS[1], abs=6e-7)
    for name, slope in vector.SLOPES.items():
        assert float(first.grads[name]) == pytest.approx(slope, rel=3e-9)
    for name, size in vector.NORMS.items():
        assert float(first.grads[name].norm()) == pytest.approx(size, rel=3e-9)
    for name in ("h0", "h1", "h2"):  # the second unroll does not begin with them
        assert not second.grads[name].any()


def test_without_second_derivatives_the_norms_are_others() -> None:
    gradients, _ = both_unrolls(TestVector(vector.PLACE, second_derivatives=False))
    for gradient, owed in zip(gradients, vector.FIRST_ORDER_NORMS, strict=True):
        assert norm(gradient.grads) == pytest.approx(owed, abs=6e-7)


def test_level_2_may_see_the_mean_over_tensors() -> None:
    gradients, _ = both_unrolls(TestVector(vector.PLACE, level2="mean"))
    for gradient, owed in zip(gradients, vector.MEAN_OBJECTIVES, strict=True):
        assert float(gradient.loss) == pytest.approx(owed, abs=6e-11)


def test_attention_takes_gradients_at_a_point_of_its_own() -> None:
    gradients, _ = both_unrolls(TestVector(vector.PLACE, attention=True))
    assert float(gradients[0].loss) == pytest.approx(vector.ATTENTION_OBJECTIVE, abs=6e-8)
    assert norm(gradients[0].grads) == pytest.approx(vector.ATTENTION_NORM, abs=6e-6)


def test_the_meta_update_is_tensorflow_s_rmsprop() -> None:
    workload = TestVector(vector.PLACE)
    learner = HrnnOptimizer(workload)
    state = learner.init(0)
    after, _ = learner.step(state, workload.train_batch(0, 0))
    moved = float(after.outer.params["off"] - state.outer.params["off"])
    assert moved == pytest.approx(vector.FIRST_MOVE_OF_OFF, rel=1e-6)
    ours = RmsPropState.start({"p": torch.tensor([1.0], dtype=torch.float64)})
    theirs = torch.nn.Parameter(torch.tensor([1.0], dtype=torch.float64))
    theirs.grad = torch.tensor([0.5], dtype=torch.float64)
    torch.optim.RMSprop([theirs], lr=1e-6, alpha=0.9, eps=1e-10).step()
    there = ours.update({"p": theirs.grad}, 1e-6).params["p"]
    assert not torch.allclose(there, theirs.detach(), rtol=1e-7, atol=0)

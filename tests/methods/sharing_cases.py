"""Drawn settings of gradient sharing, and learners of a problem that are some meta-steps old."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import torch
from hypothesis import strategies as st

from harness.declare.problem import Problem
from harness.declare.tree import relative_error
from methods.gradient_sharing import GradientSharing, SharingState

SETTINGS = st.fixed_dictionaries(
    {
        "mixing": st.sampled_from(["convex", "additive"]),
        "mean": st.sampled_from(["batch", "leave_one_out"]),
        "sources": st.sampled_from(["both", "concurrent", "memory"]),
        "detached": st.booleans(),
        "decay": st.sampled_from([0.0, 0.5, 0.9, 1.0]),
        "weight": st.floats(0.05, 0.95),
        "concurrent": st.floats(0.05, 0.95),
        "scale": st.sampled_from(["step", "step_and_layer"]),
        "learned": st.booleans(),
        "scale_lr": st.sampled_from([None, 0.1]),
    }
)


def trained(learner: GradientSharing, problem: Problem, steps: int) -> SharingState:
    """Return a state so many meta-steps old, whose scales have all come to differ."""
    state = learner.init(problem.seed)
    for index in range(steps):
        state, _ = learner.step(state, problem.workload.train_batch(problem.seed, index))
    generator = torch.Generator().manual_seed(problem.seed)
    spread = {
        name: p + torch.randn(p.shape, generator=generator, dtype=p.dtype)
        for name, p in state.params.items()
        if name.startswith("scale.")
    }
    return replace(state, params=state.params | spread)


def require_same_gradient(found: Any, owed: Any, inner_steps: int) -> None:
    """Hold the scales' part to itself as well: it may be far smaller than the network's."""
    assert list(found.grads) == list(owed.grads)
    torch.testing.assert_close(found.loss, owed.loss, rtol=1e-10, atol=1e-12)
    assert relative_error(found.grads, owed.grads) < 1e-9 * inner_steps
    for name, gradient in owed.grads.items():
        if name.startswith("scale."):
            torch.testing.assert_close(found.grads[name], gradient, rtol=1e-7, atol=1e-12)

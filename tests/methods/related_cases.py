"""What the tests of related methods share: states after some steps, and the same gradient."""

from __future__ import annotations

from typing import Any

import torch

from baselines.maml import MamlLearner
from baselines.reference_maml import ReferenceMaml
from harness.declare.learner import Gradient, Params
from harness.declare.problem import Problem
from harness.declare.tree import relative_error


def trained(learner: MamlLearner, problem: Problem, steps: int) -> Any:
    state = learner.init(problem.seed)
    for index in range(steps):
        state, _ = learner.step(state, problem.workload.train_batch(problem.seed, index))
    return state


def require_same(found: Gradient, owed: Gradient, steps: int = 1) -> None:
    """Hold a gradient to another one by the parameters that the other one has."""
    shared = {name: found.grads[name] for name in owed.grads}
    assert relative_error(shared, owed.grads) < 1e-8 * steps
    torch.testing.assert_close(found.loss, owed.loss, rtol=1e-9, atol=1e-9)


def require_same_adaptation(found: list[Params], owed: list[Params], steps: int = 1) -> None:
    for one, other in zip(found, owed, strict=True):
        assert relative_error(one, other) < 1e-8 * steps


def require_maml(learner: MamlLearner, problem: Problem, state: Any) -> None:
    """Hold a learner's gradient and adaptation to MAML's, by the parameters that MAML has."""
    maml = ReferenceMaml(problem.workload)
    there = maml.init(problem.seed)
    batch = problem.workload.train_batch(problem.seed, 0)
    owed = maml.meta_gradient(there, batch)
    require_same(learner.meta_gradient(state, batch), owed, problem.inner_steps)
    require_same_adaptation(
        learner.adapt(state, batch), maml.adapt(there, batch), problem.inner_steps
    )

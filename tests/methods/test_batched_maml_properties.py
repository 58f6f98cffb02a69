"""Whatever is drawn, batching owes the oracle its gradient, its adaptation and its steps."""

from __future__ import annotations

import torch
from hypothesis import given, settings

from baselines.reference_maml import ReferenceMaml
from harness.declare.problem import Problem
from harness.declare.tree import relative_error
from methods.batched_maml import BatchedMaml
from suites.maml_problems import MamlProblems, RandomTasks

SEEN = settings(max_examples=25, deadline=None, derandomize=True)


@SEEN
@given(MamlProblems.strategy())
def test_the_gradient_is_the_oracles(problem: Problem):
    for chunk in (None, 1, 3):
        found, owed = _gradients(problem, chunk)
        assert relative_error(found, owed) < 1e-9 * problem.inner_steps


@SEEN
@given(MamlProblems.strategy())
def test_adaptation_gives_every_task_the_oracles_parameters(problem: Problem):
    workload, batch = problem.workload, problem.workload.train_batch(problem.seed, 0)
    plain, batched = ReferenceMaml(workload), BatchedMaml(workload)
    state = plain.init(problem.seed)
    for owed, found in zip(plain.adapt(state, batch), batched.adapt(state, batch), strict=True):
        assert relative_error(found, owed) < 1e-9 * problem.inner_steps


@SEEN
@given(MamlProblems.strategy())
def test_several_meta_steps_stay_together(problem: Problem):
    """Compares updates, since values would hide them: Adam moves every weight by about its rate."""
    workload = problem.workload
    plain, batched = ReferenceMaml(workload), BatchedMaml(workload)
    state = start = plain.init(problem.seed)
    other = batched.init(problem.seed)
    for index in range(3):
        batch = workload.train_batch(problem.seed, index)
        state, _ = plain.step(state, batch)
        other, _ = batched.step(other, batch)
    moved = {n: state.params[n] - start.params[n] for n in state.params}
    moved_too = {n: other.params[n] - start.params[n] for n in state.params}
    assert relative_error(moved_too, moved) < 1e-5


def _gradients(problem: Problem, chunk: int | None) -> tuple[dict[str, torch.Tensor], ...]:
    workload = problem.workload
    assert isinstance(workload, RandomTasks)
    batch = workload.train_batch(problem.seed, 0)
    state = ReferenceMaml(workload).init(problem.seed)
    found = BatchedMaml(workload, chunk=chunk).meta_gradient(state, batch).grads
    return found, ReferenceMaml(workload).meta_gradient(state, batch).grads

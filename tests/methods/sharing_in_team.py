"""Functions that tests of gradient sharing call in every rank of a team."""

from __future__ import annotations

from typing import Any, Literal, NamedTuple
from unittest import mock

from torch import Tensor

from baselines.flat import flat
from harness.declare.problem import Problem
from harness.declare.tree import leaves
from harness.team.communicator import Alone, Communicator, Sent
from methods.differentiable_sum import differentiable_sum
from methods.gradient_sharing import GradientSharing

Flaw = Literal["", "no sum", "sum as given"]


class Worked(NamedTuple):
    """What one rank saw of training, of a gradient after it, and of held-out tasks."""

    losses: list[float]
    gradient: list[float]
    sent: Sent
    quality: list[float]
    memory: list[float]
    state: bytes


def worked(
    team: Communicator, problem: Problem, options: dict[str, Any], steps: int, flaw: Flaw = ""
) -> Worked:
    """Train, then form one gradient and judge one task more than there are ranks."""
    ours = Alone(team.rank, team.size) if flaw == "no sum" else team
    workload, seed = problem.shared_by(ours).workload, problem.seed
    learner = GradientSharing(workload, **options)
    state, losses = learner.init(seed), []

    def given(part: Tensor, team: Communicator) -> Tensor:
        return differentiable_sum(part, team).detach() + (part - part.detach())

    summing = given if flaw == "sum as given" else differentiable_sum
    with mock.patch("methods.gradient_sharing.differentiable_sum", summing):
        for index in range(steps):
            state, loss = learner.step(state, workload.train_batch(seed, index))
            losses.append(float(loss))
        before = ours.traffic.so_far()
        grads = learner.meta_gradient(state, workload.train_batch(seed, steps)).grads
        after = ours.traffic.so_far()
    held_out = workload.eval_batch(seed, "valid", 0, team.size + 1)
    return Worked(
        losses,
        flat(grads).tolist(),
        Sent(*(now - then for now, then in zip(after, before, strict=True))),
        learner.evaluate(state, held_out).tolist(),
        state.memory.flatten().tolist(),
        b"".join(leaf.detach().numpy().tobytes() for leaf in leaves(state)),
    )


def first_state(team: Communicator, problem: Problem) -> list[float]:
    """Start from another seed on every rank."""
    learner = GradientSharing(problem.shared_by(team).workload)
    return flat(learner.init(problem.seed + team.rank).params).tolist()

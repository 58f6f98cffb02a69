"""Functions that tests of QMAML call in every rank of a team."""

from __future__ import annotations

from dataclasses import replace
from typing import NamedTuple

import torch

from baselines.flat import flat
from harness.declare.problem import Problem
from harness.declare.tree import leaves
from harness.team.communicator import Alone, Communicator, Sent
from methods.qmaml import Qmaml


class Worked(NamedTuple):
    """What one rank saw of a gradient and of the steps after it."""

    loss: float
    gradient: list[float]
    sent: Sent
    losses: list[float]
    params: list[float]
    state: bytes
    sent_in_steps: Sent


def worked(
    team: Communicator, problem: Problem, inner: str, steps: int, forgets_to_sum: bool = False
) -> Worked:
    """Form one gradient, then train."""
    ours = Alone(team.rank, team.size) if forgets_to_sum else team
    place = replace(problem.workload.place, team=ours)
    workload, seed = replace(problem.workload, place=place), problem.seed
    learner = Qmaml(workload, inner=inner)
    state = learner.init(seed)
    loss, grads = learner.meta_gradient(state, workload.train_batch(seed, 0))
    sent, losses = ours.traffic.so_far(), []
    for index in range(steps):
        state, of_step = learner.step(state, workload.train_batch(seed, index))
        losses.append(float(of_step))
    return Worked(
        float(loss),
        flat(grads).tolist(),
        sent,
        losses,
        flat(state.params).tolist(),
        b"".join(leaf.detach().numpy().tobytes() for leaf in leaves(state)),
        ours.traffic.so_far(),
    )


def judged(team: Communicator, problem: Problem, inner: str, tasks: int) -> list[float]:
    """Evaluate the first weights on tasks that need not be as many as a meta-batch."""
    place = replace(problem.workload.place, team=team)
    workload = replace(problem.workload, place=place)
    learner = Qmaml(workload, inner=inner)
    batch = workload.eval_batch(problem.seed, "valid", 0, tasks)
    quality: torch.Tensor = learner.evaluate(learner.init(problem.seed), batch)
    return quality.tolist()


def first_weights(team: Communicator, problem: Problem) -> list[float]:
    """Start from another seed on every rank."""
    place = replace(problem.workload.place, team=team)
    learner = Qmaml(replace(problem.workload, place=place), inner="reference_maml")
    return flat(learner.init(problem.seed + team.rank).params).tolist()

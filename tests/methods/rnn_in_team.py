"""Functions that tests of RNN optimizers' ranks call in every rank of a team."""

from __future__ import annotations

from dataclasses import replace
from typing import NamedTuple

from baselines.flat import flat
from harness.declare.problem import Problem
from harness.declare.tree import leaves
from harness.registry import Registry
from harness.team.communicator import Communicator, Sent


class Worked(NamedTuple):
    """What one rank saw of some steps."""

    losses: list[float]
    gradient: list[float]
    state: bytes
    sent_in_a_gradient: Sent


def worked(team: Communicator, problem: Problem, name: str, steps: int) -> Worked:
    """Form one gradient, then train."""
    place = replace(problem.workload.place, team=team)
    workload, seed = replace(problem.workload, place=place), problem.seed
    learner = Registry().find(name, "baseline", "method").load()(workload)
    state, losses = learner.init(seed), []
    _, grads = learner.meta_gradient(state, workload.train_batch(seed, 0))
    sent = team.traffic.so_far()
    for index in range(steps):
        state, loss = learner.step(state, workload.train_batch(seed, index))
        losses.append(float(loss))
    told = b"".join(leaf.detach().numpy().tobytes() for leaf in leaves(state))
    return Worked(losses, flat(grads).tolist(), told, sent)

"""Functions that tests of SAMA call in every rank of a team."""

from __future__ import annotations

from dataclasses import replace
from typing import Any, NamedTuple

from baselines import bilevel_definitions as definitions
from baselines.bilevel import BilevelState
from baselines.flat import flat
from harness.declare.tree import leaves
from harness.team.communicator import Communicator, Sent
from methods.sama import Sama, SamaLearner, SamaNa
from suites.bilevel import Bilevel, BilevelBatch

METHODS: dict[str, type[SamaLearner]] = {"sama": Sama, "sama_na": SamaNa}


class Worked(NamedTuple):
    """What one rank saw of two steps and of a gradient after them, and what it is defined as."""

    losses: list[float]
    params: list[float]
    state: bytes
    gradient: list[float]
    defined: list[float]
    adapted: bytes
    quality: list[float]


def learner_of(
    team: Communicator, name: str, workload: Bilevel, settings: dict[str, Any]
) -> SamaLearner:
    place = replace(workload.place, team=team)
    return METHODS[name](replace(workload, place=place), **settings)


def worked(
    team: Communicator, name: str, workload: Bilevel, settings: dict[str, Any], seed: int
) -> Worked:
    """Take two steps, then look."""
    learner, losses = learner_of(team, name, workload, settings), []
    state = learner.init(seed)
    for index in range(2):
        state, loss = learner.step(state, workload.train_batch(seed, index))
        losses.append(float(loss))
    batch = workload.train_batch(seed, 2)
    return Worked(
        losses,
        flat({**state.base.params, **state.meta.params}).tolist(),
        _bytes(state),
        flat(learner.meta_gradient(state, batch).grads).tolist(),
        [] if team.rank else _defined(name, learner, state, batch),
        _bytes(learner.adapt(state, batch)),
        learner.evaluate(state, workload.eval_batch(seed, "valid", 0, 3)).tolist(),
    )


def sent(
    team: Communicator, name: str, workload: Bilevel, settings: dict[str, Any]
) -> tuple[Sent, Sent]:
    """Return the traffic of a step, and of adaptation."""
    learner = learner_of(team, name, workload, settings)
    state, batch = learner.init(0), workload.train_batch(0, 0)
    learner.step(state, batch)
    of_step = team.traffic.so_far()
    learner.adapt(state, batch)
    both = team.traffic.so_far()
    rest = Sent(both.calls - of_step.calls, both.bytes - of_step.bytes, 0.0)
    return Sent(of_step.calls, of_step.bytes, 0.0), rest


def _defined(
    name: str, learner: SamaLearner, state: BilevelState, batch: BilevelBatch
) -> list[float]:
    defined: list[float] = flat(getattr(definitions, name)(learner, state, batch).grads).tolist()
    return defined


def _bytes(tree: Any) -> bytes:
    return b"".join(leaf.detach().numpy().tobytes() for leaf in leaves(tree))

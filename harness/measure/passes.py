"""The spine's passes: what a block's learner does, and what is seen of it."""

from __future__ import annotations

import itertools
from collections.abc import Callable
from typing import Any, NamedTuple

import torch

from harness.declare.learner import Learner, workload_of
from harness.declare.passes import Costs, Look, Pass, Seen, resolved
from harness.declare.tree import all_finite, live_bytes
from harness.measure import device
from harness.measure.block import Block
from harness.measure.clock import time_steps
from harness.measure.memory import peak_of
from harness.measure.operations import operations_of
from harness.measure.training import train_curve, train_trajectory
from harness.records.seen import Memory, Operations, Times
from harness.team.communicator import Communicator
from harness.team.together import told_by_all

Measure = Callable[[Block, Learner], Look]
Repeated = tuple[Callable[[int], None], list[Any]]
"""What does a pass's work so many times, and where it leaves the latest result."""

BATCHES = 4  # distinct batches that a timed loop goes round, all in memory before it starts


class NotFinite(Exception):
    """The state holds NaN or infinity after the block's steps."""


def stepping(block: Block, learner: Learner) -> Repeated:
    """Return what takes steps from the same start whenever it is called."""
    state, batches = _prepared(block, learner)
    latest = [state]

    def repeat(steps: int) -> None:
        current = state
        for batch in itertools.islice(itertools.cycle(batches), steps):
            current, _ = learner.step(current, batch)
        latest[0] = current

    return repeat, latest


def adapting(block: Block, learner: Learner) -> Repeated:
    """Return what adapts to one batch after another, from the same state."""
    state, batches = _prepared(block, learner)
    latest: list[Any] = [None]

    def repeat(times: int) -> None:
        for batch in itertools.islice(itertools.cycle(batches), times):
            latest[0] = learner.adapt(state, batch)

    return repeat, latest


REPEATED: dict[str, Callable[[Block, Learner], Repeated]] = {
    "step": stepping,
    "adaptation": adapting,
}


def timed(block: Block, learner: Learner) -> Look:
    repeat, latest = REPEATED[block.measured](block, learner)
    team = _team_of(learner)
    timing = time_steps(repeat, device.synchronizer(block.device), block.protocol, team)
    require_finite(latest[0])
    several = team.size > 1
    seen = Times(
        seconds=timing.seconds,
        allreduce_seconds=timing.allreduce_seconds if several else None,
        imbalance_seconds=timing.imbalance_seconds if several else None,
        steps_per_interval=timing.steps_per_interval,
    )
    return Look(seen, timing.costs)


def memory(block: Block, learner: Learner) -> Look:
    state, batches = _prepared(block, learner)
    learner.step(state, batches[0])  # what is made once and kept is not a step's own
    peak = peak_of(lambda: learner.step(state, batches[0]), block.device)
    own = {
        "live_bytes": live_bytes(state, batches[0]),
        "peak_bytes": peak.peak_bytes,
        "reserved_bytes": peak.reserved_bytes,
        "resident_bytes": peak.resident_bytes,
    }
    of_all: list[dict[str, int]] = told_by_all(_team_of(learner), own)
    return Look(Memory(**max(of_all, key=lambda seen: seen["live_bytes"] + seen["peak_bytes"])))


def operations(block: Block, learner: Learner) -> Look:
    (state, batches), team = _prepared(block, learner), _team_of(learner)
    before = team.traffic.so_far()
    of_step = _counted_by_all(team, lambda: learner.step(state, batches[0]))
    sent = team.traffic.calls - before.calls, team.traffic.bytes - before.bytes
    calls, bytes_ = zip(*told_by_all(team, sent), strict=True)
    adapting = None
    if "adaptation" in block.pair.passes:
        adapting = sum(_counted_by_all(team, lambda: learner.adapt(state, batches[0])).flops)
    several = team.size > 1
    seen = Operations(
        flops=sum(of_step.flops),
        backward_passes=sum(of_step.backward_passes),
        adaptation_flops=adapting,
        rank_flops=max(of_step.flops) if several else None,
        allreduce_calls=max(calls) if several else None,
        allreduce_bytes=max(bytes_) if several else None,
    )
    return Look(seen)


class _ByRank(NamedTuple):
    """What every rank did: work that several of them repeat is not saved."""

    flops: tuple[int, ...]
    backward_passes: tuple[int, ...]


def _counted_by_all(team: Communicator, call: Callable[[], object]) -> _ByRank:
    own = operations_of(call)
    return _ByRank(*zip(*told_by_all(team, (own.flops, own.backward_passes)), strict=True))


def curve(block: Block, learner: Learner) -> Look:
    synchronize = device.synchronizer(block.device)
    seen = train_curve(learner, block.task_seed, block.protocol, synchronize)
    require_finite([torch.tensor(seen.curve_quality), torch.tensor(seen.test_quality)])
    return Look(seen, Costs(measured_s=seen.train_seconds))


def trajectory(block: Block, learner: Learner) -> Look:
    seen = train_trajectory(learner, block.task_seed, block.protocol.trajectory_steps)
    require_finite([torch.tensor(seen.losses), torch.tensor(seen.fingerprint)])
    return Look(seen)


def measure_of(known: Pass[Seen]) -> Measure:
    """Return the function that does a pass."""
    return known.measure if callable(known.measure) else resolved(known.measure)


def _prepared(block: Block, learner: Learner) -> tuple[Any, list[Any]]:
    seed, workload = block.task_seed, workload_of(learner)
    return learner.init(seed), [workload.train_batch(seed, index) for index in range(BATCHES)]


def _team_of(learner: Learner) -> Communicator:
    return workload_of(learner).place.team


def require_finite(tree: Any) -> None:
    if not all_finite(tree):
        raise NotFinite("the result holds NaN or infinity after the block's steps")

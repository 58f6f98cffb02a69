"""The spine's passes: what a block's learner does, and what is seen of it."""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable, Sequence
from typing import Any

import torch

from harness.declare.learner import Learner, workload_of
from harness.declare.passes import Costs, Look, Pace, Pass, Seen, Turns, resolved
from harness.declare.protocol import Protocol
from harness.declare.tree import all_finite, live_bytes
from harness.measure import device
from harness.measure.block import Block
from harness.measure.clock import Clock, Window, warm_up
from harness.measure.memory import peak_of
from harness.measure.operations import operations_of
from harness.measure.training import train_curve, train_trajectory
from harness.records.seen import Memory, Operations, Times
from harness.team.aggregation import told_by_all
from harness.team.communicator import Communicator

Measure = Callable[[Block, Learner], Look]

BATCHES = 4  # distinct batches that a timed loop goes round, all in memory before it starts


class NotFinite(Exception):
    """The result holds NaN or infinity; `before` is what was seen until then, if that is kept."""

    def __init__(self, before: Seen | None = None) -> None:
        super().__init__("the result holds NaN or infinity after the block's steps")
        self.before = before


class TimedSteps:
    """Turns of a function that takes its steps from the same start whenever it is called."""

    def __init__(
        self,
        repeat: Callable[[int], Any],
        clock: Clock,
        protocol: Protocol,
        preparations: Callable[[], Sequence[float]] = tuple,
    ) -> None:
        self._repeat, self._clock, self._protocol = repeat, clock, protocol
        self._preparations = preparations
        self._taken: list[Window] = []
        self._latest: Any = None

    def warm_up(self) -> Pace:
        self._warm = warm_up(self._timed, self._protocol)
        return Pace(self._warm.steps_of(self._protocol.interval_s), self._protocol.intervals)

    def take(self, steps: int) -> None:
        self._repeat(1)  # what the blocks beside it left in the caches is no part of a step
        self._taken.append(self._timed(steps))

    def look(self) -> Look:
        require_finite(self._latest)
        taken, several = self._taken, self._clock.team.size > 1
        seen = Times(
            seconds=tuple(turn.seconds for turn in taken),
            wall_seconds=tuple(turn.wall / turn.steps for turn in taken),
            allreduce_seconds=tuple(turn.communication for turn in taken) if several else None,
            imbalance_seconds=tuple(turn.imbalance for turn in taken) if several else None,
            steps_per_interval=taken[0].steps if taken else None,
            compile_s=sum(self._preparations()) or None,
        )
        return Look(seen, self._warm.costs(taken))

    def _timed(self, steps: int) -> Window:
        return self._clock.time(self._work, steps)

    def _work(self, steps: int) -> None:
        self._latest = self._repeat(steps)


def steps(block: Block, learner: Learner) -> Turns:
    """Time meta-steps from the same start."""
    state, batches = _prepared(block, learner)

    def repeat(steps: int) -> Any:
        current = state
        for batch in itertools.islice(itertools.cycle(batches), steps):
            current, _ = learner.step(current, batch)
        return current

    return TimedSteps(repeat, clock_of(block, learner), block.protocol, learner.preparations)


def adaptations(block: Block, learner: Learner) -> Turns:
    """Time adapting to one batch after another, from the same state."""
    state, batches = _prepared(block, learner)

    def repeat(times: int) -> Any:
        for batch in itertools.islice(itertools.cycle(batches), times):
            latest = learner.adapt(state, batch)
        return latest

    return TimedSteps(repeat, clock_of(block, learner), block.protocol, learner.preparations)


def clock_of(block: Block, learner: Learner) -> Clock:
    """Return the clock that the block's turns are timed by."""
    synchronize, team = device.synchronizer(block.device), _team_of(learner)
    return Clock(synchronize, team, threads=block.threads, all_count=block.all_count)


def alone(turns: Turns) -> Look:
    """Take all turns one after another, with nothing beside them."""
    pace = turns.warm_up()
    for _ in range(pace.turns):
        turns.take(pace.steps)
    return turns.look()


def memory(block: Block, learner: Learner) -> Look:
    state, batches = _prepared(block, learner)
    learner.step(state, batches[0])  # what is made once and kept is not a step's own
    peak = peak_of(lambda: learner.step(state, batches[0]), block.device)
    own = vars(peak) | {"live_bytes": live_bytes(state, batches[0])}
    of_all: list[dict[str, int]] = told_by_all(_team_of(learner), own)
    return Look(Memory(**max(of_all, key=lambda seen: seen["live_bytes"] + seen["peak_bytes"])))


def operations(block: Block, learner: Learner) -> Look:
    (state, batches), team = _prepared(block, learner), _team_of(learner)
    learner.step(state, batches[0])  # a plan made at the first step is not a step's own work
    before = team.traffic.so_far()
    flops, passes = _counted_by_all(team, lambda: learner.step(state, batches[0]))
    sent = team.traffic.calls - before.calls, team.traffic.bytes - before.bytes
    calls, bytes_ = zip(*told_by_all(team, sent), strict=True)
    adapting = None
    if "adaptation" in block.pair.passes:
        learner.adapt(state, batches[0])  # likewise
        adapting = sum(_counted_by_all(team, lambda: learner.adapt(state, batches[0]))[0])
    several = team.size > 1
    seen = Operations(
        flops=sum(flops),
        backward_passes=sum(passes),
        adaptation_flops=adapting,
        rank_flops=max(flops) if several else None,
        allreduce_calls=max(calls) if several else None,
        allreduce_bytes=max(bytes_) if several else None,
    )
    return Look(seen)


def _counted_by_all(team: Communicator, call: Callable[[], object]) -> list[tuple[int, ...]]:
    """Return every rank's operations and its backward passes: what several repeat is not saved."""
    own = operations_of(call)
    return list(zip(*told_by_all(team, (own.flops, own.backward_passes)), strict=True))


def curve(block: Block, learner: Learner) -> Look:
    synchronize = device.synchronizer(block.device)
    seen = train_curve(learner, block.task_seed, block.protocol, synchronize)
    if not all(map(math.isfinite, (*seen.curve_quality, *seen.test_quality))):
        raise NotFinite(seen.while_finite())
    return Look(seen, Costs(measured_s=seen.train_seconds))


def trajectory(block: Block, learner: Learner) -> Look:
    seen = train_trajectory(learner, block.task_seed, block.protocol.trajectory_steps)
    require_finite([torch.tensor(seen.losses), torch.tensor(seen.fingerprint)])
    return Look(seen)


def measure_of(known: Pass[Seen], take_turns: Callable[[Turns], Look] = alone) -> Measure:
    """Return the function that does a pass, and in which way it takes its turns, if it has any."""
    found = known.measure if callable(known.measure) else resolved(known.measure)
    if not known.in_turns:
        return found

    def in_turns(block: Block, learner: Learner) -> Look:
        turns = found(block, learner)
        _team_of(learner).barrier()  # ranks have patience with each other; who calls them has not
        return take_turns(turns)

    return in_turns


def _prepared(block: Block, learner: Learner) -> tuple[Any, list[Any]]:
    seed, workload = block.task_seed, workload_of(learner)
    return learner.init(seed), [workload.train_batch(seed, index) for index in range(BATCHES)]


def _team_of(learner: Learner) -> Communicator:
    return workload_of(learner).place.team


def require_finite(tree: Any) -> None:
    if not all_finite(tree):
        raise NotFinite

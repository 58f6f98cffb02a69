"""The clock: what a stretch of work takes, what of that counts, and when work is warm.

Seconds are those of the clock, less those that strangers took. Linux counts for every thread how
long it was ready to run while others had its core. What kept this thread so does not count, nor
what it slept for while its helpers (OpenMP's threads, the other ranks of its team) were kept so.
What a step waits for by itself (a lock, a transfer, another process's work) stays in, as it would
not in processor time; and so does what threads take that nobody asked for. On two cores with eight
other busy processes, the ratio of equal learners of one thread varied by 15 % from round to round
of 16 turns by the clock alone, and by 3 % so.

A stretch is timed as a whole: by its fastest step, a slow-down of one step in four would not show.
One in which a process was stopped and went on does not count, and is taken again.
"""

from __future__ import annotations

import gc
import math
import os
import signal
import statistics
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from time import perf_counter_ns
from types import FrameType
from typing import NamedTuple

from harness.declare.passes import Costs
from harness.declare.protocol import Protocol
from harness.team.aggregation import told_by_all
from harness.team.communicator import Alone, Communicator

AGREEMENT = 0.05  # two halves of the warm-up agree when their medians differ by no more than this
WINDOWS = 4  # windows of warm-up that are looked at, in two halves

MARGIN = 1.2  # an interval is planned this much longer than it must be, for steps that grow faster

LEAST_SHARE = 0.01
"""Of a stretch that other threads of the worker must use to be seen: the two clocks of processor
time are not read at the same moment, so a worker with one thread seems to have a little."""


class Spent(NamedTuple):
    """What the clocks say, in nanoseconds: at a moment, or of a stretch."""

    wall: int
    running: int = 0  # this thread
    aside: int = 0  # this thread, ready to run while others had its core
    others: int = 0  # the process's other threads, running
    others_aside: int = 0  # likewise, as far as they are helpers

    def counted(self, threads: int = 1, team_aside: int = 0) -> int:
        """Return what counts, of a thread with so many less one to help it and of its team."""
        own = max(0, self.others - (threads - 1) * self.running)
        if own <= LEAST_SHARE * self.wall:
            own = 0
        asleep = max(0, self.wall - self.running - self.aside)
        left = self.wall - max(0, self.aside - own) - min(asleep, self.others_aside + team_aside)
        return max(left, min(self.running, self.wall))  # the clocks are not read at one moment


@dataclass(frozen=True)
class Window:
    """A stretch of steps: the seconds of the slowest rank, and what each rank stood waiting."""

    steps: int
    span: float  # what counts
    waits: tuple[float, ...] = (0.0,)
    wall: float = 0.0  # what the clock said

    @property
    def seconds(self) -> float:
        return self.span / self.steps

    @property
    def communication(self) -> float:
        """What sums cost a step: the rank that waited least was waited for by the others."""
        return min(self.waits) / self.steps

    @property
    def imbalance(self) -> float:
        """What the ranks waited beyond that, on average."""
        return statistics.fmean(self.waits) / self.steps - self.communication


class Clock:
    """Times stretches of work, of one process or of a team.

    The device is synchronised at both ends of a stretch and not inside it: a synchronise at every
    step would distort short kernels, none at all would flatter long ones. So are the ranks of a
    team. They decide by the same figures, and so take the same steps.

    Where threads or ranks are more than the cores, they keep each other from them, which no
    thread's count tells from strangers: there all seconds count.
    """

    def __init__(
        self,
        synchronize: Callable[[], None],
        team: Communicator | None = None,
        *,
        threads: int = 1,
        all_count: bool = False,
    ) -> None:
        self.synchronize, self.team, self._threads = synchronize, team or Alone(), threads
        self._suspensions = suspensions()
        self._schedule: int | None = None
        if not all_count:
            with suppress(OSError):  # only Linux keeps count: elsewhere all seconds count
                self._schedule = os.open("/proc/thread-self/schedstat", os.O_RDONLY)

    def once(self, work: Callable[[], object]) -> Window:
        """Time work of this process alone; the device is to be waited for before."""
        while True:
            suspended, start = self._suspensions.count, self._now()
            work()
            self.synchronize()
            spent = self._since(start)
            if suspended == self._suspensions.count:
                return Window(1, spent.counted(self._threads) / 1e9, wall=spent.wall / 1e9)

    def time(self, repeat: Callable[[int], object], steps: int) -> Window:
        """Time so many steps; all ranks take them again if one was suspended meanwhile."""
        while (window := self._time(repeat, steps)) is None:
            pass
        return window

    def _time(self, repeat: Callable[[int], object], steps: int) -> Window | None:
        suspended = self._suspensions.count
        gc.collect()
        self.synchronize()
        self.team.barrier()
        waited, start = self.team.traffic.seconds, self._now()
        repeat(steps)
        self.synchronize()
        own, waited = self._since(start), self.team.traffic.seconds - waited
        suspended = self._suspensions.count - suspended
        told = told_by_all(self.team, (own, waited, suspended))
        if any(times for _, _, times in told):
            return None
        ranks, waits = [Spent(*spent) for spent, _, _ in told], [wait for _, wait, _ in told]
        kept = [rank.aside + rank.others_aside for rank in ranks]
        counted = [
            rank.counted(self._threads, sum(kept) - aside)
            for rank, aside in zip(ranks, kept, strict=True)
        ]
        wall = max(rank.wall for rank in ranks)
        return Window(steps, max(counted) / 1e9, tuple(waits), wall / 1e9)

    def _now(self, wall: int | None = None) -> Spent:
        """Read all clocks; the one that ends a stretch is read before the others."""
        if self._schedule is None:
            return Spent(wall or perf_counter_ns())
        aside = _aside(os.pread(self._schedule, 100, 0))
        running = time.thread_time_ns()
        others = time.process_time_ns() - running
        helpers = _all_aside() - aside if self._threads > 1 else 0
        return Spent(wall or perf_counter_ns(), running, aside, others, helpers)

    def _since(self, start: Spent) -> Spent:
        now = self._now(perf_counter_ns())
        return Spent(*(end - begun for begun, end in zip(start, now, strict=True)))


def _all_aside() -> int:
    """Return for how long all threads of this process were kept from a core."""
    kept = 0
    for thread in Path("/proc/self/task").iterdir():
        with suppress(OSError):  # it has just ended
            kept += _aside((thread / "schedstat").read_bytes())
    return kept


def _aside(schedule: bytes) -> int:
    return int(schedule.split()[1])


@dataclass(frozen=True)
class WarmUp:
    """The windows of a warm-up, and whether two halves of the last ones agreed."""

    windows: tuple[Window, ...]
    steady: bool

    def steps_of(self, interval_s: float) -> int:
        """Return how many steps fill so many seconds.

        The fastest of late says it: a warm-up that was cut short may have ended on a slow step.
        """
        step_s = min(window.seconds for window in self.windows[-WINDOWS:])
        return max(1, math.ceil(MARGIN * interval_s / step_s)) if step_s > 0 else 1

    def costs(self, turns: Sequence[Window]) -> Costs:
        """Return what a timing cost: its warm-up, and the turns after it."""
        return Costs(
            measured_s=sum(turn.wall for turn in turns),
            warmup_s=sum(window.wall for window in self.windows),
            warmup_seconds=tuple(window.seconds for window in self.windows),
            warmup_steady=self.steady,
        )


def warm_up(interval: Callable[[int], Window], protocol: Protocol) -> WarmUp:
    """Take steps until two halves of the last ones agree, or as long as the protocol allows."""
    steps = 1
    windows: list[Window] = []
    while True:
        windows.append(interval(steps))
        recent = [window.seconds for window in windows[-WINDOWS:]]
        long_enough = windows[-1].span >= protocol.interval_s / WINDOWS
        if len(recent) == WINDOWS and long_enough:
            first, second = (statistics.median(half) for half in (recent[:2], recent[2:]))
            if abs(first - second) <= AGREEMENT * first:
                return WarmUp(tuple(windows), True)
        if sum(window.span for window in windows) >= protocol.warmup_s and len(windows) > 1:
            return WarmUp(tuple(windows), False)
        if not long_enough:
            steps *= 2


class Suspensions:
    """How often this process was stopped and went on: what handles the signal of that.

    A stopped process neither runs nor waits for a core, so no clock of the system tells its seconds
    from those of work; but it is sent a signal when it goes on. (While a whole machine sleeps, the
    clock that times intervals stands still.)
    """

    def __init__(self) -> None:
        self.count = 0

    def __call__(self, number: int, frame: FrameType | None) -> None:
        self.count += 1


def suspensions() -> Suspensions:
    """Return the count of this process, which it begins with the first who asks."""
    known = signal.getsignal(signal.SIGCONT)
    if isinstance(known, Suspensions):
        return known
    counting = Suspensions()
    with suppress(ValueError):  # only a process's first thread may say who handles a signal
        signal.signal(signal.SIGCONT, counting)
    return counting

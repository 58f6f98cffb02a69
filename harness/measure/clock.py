"""Seconds of a step: warm up until steady, then intervals that hold many steps each."""

from __future__ import annotations

import gc
import math
import statistics
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from time import perf_counter_ns

from harness.declare.passes import Costs
from harness.declare.suite import Protocol
from harness.team.communicator import Alone, Communicator
from harness.team.together import told_by_all

AGREEMENT = 0.05  # two halves of the warm-up agree when their medians differ by no more than this
WINDOWS = 4  # windows of warm-up that are looked at, in two halves


MARGIN = 1.2  # an interval is planned this much longer than it must be, for steps that grow faster


@dataclass(frozen=True)
class Window:
    """A stretch of steps: the seconds of the slowest rank, and what each rank stood waiting."""

    steps: int
    span: float
    waits: tuple[float, ...] = (0.0,)

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


@dataclass(frozen=True)
class Timing:
    """Seconds a step, one value an interval."""

    seconds: tuple[float, ...]
    allreduce_seconds: tuple[float, ...]
    imbalance_seconds: tuple[float, ...]
    steps_per_interval: int
    costs: Costs


def time_steps(
    repeat: Callable[[int], None],
    synchronize: Callable[[], None],
    protocol: Protocol,
    team: Communicator | None = None,
) -> Timing:
    """Time a function that takes its steps from the same start whenever it is called.

    The device is synchronised at both ends of an interval and not inside it: a synchronise at
    every step would distort short kernels, none at all would flatter long ones. So are the ranks
    of a team. They decide by the same figures, and so take the same steps.
    """
    team = team or Alone()

    def interval(steps: int) -> Window:
        gc.collect()
        synchronize()
        team.barrier()
        waited = team.traffic.seconds
        start = perf_counter_ns()
        repeat(steps)
        synchronize()
        span = (perf_counter_ns() - start) / 1e9
        spans, waits = zip(*told_by_all(team, (span, team.traffic.seconds - waited)), strict=True)
        return Window(steps, max(spans), waits)

    windows, steady = warm_up(interval, protocol)
    # The fastest of late: a warm-up that was cut short may have ended on a slow step.
    step_s = min(window.seconds for window in windows[-WINDOWS:])
    steps = max(1, math.ceil(MARGIN * protocol.interval_s / step_s)) if step_s > 0 else 1
    measured: list[Window] = []
    while len(measured) < protocol.intervals:
        measured.append(interval(steps))
        if (span := measured[-1].span) < protocol.interval_s:
            windows += measured  # too short to count, so they were warm-up as well
            steps, measured = math.ceil(steps * MARGIN * protocol.interval_s / span), []
    return Timing(
        seconds=tuple(window.seconds for window in measured),
        allreduce_seconds=tuple(window.communication for window in measured),
        imbalance_seconds=tuple(window.imbalance for window in measured),
        steps_per_interval=steps,
        costs=costs_of(windows, steady, sum(window.span for window in measured)),
    )


def costs_of(windows: Sequence[Window], steady: bool, measured_s: float) -> Costs:
    """Return what a timing cost: its warm-up, and the intervals that count."""
    return Costs(
        measured_s=measured_s,
        warmup_s=sum(window.span for window in windows),
        warmup_seconds=tuple(window.seconds for window in windows),
        warmup_steady=steady,
    )


def warm_up(interval: Callable[[int], Window], protocol: Protocol) -> tuple[list[Window], bool]:
    """Return the windows of the warm-up, and whether two halves of the last ones agreed."""
    steps = 1
    windows: list[Window] = []
    while True:
        windows.append(interval(steps))
        recent = [window.seconds for window in windows[-WINDOWS:]]
        long_enough = windows[-1].span >= protocol.interval_s / WINDOWS
        if len(recent) == WINDOWS and long_enough:
            first, second = (statistics.median(half) for half in (recent[:2], recent[2:]))
            if abs(first - second) <= AGREEMENT * first:
                return windows, True
        if sum(window.span for window in windows) >= protocol.warmup_s and len(windows) > 1:
            return windows, False
        if not long_enough:
            steps *= 2

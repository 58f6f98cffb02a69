"""Seconds of a step: warm up until steady, then intervals that hold many steps each."""

from __future__ import annotations

import gc
import math
import statistics
from collections.abc import Callable
from dataclasses import dataclass
from time import perf_counter_ns

from harness.declare.suite import Protocol

AGREEMENT = 0.05  # two halves of the warm-up agree when their medians differ by no more than this
WINDOWS = 4  # windows of warm-up that are looked at, in two halves


MARGIN = 1.2  # an interval is planned this much longer than it must be, for steps that grow faster


@dataclass(frozen=True)
class Window:
    """A stretch of the warm-up."""

    steps: int
    span: float

    @property
    def seconds(self) -> float:
        return self.span / self.steps


@dataclass(frozen=True)
class Timing:
    """Seconds a step, one value an interval."""

    seconds: tuple[float, ...]
    steps_per_interval: int
    warmup_seconds: tuple[float, ...]  # of a step, one value a window
    warmup_s: float
    steady: bool
    measured_s: float


def time_steps(
    repeat: Callable[[int], None], synchronize: Callable[[], None], protocol: Protocol
) -> Timing:
    """Time a function that takes its steps from the same start whenever it is called.

    The device is synchronised at both ends of an interval and not inside it: a synchronise at
    every step would distort short kernels, none at all would flatter long ones.
    """

    def interval(steps: int) -> float:
        gc.collect()
        synchronize()
        start = perf_counter_ns()
        repeat(steps)
        synchronize()
        return (perf_counter_ns() - start) / 1e9

    windows, steady = warm_up(interval, protocol)
    # The fastest of late: a warm-up that was cut short may have ended on a slow step.
    step_s = min(window.seconds for window in windows[-WINDOWS:])
    steps = max(1, math.ceil(MARGIN * protocol.interval_s / step_s)) if step_s > 0 else 1
    spans: list[float] = []
    while len(spans) < protocol.intervals:
        spans.append(interval(steps))
        if spans[-1] < protocol.interval_s:  # too short to count, so they were warm-up as well
            windows += [Window(steps, span) for span in spans]
            steps, spans = math.ceil(steps * MARGIN * protocol.interval_s / spans[-1]), []
    return Timing(
        seconds=tuple(span / steps for span in spans),
        steps_per_interval=steps,
        warmup_seconds=tuple(window.seconds for window in windows),
        warmup_s=sum(window.span for window in windows),
        steady=steady,
        measured_s=sum(spans),
    )


def warm_up(interval: Callable[[int], float], protocol: Protocol) -> tuple[list[Window], bool]:
    """Return the windows of the warm-up, and whether two halves of the last ones agreed."""
    steps = 1
    windows: list[Window] = []
    while True:
        windows.append(Window(steps, interval(steps)))
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

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


@dataclass(frozen=True)
class Timing:
    """Seconds a step, one value an interval."""

    seconds: tuple[float, ...]
    steps_per_interval: int
    warmup_seconds: tuple[float, ...]
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

    steps, warmup, steady = _warm_up(interval, protocol)
    # The fastest of late: a warm-up that was cut short may have ended on a slow step.
    if (step_s := min(warmup[-WINDOWS:])) > 0:
        steps = max(1, math.ceil(protocol.interval_s / step_s))
    spans = [interval(steps) for _ in range(protocol.intervals)]
    return Timing(
        tuple(span / steps for span in spans), steps, tuple(warmup), steady, measured_s=sum(spans)
    )


def _warm_up(interval: Callable[[int], float], protocol: Protocol) -> tuple[int, list[float], bool]:
    """Return steps a window, seconds a step of every window, and whether two halves agreed."""
    steps, spent = 1, 0.0
    seconds: list[float] = []
    while True:
        span = interval(steps)
        spent += span
        seconds.append(span / steps)
        recent = seconds[-WINDOWS:]
        if len(recent) == WINDOWS and span >= protocol.interval_s / WINDOWS:
            first, second = (statistics.median(half) for half in (recent[:2], recent[2:]))
            if abs(first - second) <= AGREEMENT * first:
                return steps, seconds, True
        if spent >= protocol.warmup_s and len(seconds) > 1:
            return steps, seconds, False
        if span < protocol.interval_s / WINDOWS:
            steps *= 2

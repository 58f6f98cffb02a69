"""Suspension: whether this process was stopped and went on, as a job that is suspended does.

A stopped process neither runs nor waits for a core, so no clock of the system tells its seconds
from those of work; but it is sent a signal when it goes on. (While a whole machine sleeps, the
clock that times intervals stands still.)
"""

from __future__ import annotations

import signal
from contextlib import suppress
from types import FrameType


class Suspensions:
    """How often this process went on: what handles the signal that it does by."""

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

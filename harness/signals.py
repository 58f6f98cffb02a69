"""Ending when asked to: a SIGTERM or a hang-up unwinds a command as an interrupt does."""

from __future__ import annotations

import contextlib
import signal
import sys
from collections.abc import Iterator
from types import FrameType


class Ended(KeyboardInterrupt):
    """The process was told to end by a signal, as CI does to a job that is cancelled."""

    def __init__(self, number: int) -> None:
        super().__init__(signal.Signals(number).name)
        self.exit_code = 128 + number


@contextlib.contextmanager
def ending_in_order() -> Iterator[None]:
    """Let what was made be removed again when a signal asks the process to end."""
    before = {number: signal.getsignal(number) for number in (signal.SIGTERM, signal.SIGHUP)}
    for number, handler in before.items():
        if handler == signal.SIG_DFL:  # under nohup, a hang-up stays ignored
            signal.signal(number, _end)
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def interrupted(error: KeyboardInterrupt, what: str) -> int:
    """Tell what an interrupt has left, and return the exit code that says by what it came."""
    print(f"interrupted{what}", file=sys.stderr)
    return error.exit_code if isinstance(error, Ended) else 130


def _end(number: int, _: FrameType | None) -> None:
    signal.signal(number, signal.SIG_IGN)  # a second one must not interrupt the clearing away
    raise Ended(number)

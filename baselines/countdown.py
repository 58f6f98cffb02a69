"""Long pieces of work: on how many threads, how much is done, how long the rest will take."""

from __future__ import annotations

import sys
import time

import torch

from harness.errors import UsageError
from harness.measure.progress import duration


class Countdown:
    """Lines on standard error; parts are taken to be alike."""

    def __init__(self, parts: int) -> None:
        self._parts, self._done = parts, 0
        self._began = time.monotonic()

    def finished(self, part: str) -> None:
        self._done += 1
        each = (time.monotonic() - self._began) / self._done
        left = duration(each * (self._parts - self._done))
        told = f", about {left} left" if self._done < self._parts else ""
        print(f"{part}: {self._done} of {self._parts}{told}", file=sys.stderr, flush=True)


def use_threads(threads: int) -> None:
    """Let torch compute on so many threads."""
    if threads < 1:
        raise UsageError(f"--threads {threads}: give 1 or more.")
    torch.set_num_threads(threads)

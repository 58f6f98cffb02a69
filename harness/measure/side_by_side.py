"""Side by side: work that is under way at once, while whoever started it takes what comes of it."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from typing import Generic, Self, TypeVar

K = TypeVar("K")
R = TypeVar("R")


class SideBySide(Generic[K, R]):
    """So many pieces of work, each waited for by a thread."""

    def __init__(self, at_once: int) -> None:
        self._at_once = at_once
        self._threads = ThreadPoolExecutor(at_once)
        self._going: dict[Future[R], tuple[K, float]] = {}

    @property
    def going(self) -> list[K]:
        return [what for what, _ in self._going.values()]

    @property
    def full(self) -> bool:
        return len(self._going) >= self._at_once

    def start(self, what: K, work: Callable[[], R]) -> None:
        self._going[self._threads.submit(work)] = what, time.monotonic()

    def ended(self) -> Iterator[tuple[K, R, float]]:
        """Wait until a piece has ended, and yield those that have, each with its seconds."""
        for each in wait(self._going, return_when=FIRST_COMPLETED).done:
            what, began = self._going.pop(each)
            yield what, each.result(), time.monotonic() - began

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: object, error: object, traceback: object) -> None:
        """Wait for nothing where a run is broken off: its engine ends what is under way."""
        self._threads.shutdown(wait=error is None, cancel_futures=True)

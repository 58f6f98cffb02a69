"""Side by side: blocks that no clock times share a machine's cores, so many at once."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from types import TracebackType
from typing import Self

from harness.declare.passes import Seen
from harness.measure.block import Block
from harness.records.record import Record


class SideBySide:
    """Blocks in flight, each waited for by a thread; whoever started them takes their records."""

    def __init__(self, jobs: int) -> None:
        self._jobs = jobs
        self._threads = ThreadPoolExecutor(jobs)
        self._going: dict[Future[Record[Seen]], tuple[Block, float]] = {}

    @property
    def going(self) -> list[Block]:
        return [block for block, _ in self._going.values()]

    @property
    def full(self) -> bool:
        return len(self._going) >= self._jobs

    def start(self, block: Block, measure: Callable[[], Record[Seen]]) -> None:
        self._going[self._threads.submit(measure)] = block, time.monotonic()

    def ended(self) -> Iterator[tuple[Block, Record[Seen], float]]:
        """Wait until a block has ended, and yield those that have, each with its seconds."""
        for each in wait(self._going, return_when=FIRST_COMPLETED).done:
            block, began = self._going.pop(each)
            yield block, each.result(), time.monotonic() - began

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        """Wait for nothing where a run is broken off: its engine ends what is in flight."""
        self._threads.shutdown(wait=error is None, cancel_futures=True)

"""What is shown while a run goes on: a bar with time left on a terminal, plain lines elsewhere."""

from __future__ import annotations

import time
from collections.abc import Sequence
from typing import TYPE_CHECKING, Protocol, TextIO

from harness.declare.suite import Suite
from harness.measure.block import Block
from harness.measure.estimate import Estimate
from harness.records.record import Record

if TYPE_CHECKING:
    from rich.progress import Progress as RichProgress
    from rich.progress import TaskID

SILENCE_S = 15.0  # plain lines come no closer than this, unless a block failed


class Progress(Protocol):
    """Whoever watches a run."""

    def planned(self, suite: Suite, blocks: Sequence[Block], estimate: Estimate) -> None: ...
    def started(self, block: Block) -> None: ...
    def finished(self, block: Block, record: Record) -> None: ...
    def noted(self, note: str) -> None: ...
    def close(self) -> None: ...


class PlainProgress:
    """Lines that a log can hold."""

    def __init__(self, out: TextIO) -> None:
        self._out = out
        self._spoke = self._began = 0.0
        self._done = self._total = 0
        self._estimate = Estimate([])

    def planned(self, suite: Suite, blocks: Sequence[Block], estimate: Estimate) -> None:
        self._total, self._estimate = len(blocks), estimate
        self._say(announcement(suite, blocks, estimate))

    def started(self, block: Block) -> None:
        self._began = time.monotonic()

    def finished(self, block: Block, record: Record) -> None:
        self._done += 1
        self._estimate.saw(block, time.monotonic() - self._began)
        if record.status != "ok":
            self._say(f"{block.id}: {record.status}: {record.reason}")
        last = self._done == self._total
        if last or time.monotonic() - self._spoke >= SILENCE_S:
            self._spoke = time.monotonic()
            left = "" if last else f", about {duration(self._estimate.seconds)} left"
            self._say(f"{self._done} of {self._total} blocks{left}")

    def noted(self, note: str) -> None:
        self._say(f"note: {note}")

    def close(self) -> None:
        pass

    def _say(self, line: str) -> None:
        print(line, file=self._out, flush=True)


class BarProgress:
    """One bar, the block in flight, and the time left."""

    def __init__(self) -> None:
        from rich.console import Console
        from rich.progress import BarColumn, MofNCompleteColumn, TextColumn
        from rich.progress import Progress as RichProgress

        self._bar: RichProgress = RichProgress(
            BarColumn(bar_width=24),
            MofNCompleteColumn(),
            TextColumn("{task.fields[left]}"),
            TextColumn("[dim]{task.description}"),
            console=Console(stderr=True),
            transient=True,
        )
        self._task: TaskID | None = None
        self._began = 0.0
        self._estimate = Estimate([])

    def planned(self, suite: Suite, blocks: Sequence[Block], estimate: Estimate) -> None:
        self._estimate = estimate
        self._print(announcement(suite, blocks, estimate))
        self._task = self._bar.add_task("", total=len(blocks), left=self._left())
        self._bar.start()

    def started(self, block: Block) -> None:
        assert self._task is not None
        self._began = time.monotonic()
        self._bar.update(self._task, description=block.id)

    def finished(self, block: Block, record: Record) -> None:
        assert self._task is not None
        self._estimate.saw(block, time.monotonic() - self._began)
        self._bar.update(self._task, advance=1, left=self._left())
        if record.status != "ok":
            self._print(f"{block.id}: {record.status}: {record.reason}")

    def noted(self, note: str) -> None:
        self._print(f"note: {note}")

    def close(self) -> None:
        self._bar.stop()

    def _left(self) -> str:
        return f"{duration(self._estimate.seconds)} left"

    def _print(self, line: str) -> None:
        self._bar.console.print(line, markup=False, highlight=False)


def progress_for(out: TextIO) -> Progress:
    return BarProgress() if out.isatty() else PlainProgress(out)


def announcement(suite: Suite, blocks: Sequence[Block], estimate: Estimate) -> str:
    """Say what a run is about to do."""
    pairs = "\n".join(
        f"  {pair.name}: {pair.method} against {pair.baseline} on {pair.workload}"
        + (" (A/A: the noise)" if pair.is_aa else "")
        for pair in suite.pair
    )
    return (
        f"suite {suite.name}: {suite.summary}\n{pairs}\n"
        f"{len(blocks)} blocks, about {duration(estimate.seconds)}"
    )


def duration(seconds: float) -> str:
    """Say how long that is, as people do."""
    minutes, rest = divmod(round(seconds), 60)
    if minutes >= 60:
        return f"{minutes // 60} h {minutes % 60} min"
    return f"{minutes} min {rest} s" if minutes else f"{rest} s"

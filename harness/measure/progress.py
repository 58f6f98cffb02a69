"""Progress: what is shown while a run goes on, and how long it is expected to go on.

A terminal gets a bar, anything else plain lines.
"""

from __future__ import annotations

import abc
import contextlib
import math
import time
from collections.abc import Callable
from threading import Event, Lock, Thread
from typing import TYPE_CHECKING, TextIO

from harness.declare.pair import Pair
from harness.declare.passes import Seen
from harness.declare.suite import Suite
from harness.measure.block import Block
from harness.measure.estimate import Estimate
from harness.records.record import Record

if TYPE_CHECKING:
    from rich.progress import Progress as RichProgress
    from rich.progress import TaskID

SILENCE_S = 15.0  # plain lines come no closer than this, unless a block failed
LONGEST_SILENCE_S = 60.0  # then they say what takes so long: one training may take an hour


LONG_S = 3600.0  # from here on a run says what each of its pairs costs


class Progress(abc.ABC):
    """Whoever watches a run: told how long it takes, what of it is done, and what went wrong."""

    def __init__(self) -> None:
        self._estimate = Estimate([], {})
        self._looked = -math.inf
        self._left = ""
        self._told: set[tuple[str, str | None]] = set()

    def planned(self, suite: Suite, blocks: int, estimate: Estimate) -> None:
        self._estimate = estimate
        self._say(announcement(suite, blocks, estimate))
        self._begin(blocks)

    @abc.abstractmethod
    def started(self, block: Block) -> None: ...

    def finished(self, block: Block, record: Record[Seen]) -> None:
        """Tell what went wrong; of what is skipped once for each pair and reason."""
        what = block.pair.name, record.reason
        if record.status == "skipped" and what not in self._told:
            self._told.add(what)
            self._say(f"{what[0]}: {'skipped: ' if record.is_owed else ''}{record.reason}")
        elif record.status not in ("ok", "skipped"):
            self._say(f"{block.id}: {record.status}: {record.reason}")
        self._count(block)

    def noted(self, note: str) -> None:
        self._say(f"note: {note}")

    @abc.abstractmethod
    def close(self) -> None: ...

    @abc.abstractmethod
    def _begin(self, blocks: int) -> None:
        """Show that so many blocks are to be measured."""

    @abc.abstractmethod
    def _count(self, block: Block) -> None:
        """Show that a block has ended."""

    @abc.abstractmethod
    def _say(self, line: str) -> None: ...

    @property
    def left(self) -> str:
        """The time left, in words that are no older than a second: many blocks take less."""
        if time.monotonic() - self._looked >= 1:
            self._looked = time.monotonic()
            self._left = f"{between(*self._estimate.seconds)} left"
        return self._left


class PlainProgress(Progress):
    """Lines that a log can hold."""

    def __init__(self, out: TextIO) -> None:
        super().__init__()
        self._out = out
        self._counted = -math.inf  # when blocks were last counted, and when anything was last said
        self._spoke = time.monotonic()
        self._done = self._total = 0
        self._going: dict[str, float] = {}
        self._lock, self._closed = Lock(), Event()
        self._silence = Thread(target=self._end_silence, daemon=True)

    def _begin(self, blocks: int) -> None:
        self._total = blocks
        self._silence.start()

    def started(self, block: Block) -> None:
        with self._lock:
            self._going[block.id] = time.monotonic()

    def _count(self, block: Block) -> None:
        self._done += 1
        with self._lock:
            self._going.pop(block.id, None)  # of those that are timed together one was started
        last = self._done == self._total
        if last or time.monotonic() - self._counted >= SILENCE_S:
            self._counted = time.monotonic()
            left = "" if last else f", {self.left}"
            self._say(f"{self._done} of {self._total} blocks{left}")

    def tell_of_the_longest(self) -> None:
        """Say what has been going on for longest, if nothing was said for long."""
        now = time.monotonic()
        with self._lock:
            going = dict(self._going)
        if going and now - self._spoke >= LONGEST_SILENCE_S:
            block = min(going, key=going.__getitem__)
            self._say(f"{block}: {duration(now - going[block])} so far")

    def close(self) -> None:
        self._closed.set()
        if self._silence.ident is not None:
            self._silence.join()

    def _end_silence(self) -> None:
        with contextlib.suppress(OSError, ValueError):  # who says the next line meets it too
            while not self._closed.wait(LONGEST_SILENCE_S / 6):
                self.tell_of_the_longest()

    def _say(self, line: str) -> None:
        with self._lock:
            self._spoke = time.monotonic()
            print(line, file=self._out, flush=True)


class BarProgress(Progress):
    """One bar, the block in flight, and the time left."""

    def __init__(self) -> None:
        super().__init__()
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

    def _begin(self, blocks: int) -> None:
        self._task = self._bar.add_task("", total=blocks, left=self.left)
        self._bar.start()

    def started(self, block: Block) -> None:
        assert self._task is not None
        self._bar.update(self._task, description=block.id)

    def _count(self, block: Block) -> None:
        assert self._task is not None
        self._bar.update(self._task, advance=1, left=self.left)

    def close(self) -> None:
        self._bar.stop()

    def _say(self, line: str) -> None:
        self._bar.console.print(line, markup=False, highlight=False)


def progress_for(out: TextIO) -> Progress:
    return BarProgress() if out.isatty() else PlainProgress(out)


def announcement(suite: Suite, blocks: int, estimate: Estimate) -> str:
    """Say what a run is about to do."""
    long = estimate.seconds[1] > LONG_S

    def cost(pair: Pair) -> str:
        if (reason := estimate.skipped.get(pair.name)) is not None:
            return f"; will be skipped: {reason}"
        return f"; {between(*estimate.of_pair(pair.name))}" if long else ""

    pairs = "\n".join(
        f"  {pair.name}: {pair.method} against {pair.baseline} on {pair.workload}"
        + (" (A/A pair: measures the noise)" if pair.is_aa else "")
        + cost(pair)
        for pair in suite.pair
    )
    return (
        f"suite {suite.name}: {suite.summary}\n{pairs}\n"
        f"at most {blocks} blocks, {between(*estimate.seconds)}"
    )


def between(low: float, high: float) -> str:
    """Say in what range a duration lies, as people do."""
    nearest = duration(low), duration(high)
    if nearest[0] == nearest[1]:
        return f"about {nearest[0]}"
    least, most = duration(low, math.floor), duration(high, math.ceil)
    number, _, unit = least.partition(" ")
    shared = most.partition(" ")[2] == unit and " " not in unit
    return f"{number if shared else least} to {most}"


def duration(seconds: float, whole: Callable[[float], int] = round) -> str:
    """Say how long that is in whole seconds, or from a minute on in whole minutes."""
    if whole(seconds) < 60:
        return f"{whole(seconds)} s"
    minutes = whole(seconds / 60)
    if minutes >= 6000:  # whose minutes nobody counts
        return f"{whole(seconds / 3600):,} h"
    return f"{minutes} min" if minutes < 60 else f"{minutes // 60} h {minutes % 60} min"

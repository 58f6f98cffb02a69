"""Progress: what is shown while a run goes on, and how long it is expected to go on.

A terminal gets a bar, anything else plain lines.
"""

from __future__ import annotations

import math
import time
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from statistics import fmean, median
from typing import TYPE_CHECKING, Protocol, TextIO

from harness.declare.passes import Pass, Seen
from harness.declare.suite import Pair, Suite
from harness.measure.block import Block
from harness.records.record import Record
from harness.records.seen import STEP, Times

if TYPE_CHECKING:
    from rich.progress import Progress as RichProgress
    from rich.progress import TaskID

SILENCE_S = 15.0  # plain lines come no closer than this, unless a block failed


class Progress(Protocol):
    """Whoever watches a run."""

    def planned(
        self, suite: Suite, blocks: Sequence[Block], passes: Passes, rehearsed: Rehearsed = ()
    ) -> None: ...
    def started(self, block: Block) -> None: ...
    def finished(self, block: Block, record: Record[Seen]) -> None: ...
    def noted(self, note: str) -> None: ...
    def close(self) -> None: ...


START_S = 0.5  # a worker's start and its data
STEP_S = 0.1  # a meta-step, before any was timed

Passes = Mapping[str, Pass[Seen]]

Kind = tuple[str, str, str]  # pair, pass and member
Range = tuple[float, float]

Rehearsed = Sequence[Record[Seen]]
"""What came of the steps that were taken before the run: times, or why there are none."""

LONG_S = 3600.0  # from here on a run says what each of its pairs costs


class Estimate:
    """Seconds that are left, from the least to the most that was seen to be so.

    A block is expected to take as little and as much as its like did, those of the same pair, pass
    and member. Until one of them was seen it is guessed from the protocol and the seconds of a
    step. How far off such guesses were for other pairs corrects them; where that is unknown, a
    guess from steps that were timed stands, and one from none may be as far off as any other was.
    Of a pair whose rehearsal was skipped every block will be.
    """

    def __init__(self, blocks: Sequence[Block], passes: Passes, rehearsed: Rehearsed = ()) -> None:
        self._passes = passes
        self._left = Counter(map(_kind, blocks))
        self._one_of = {_kind(block): block for block in blocks}
        self._seen: dict[Kind, Range] = {}
        self._off_by: dict[str, Range] = {}  # by pass
        self._doubt: Range = (1.0, 1.0)  # of all guesses
        self._step_s: dict[tuple[str, str], Range] = {}  # by pair and member
        self.skipped: dict[str, str] = {}
        """Why a pair will be left out, by its name."""
        for record in rehearsed:
            if isinstance(record.seen, Times):
                ends = min(record.seen.seconds), max(record.seen.seconds)
                self._step_s[record.pair, record.member] = ends
            elif record.status == "skipped":
                self.skipped[record.pair] = record.reason or "a block was skipped"

    def saw(self, block: Block, seconds: float, record: Record[Seen]) -> None:
        """Learn from what a block took, and from the steps that it timed."""
        kind = _kind(block)
        self._left[kind] -= 1
        self._seen[kind] = _widened(self._seen.get(kind), seconds)
        off_by = seconds / fmean(self._guess(block))
        self._off_by[block.measured] = _widened(self._off_by.get(block.measured), off_by)
        self._doubt = _widened(self._doubt, off_by)
        if block.measured == STEP.name and isinstance(record.seen, Times):
            self._step_s[block.pair.name, block.member] = (median(record.seen.seconds),) * 2

    @property
    def seconds(self) -> Range:
        return self._sum(self._left)

    def of_pair(self, name: str) -> Range:
        return self._sum(kind for kind in self._left if kind[0] == name)

    def _sum(self, kinds: Iterable[Kind]) -> Range:
        low = high = 0.0
        for kind in kinds:
            blocks = self._left[kind]
            each = self._expected(kind)
            low, high = low + blocks * each[0], high + blocks * each[1]
        return low, high

    def _expected(self, kind: Kind) -> Range:
        if kind in self._seen:
            return self._seen[kind]
        pair, measured, member = kind
        guess = self._guess(self._one_of[kind])
        known = (1.0, 1.0) if (pair, member) in self._step_s else self._doubt
        low, high = self._off_by.get(measured, known)
        least = START_S if _may_inherit(self._one_of[kind]) else guess[0] * low
        return least, guess[1] * high

    def _guess(self, block: Block) -> Range:
        if block.pair.name in self.skipped:
            return START_S, START_S
        ends = self._step_s.get((block.pair.name, block.member), (STEP_S, STEP_S))
        low, high = (self._guess_at(step_s, block) for step_s in ends)
        return low, high

    def _guess_at(self, step_s: float, block: Block) -> float:
        protocol = block.protocol
        steps: dict[str, float] = {
            "check": protocol.check_examples * 0.4,
            "trajectory": 2.0 * protocol.trajectory_steps,  # in float64
            "curve": protocol.curve_steps * (1 + protocol.curve_tasks / protocol.curve_every / 100),
            "operations": 3.0,
            "memory": 3.0,
        }
        if (of_study := self._passes[block.measured].guess_steps) is not None:
            steps[block.measured] = of_study(block.study)
        if block.measured in steps:
            return START_S + step_s * steps[block.measured]
        timed = protocol.intervals * max(protocol.interval_s, step_s)
        return START_S + min(protocol.warmup_s, 4 * step_s) + timed


def _may_inherit(block: Block) -> bool:
    """Whether the block is left out if the method's curve is shown to be the baseline's."""
    proven = {"check", "trajectory"} <= {*block.pair.passes}
    return block.measured == "curve" and block.member == "method" and proven and not block.point


def _kind(block: Block) -> Kind:
    return block.pair.name, block.measured, block.member


def _widened(known: Range | None, value: float) -> Range:
    return (value, value) if known is None else (min(known[0], value), max(known[1], value))


class Watch:
    """What both displays know of a run: how long it takes, and what of it was told already."""

    def __init__(self) -> None:
        self._estimate = Estimate([], {})
        self._began = self._looked = -math.inf
        self._left = ""
        self._told: set[tuple[str, str | None]] = set()

    def planned(
        self, suite: Suite, blocks: Sequence[Block], passes: Passes, rehearsed: Rehearsed = ()
    ) -> str:
        """Return the announcement of a run."""
        self._estimate = Estimate(blocks, passes, rehearsed)
        return announcement(suite, blocks, self._estimate)

    def started(self) -> None:
        self._began = time.monotonic()

    def finished(self, block: Block, record: Record[Seen]) -> str | None:
        """Take in a block's record, and return what is to be told of it.

        What is skipped is told once for each pair and reason: it is seldom a block alone.
        """
        self._estimate.saw(block, time.monotonic() - self._began, record)
        if record.status == "ok":
            return None
        if record.status != "skipped":
            return f"{block.id}: {record.status}: {record.reason}"
        what = block.pair.name, record.reason
        if what in self._told:
            return None
        self._told.add(what)
        return f"{block.pair.name}: skipped: {record.reason}"

    @property
    def left(self) -> str:
        """The time left, in words that are no older than a second: many blocks take less."""
        if time.monotonic() - self._looked >= 1:
            self._looked = time.monotonic()
            self._left = f"{between(*self._estimate.seconds)} left"
        return self._left


class PlainProgress:
    """Lines that a log can hold."""

    def __init__(self, out: TextIO) -> None:
        self._out = out
        self._watch = Watch()
        self._spoke = 0.0
        self._done = self._total = 0

    def planned(
        self, suite: Suite, blocks: Sequence[Block], passes: Passes, rehearsed: Rehearsed = ()
    ) -> None:
        self._total = len(blocks)
        self._say(self._watch.planned(suite, blocks, passes, rehearsed))

    def started(self, block: Block) -> None:
        self._watch.started()

    def finished(self, block: Block, record: Record[Seen]) -> None:
        self._done += 1
        if (told := self._watch.finished(block, record)) is not None:
            self._say(told)
        last = self._done == self._total
        if last or time.monotonic() - self._spoke >= SILENCE_S:
            self._spoke = time.monotonic()
            left = "" if last else f", {self._watch.left}"
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
        self._watch = Watch()

    def planned(
        self, suite: Suite, blocks: Sequence[Block], passes: Passes, rehearsed: Rehearsed = ()
    ) -> None:
        self._print(self._watch.planned(suite, blocks, passes, rehearsed))
        self._task = self._bar.add_task("", total=len(blocks), left=self._watch.left)
        self._bar.start()

    def started(self, block: Block) -> None:
        assert self._task is not None
        self._watch.started()
        self._bar.update(self._task, description=block.id)

    def finished(self, block: Block, record: Record[Seen]) -> None:
        assert self._task is not None
        told = self._watch.finished(block, record)
        self._bar.update(self._task, advance=1, left=self._watch.left)
        if told is not None:
            self._print(told)

    def noted(self, note: str) -> None:
        self._print(f"note: {note}")

    def close(self) -> None:
        self._bar.stop()

    def _print(self, line: str) -> None:
        self._bar.console.print(line, markup=False, highlight=False)


def progress_for(out: TextIO) -> Progress:
    return BarProgress() if out.isatty() else PlainProgress(out)


def announcement(suite: Suite, blocks: Sequence[Block], estimate: Estimate) -> str:
    """Say what a run is about to do."""
    long = estimate.seconds[1] > LONG_S

    def cost(pair: Pair) -> str:
        if (reason := estimate.skipped.get(pair.name)) is not None:
            return f"; will be skipped: {reason}"
        return f"; {between(*estimate.of_pair(pair.name))}" if long else ""

    pairs = "\n".join(
        f"  {pair.name}: {pair.method} against {pair.baseline} on {pair.workload}"
        + (" (A/A: the noise)" if pair.is_aa else "")
        + cost(pair)
        for pair in suite.pair
    )
    return (
        f"suite {suite.name}: {suite.summary}\n{pairs}\n"
        f"{len(blocks)} blocks, {between(*estimate.seconds)}"
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

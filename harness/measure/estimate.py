"""The estimate: how long a run is expected to go on, from what its blocks have taken so far."""

from __future__ import annotations

import math
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from statistics import fmean, median
from typing import NamedTuple

from harness.declare.pair import TWIN
from harness.declare.passes import Pass, Seen
from harness.declare.point import OWN, PointKey, key_of
from harness.declare.rounds import MIN_ROUNDS
from harness.measure.block import Block
from harness.measure.budget import Budget
from harness.measure.spread import Range, Spread
from harness.records.record import Record
from harness.records.seen import MEMORY, OPERATIONS, STEP, TRAJECTORY, Times

START_S = 0.5  # a worker's start and its data
STEP_S = 0.1  # a meta-step, before any was timed
TASK_STEPS = 0.01  # of a step, to evaluate one task

Passes = Mapping[str, Pass[Seen]]

Kind = tuple[str, str, str, PointKey]  # pair, pass, member and point
Whose = tuple[str, str, PointKey | None]  # pair, member and point, or none for any


class StepTime(NamedTuple):
    """The seconds of a step by so many threads, from little to much."""

    low: float
    high: float
    threads: int

    def by(self, threads: int) -> Range:
        """Return what a step may take by fewer: as long, up to as many times longer."""
        return self.low, self.high * max(1.0, self.threads / threads)


Rehearsed = Sequence[Record[Seen]]
"""What came of the steps that were taken before the run: times, or why there are none."""


class Estimate:
    """Seconds that are left, from little to much.

    A block is expected to take what half of its like did, those of the same pair, pass, member and
    point of a sweep, or else of any point: one of many that took long does not stand for all. Until
    one of them was seen it is guessed from the protocol and the seconds of a step, and corrected by
    how far off such guesses were for other pairs. A step's seconds are those that were timed;
    before that the least that follow from passes which take a few steps, and before that those of
    other learners. Of a pair whose rehearsal was skipped every block will be. Rounds may end as
    soon as a first look decides, and go on to the last or to the end of the budget. Blocks that
    share the cores go on at once.
    """

    def __init__(
        self,
        blocks: Sequence[Block],
        passes: Passes,
        rehearsed: Rehearsed = (),
        budget: Budget | None = None,
        fewest: Mapping[str, int] | None = None,
        spare: Callable[[Block], bool] = lambda block: False,
    ) -> None:
        """Take in what is to be measured; what is spare is left out where time is short."""
        self.budget = budget or Budget(math.inf)
        self._passes = passes
        self._fewest = fewest or {}  # rounds, by pair, where it isn't what every verdict takes
        self._left = Counter(map(_kind, blocks))
        self._is_spare = spare
        self._spare = Counter(_kind(block) for block in blocks if spare(block))
        self._one_of = {_kind(block): block for block in blocks}
        self._taken: Counter[Kind] = Counter()
        self._seen: defaultdict[Kind, Spread] = defaultdict(Spread)
        self._at_any_point: defaultdict[tuple[str, str, str], Spread] = defaultdict(Spread)
        self._off_by: defaultdict[str, Spread] = defaultdict(Spread)  # by pass
        self._step_s: dict[Whose, StepTime] = {}  # where timed
        self._about_s: dict[Whose, StepTime] = {}  # likewise, by other passes
        self._usual_s: StepTime | None = None  # of all learners' steps, until more is known
        self.skipped: dict[str, str] = {}
        """Why a pair will be left out, by its name."""
        for record in rehearsed:
            if isinstance(record.seen, Times):
                steps = record.seen.wall_seconds or record.seen.seconds
                step = StepTime(min(steps), max(steps), record.threads or 1)
                for point in (key_of(record.point), None):
                    self._step_s[record.pair, record.member, point] = step
            elif record.status == "skipped":
                self.skipped[record.pair] = record.reason or "a block was skipped"

    def saw(self, block: Block, seconds: float, record: Record[Seen]) -> None:
        """Learn from what a block took, and from the steps that it timed."""
        kind = _kind(block)
        self._left[kind] -= 1
        self._spare[kind] -= self._is_spare(block)
        if not self._left[kind]:
            del self._left[kind]  # sums go through what is left
        if record.skip is not None:
            return
        self._taken[kind] += 1
        self._seen[kind].add(seconds)
        self._at_any_point[kind[:3]].add(seconds)
        points = key_of(block.point), None
        if block.measured == STEP.name and isinstance(record.seen, Times) and record.seen.seconds:
            step_s = median(record.seen.wall_seconds or record.seen.seconds)
            for point in points:
                whose = block.pair.name, block.member, point
                self._step_s[whose] = StepTime(step_s, step_s, block.threads)
            self._usual_s = None
        elif (steps_taken := _few_steps(block)) is not None:
            about = max(0.0, seconds - START_S) / steps_taken
            for point in points:
                whose = block.pair.name, block.member, point
                known = self._about_s.get(whose)
                if known is None or about < known.low:
                    self._about_s[whose] = StepTime(about, about, block.threads)
            self._usual_s = None
        self._off_by[block.measured].add(seconds / fmean(self._guess(block)))

    def owes(self, block: Block) -> None:
        """Take in a block that is to be measured after all."""
        self._left[_kind(block)] += 1
        self._spare[_kind(block)] += self._is_spare(block)
        self._one_of.setdefault(_kind(block), block)

    @property
    def seconds(self) -> Range:
        low, high = self._sum(self._others, self._needed)
        rounds = self._sum(filter(self._in_rounds, self._left), self._least, self._most)
        spare = self._sum(self._others, self._spare.__getitem__)
        allowed = self.budget.for_rounds(_between(low, high))
        least, most = (min(one + other, allowed) for one, other in zip(rounds, spare, strict=True))
        return low + least, high + most

    def of_pair(self, name: str) -> Range:
        mine = [kind for kind in self._left if kind[0] == name]
        return self._sum(mine, self._least, self._most)

    @property
    def after_rounds(self) -> float:
        """What is expected of all that is left but rounds."""
        return _between(*self._sum(self._others, self._most))

    @property
    def needed_after_rounds(self) -> float:
        """What is expected of it without what is spare."""
        return _between(*self._sum(self._others, self._needed))

    @property
    def _others(self) -> list[Kind]:
        return [kind for kind in self._left if not self._in_rounds(kind)]

    def _sum(
        self,
        kinds: Iterable[Kind],
        least: Callable[[Kind], int],
        most: Callable[[Kind], int] | None = None,
    ) -> Range:
        """Return the seconds of so many blocks of each kind."""
        low = high = 0.0
        for kind in kinds:
            each = [seconds / self._one_of[kind].jobs for seconds in self._expected(kind)]
            low, high = low + least(kind) * each[0], high + (most or least)(kind) * each[1]
        return low, high

    def _most(self, kind: Kind) -> int:
        return self._left[kind]

    def _needed(self, kind: Kind) -> int:
        return self._left[kind] - self._spare[kind]

    def _in_rounds(self, kind: Kind) -> bool:
        return self._passes[kind[1]].rhythm == "rounds"

    def _least(self, kind: Kind) -> int:
        left = self._left[kind]
        if not self._in_rounds(kind):
            return left
        return min(left, max(0, self._fewest.get(kind[0], MIN_ROUNDS) - self._taken[kind]))

    def _expected(self, kind: Kind) -> Range:
        if kind in self._seen:
            return self._seen[kind].middle_half
        if kind[:3] in self._at_any_point:
            return self._at_any_point[kind[:3]].middle_half
        measured, block = kind[1], self._one_of[kind]
        guess = self._guess(block)
        off_by = self._off_by.get(measured)
        low, high = (1.0, 1.0) if off_by is None else off_by.middle_half
        least = START_S if _may_inherit(block) else guess[0] * low
        return least, guess[1] * high

    def _steps_of(self, block: Block) -> Range:
        member = "baseline" if block.member == TWIN else block.member
        for point in (key_of(block.point), key_of(OWN), None):
            whose = block.pair.name, member, point
            if known := self._step_s.get(whose) or self._about_s.get(whose):
                return known.by(block.threads)
        return self._usual().by(block.threads)

    def _usual(self) -> StepTime:
        if self._usual_s is None:
            known = [*self._step_s.values()] or [*self._about_s.values()]
            ends = [end for each in known for end in {each.low, each.high}]
            threads = max((each.threads for each in known), default=1)
            self._usual_s = StepTime(*Spread(ends or [STEP_S]).middle_half, threads)
        return self._usual_s

    def _guess(self, block: Block) -> Range:
        if block.pair.name in self.skipped:
            return START_S, START_S
        low, high = (self._guess_at(step_s, block) for step_s in self._steps_of(block))
        return low, high

    def _guess_at(self, step_s: float, block: Block) -> float:
        protocol = block.protocol
        looks = protocol.curve_steps / protocol.curve_every
        evaluated = protocol.curve_tasks * looks + protocol.test_tasks
        steps = {
            "check": protocol.check_examples * 0.4,
            "curve": protocol.curve_steps + TASK_STEPS * evaluated,
        }
        if (few := _few_steps(block)) is not None:
            steps[block.measured] = few
        if (of_study := self._passes[block.measured].guess_steps) is not None:
            steps[block.measured] = of_study(block.study)
        if block.measured in steps:
            return START_S + step_s * steps[block.measured]
        timed = protocol.intervals * (step_s + max(protocol.interval_s, step_s))
        return START_S + min(protocol.warmup_s, 4 * step_s) + timed


def _may_inherit(block: Block) -> bool:
    """Whether the pair's own passes may show that the block need not be measured."""
    return block.may_inherit and block.pair.may_show_equal


def _few_steps(block: Block) -> float | None:
    """Return as how many usual steps a pass takes as long that takes a few, at their own cost."""
    few = {
        TRAJECTORY.name: 2.0 * block.protocol.trajectory_steps,  # in float64
        OPERATIONS.name: 3.0,
        MEMORY.name: 3.0,
    }
    return few.get(block.measured)


def _kind(block: Block) -> Kind:
    return block.pair.name, block.measured, block.member, key_of(block.point)


def _between(low: float, high: float) -> float:
    """Return what a few guesses that may be far too high do not stretch."""
    return math.sqrt(low * high)

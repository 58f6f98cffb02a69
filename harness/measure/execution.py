"""The execution of a run: which block is measured when, beside which others, and which is not."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from random import Random
from typing import TYPE_CHECKING

from harness.declare.passes import Seen
from harness.measure.block import Block
from harness.measure.engines.engine import Engine
from harness.measure.estimate import Estimate
from harness.measure.interleaving import Lane, Round
from harness.measure.progress import Progress
from harness.measure.rounds import Decides, PairRounds, Rounds, Together
from harness.measure.shared_blocks import Alike
from harness.measure.side_by_side import SideBySide
from harness.measure.skipping import Skipped, Skipping
from harness.records.record import Record
from harness.records.store import Writer

if TYPE_CHECKING:
    from harness.measure.run import Run

MOST_PROCESSES = 24
"""How many may wait beside each other; where more are compared, blocks follow each other."""


Training = tuple[str, str, int]
"""A pair, a pass and a seed."""


def training_of(one: Block | Record[Seen]) -> Training:
    return pair_of(one), one.measured, one.seed


def pair_of(one: Block | Record[Seen]) -> str:
    return one.pair if isinstance(one.pair, str) else one.pair.name


Found = Sequence[tuple[Block, Record[Seen]]]
Blocks = SideBySide[Block, Record[Seen]]
Pairs = SideBySide[str, Found]


@dataclass
class Execution:
    """A run that is being measured: its blocks in their order, each record kept at once."""

    run: Run
    engine: Engine
    progress: Progress
    skipping: Skipping
    alike: Alike
    writer: Writer
    estimate: Estimate
    trained: set[Training]
    """The seeds that were begun: what one member has of it the other is to have too."""
    random: Random = field(default_factory=Random)
    apart: set[tuple[str, str]] = field(default_factory=set)
    """Pairs and passes whose members don't fit into memory together."""

    def each_of(self, blocks: Iterable[Block]) -> None:
        """Measure blocks side by side, unless they need not be; some have the machine alone."""
        with Blocks(self.run.config.jobs) as beside:
            for block in blocks:
                alone = block.jobs == 1 and self.engine.machines == 1
                while any(
                    alone
                    or beside.full
                    or self.skipping.rests_on(block, other)
                    or self.alike.rests_on(block, other)
                    for other in beside.going
                ):
                    self._keep_ended(beside)
                self.progress.started(block)
                skipped = self.skipping.of(block) or self._too_late(block)
                if skipped is not None:
                    self._keep([(block, _left_out(block, skipped))], 0.0)
                    continue
                if (known := self.alike.of(block)) is not None:
                    self._keep([(block, known)], 0.0)
                    continue
                beside.start(block, self.run.lane(block, self.engine).measure)
                if alone:
                    self._keep_ended(beside)
            while beside.going:
                self._keep_ended(beside)

    def _too_late(self, block: Block) -> Skipped | None:
        """Say so where the time is up, and a further seed of the pair was not begun."""
        training = training_of(block)
        if training not in self.trained and self.run.is_spare(block) and self.estimate.budget.spent:
            why = "the run's time was used up: a larger budget= gives more seeds"
            return Skipped("budget", why)
        self.trained.add(training)
        return None

    def _keep_ended(self, beside: Blocks) -> None:
        crowded = []
        for block, record, seconds in beside.ended():
            if record.status == "out of memory" and block.jobs > 1:
                crowded.append(block)
            else:
                self._keep([(block, record)], seconds)
        for block in crowded:  # its share of the memory was too little: all may do
            while beside.going:
                self._keep_ended(beside)
            alone = dataclasses.replace(block, jobs=1)
            beside.start(alone, self.run.lane(alone, self.engine).measure)
            self._keep_ended(beside)

    def rounds_of(self, rounds: Rounds, decides: Decides, *, last: bool = False) -> None:
        """Take rounds until none is wanted; of several pairs at once, where machines are many.

        Those for which there is no time wait, unless these are the last.
        """
        at_once = min(self.run.config.jobs, self.engine.machines)
        with Pairs(at_once) as beside:
            while (asked := rounds.next(beside.going)) is not None or beside.going:
                if asked is None or beside.full:
                    for name, found, seconds in beside.ended():
                        self._keep(found, seconds)
                        rounds[name].saw(record for _, record in found if _is_own(record))
                        self._end(rounds[name], decides, last)
                elif asked.begun or not self._time_is_up(asked):
                    beside.start(asked.pair.name, self._together(asked.take()))
                else:
                    self._end(asked, decides, last)

    def _end(self, asked: PairRounds, decides: Decides, last: bool) -> None:
        """Leave out all further rounds of a pair, if its last round has shown that it may."""
        if asked.begun:
            return
        time_is_up = self._time_is_up(asked)
        if (ended := asked.ended(decides, time_is_up=time_is_up)) is not None:
            if ended.skip == "budget" and not last:
                asked.waits = True
                return
            while asked.left:
                for together in asked.left.popleft():
                    self._keep([(block, _left_out(block, ended)) for block in together], 0.0)

    def _time_is_up(self, asked: PairRounds) -> bool:
        """Whether all that is left of the budget is needed for what comes after the rounds.

        The rounds that a verdict takes go before further seeds, and these before further rounds.
        """
        estimate = self.estimate
        enough = asked.taken >= asked.fewest
        after = estimate.after_rounds if enough else estimate.needed_after_rounds
        return estimate.budget.for_rounds(after) == 0

    def _together(self, blocks: Together) -> Callable[[], Found]:
        """Return what times blocks beside each other."""
        self.progress.started(blocks[0])
        known = [(block, self.skipping.of(block)) for block in blocks]
        lanes = [self.run.lane(block, self.engine) for block, skipped in known if skipped is None]

        def timed() -> Found:
            found = iter(self._timed(lanes))
            return [
                (block, next(found) if skipped is None else _left_out(block, skipped))
                for block, skipped in known
            ]

        return timed

    def _timed(self, lanes: Sequence[Lane]) -> list[Record[Seen]]:
        if not lanes:
            return []
        first = lanes[0].block
        what = first.pair.name, first.measured
        fit = sum(lane.block.ranks for lane in lanes) <= MOST_PROCESSES
        can = self.engine.in_turns and self.run.registry.passes[first.measured].in_turns
        seed = self.random.getrandbits(32)
        if fit and can and what not in self.apart:
            records = Round(lanes, True, seed).measure()
            if all(record.status != "out of memory" for record in records):
                return records
            self.apart.add(what)
        return Round(lanes, False, seed).measure()

    def _keep(self, found: Found, seconds: float) -> None:
        """Write records down; blocks that do not say what they took, took so many seconds."""
        self.writer.append(*(record for _, record in found))
        for block, record in found:
            if record.same_as is None:
                took_s = seconds if record.wall_s is None else record.wall_s
                self.estimate.saw(block, took_s, record)
                self.alike.saw(block, record)
                if (heir := self.alike.heir_of(block, record)) is not None:
                    self.estimate.owes(heir)
            if _is_own(record):
                self.skipping.saw(record)
            self.run.saw(record)
            self.progress.finished(block, record)


def _is_own(record: Record[Seen]) -> bool:
    """Say whether a block itself handed back its record, and was not left out."""
    return record.skip in (None, "absent")


def _left_out(block: Block, skipped: Skipped) -> Record[Seen]:
    return block.record("skipped", skip=skipped.skip, reason=skipped.reason)

"""A run: the plan's blocks are measured, and each one's record is stored as soon as it is there."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Collection, Iterable, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from itertools import groupby
from random import Random
from typing import NamedTuple

from harness.config import RunConfig
from harness.declare.pair import MEMBERS, Member
from harness.declare.passes import Seen
from harness.declare.rounds import MIN_SEEDS, fewest_rounds
from harness.declare.suite import Suite
from harness.measure.block import Block
from harness.measure.budget import Budget
from harness.measure.engines.engine import Engine
from harness.measure.estimate import Estimate
from harness.measure.interleaving import Lane, Round
from harness.measure.progress import Progress
from harness.measure.rehearsal import rehearsal
from harness.measure.rounds import Decides, PairRounds, Rounds, Together
from harness.measure.shared_blocks import Alike
from harness.measure.side_by_side import SideBySide
from harness.measure.skipping import Inherits, Skipped, Skipping, is_settled
from harness.records.record import Record
from harness.records.seen import CHECK
from harness.records.store import Store, Writer
from harness.registry import Registry

MOST_PROCESSES = 24
"""How many may wait beside each other; where more are compared, blocks follow each other."""


class Side(NamedTuple):
    """A member of a pair, by its checks or by all else."""

    pair: str
    member: Member
    checked: bool


Training = tuple[str, str, int]
"""A pair, a pass and a seed."""


def side_of(one: Block | Record[Seen]) -> Side:
    return Side(_pair_of(one), one.member, one.measured == CHECK.name)


def _training(one: Block | Record[Seen]) -> Training:
    return _pair_of(one), one.measured, one.seed


def _pair_of(one: Block | Record[Seen]) -> str:
    return one.pair if isinstance(one.pair, str) else one.pair.name


@dataclass
class Run:
    """A run that is ready to be measured, new or resumed."""

    config: RunConfig
    suite: Suite
    blocks: list[Block]
    registry: Registry
    store: Store
    disturbed_by: dict[str, str] = field(default_factory=dict)
    """What of the machine disturbs times as the run begins or goes on."""
    measured: bool = False
    """Whether any block gave a measurement."""
    gave: set[Side] = field(default_factory=set)
    """Whose blocks gave a measurement, or need give none."""
    _imports: dict[tuple[str, str], tuple[str, ...]] = field(default_factory=dict)

    def measure(
        self, engine: Engine, progress: Progress, inherits: Inherits, decides: Decides
    ) -> Store:
        """Measure every block that has no record yet and is still wanted."""
        with self.store.writing() as writer:
            skipping, timed = Skipping(inherits), self._timed_passes()
            done, alike = self._recorded(skipping), Alike(self.registry.passes)
            for block in self.blocks:
                if block.id in done:
                    alike.saw(block, done[block.id])
            for note in self.store.notes:
                progress.noted(note)
            left = _left(self.blocks, done)
            budget = Budget(self.config.budget_of(self.suite))
            owed = list(alike.firsts(left))
            shorts = list(rehearsal(owed, self.registry.passes))
            if shorts:
                progress.noted("taking a few steps first, to say what the run will cost")
            rehearsed = [self.lane(short, engine).measure() for short in shorts]
            fewest = self._fewest_rounds()
            estimate = Estimate(
                owed, self.registry.passes, rehearsed, budget, fewest, self.is_spare
            )
            progress.planned(self.suite, len(left), estimate)
            trained = {_training(r) for r in done.values() if r.skip is None}
            doing = _Doing(self, engine, progress, skipping, alike, writer, estimate, trained)
            known = [r for r in done.values() if r.measured in timed and r.status != "skipped"]
            for in_rounds, blocks in groupby(left, lambda block: block.measured in timed):
                if not in_rounds:
                    doing.each_of(blocks)
                    continue
                doing.rounds_of(Rounds(self.suite.pair, blocks, known, fewest), decides)
        return self.store

    @property
    def without_measurement(self) -> list[str]:
        """The pairs of which a member gave none; where more was to be measured, no check is one."""
        due = [side for side in map(side_of, self.blocks) if side.member in MEMBERS]
        more = {side.pair for side in due if not side.checked}
        due = [side for side in due if not (side.checked and side.pair in more)]
        return list(dict.fromkeys(side.pair for side in due if side not in self.gave))

    def lane(self, block: Block, engine: Engine) -> Lane:
        whose = block.pair.name, block.member
        if whose not in self._imports:
            self._imports[whose] = imports_of(block, self.registry)
        return Lane(engine, block, self._imports[whose], self.registry)

    def is_spare(self, block: Block) -> bool:
        """Whether it is of a seed without which verdicts on quality can be given."""
        return (
            self.registry.passes[block.measured].rhythm == "seeds"
            and block.seed not in self._first_seeds[block.pair.name]
        )

    @cached_property
    def _first_seeds(self) -> dict[str, set[int]]:
        found: dict[str, set[int]] = {}
        for block in self.blocks:
            if self.registry.passes[block.measured].rhythm == "seeds":
                first = found.setdefault(block.pair.name, set())
                if len(first) < MIN_SEEDS:
                    first.add(block.seed)
        return found

    def saw(self, record: Record[Seen]) -> None:
        self.measured |= record.status == "ok"
        if record.status == "ok" or record.is_inherited:
            self.gave.add(side_of(record))

    def _timed_passes(self) -> set[str]:
        return {name for name, each in self.registry.passes.items() if each.rhythm == "rounds"}

    def _fewest_rounds(self) -> dict[str, int]:
        """Return how many rounds each pair must have before anything can be said of it."""
        seeds, passes = len(self.config.seeds_of(self.suite)), self.registry.passes
        return {
            pair.name: fewest_rounds(seeds, chooses=any(passes[n].chooses for n in pair.every_pass))
            for pair in self.suite.pair
        }

    def _recorded(self, skipping: Skipping) -> dict[str, Record[Seen]]:
        """Return the blocks that an earlier part of the run has settled."""
        settled = [
            record for record in self.store.records(self.registry.passes) if is_settled(record)
        ]
        for record in settled:
            if record.status != "skipped":
                skipping.saw(record)
            self.saw(record)
        return {record.block: record for record in settled}


def _left(blocks: Sequence[Block], done: Collection[str]) -> list[Block]:
    """Return what is not recorded; blocks that are timed beside each other are so together."""
    torn = {block.beside for block in blocks if block.beside and block.id not in done}
    return [block for block in blocks if block.beside in torn or block.id not in done]


Found = Sequence[tuple[Block, Record[Seen]]]
Blocks = SideBySide[Block, Record[Seen]]
Pairs = SideBySide[str, Found]


@dataclass
class _Doing:
    """A run that is being measured."""

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
        training = _training(block)
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

    def rounds_of(self, rounds: Rounds, decides: Decides) -> None:
        """Take rounds until none is wanted; of several pairs at once, where machines are many."""
        at_once = min(self.run.config.jobs, self.engine.machines)
        with Pairs(at_once) as beside:
            while (asked := rounds.next(beside.going)) is not None or beside.going:
                if asked is None or beside.full:
                    for name, found, seconds in beside.ended():
                        self._keep(found, seconds)
                        rounds[name].saw(record for _, record in found if _is_own(record))
                        self._end(rounds[name], decides)
                elif asked.begun or not self._time_is_up(asked):
                    beside.start(asked.pair.name, self._together(asked.take()))
                else:
                    self._end(asked, decides)

    def _end(self, asked: PairRounds, decides: Decides) -> None:
        """Leave out all further rounds of a pair, if its last round has shown that it may."""
        if asked.begun:
            return
        time_is_up = self._time_is_up(asked)
        if (ended := asked.ended(decides, time_is_up=time_is_up)) is not None:
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


def imports_of(block: Block, registry: Registry) -> tuple[str, ...]:
    """Return the modules that the block's worker needs; plugins are left to the worker."""
    learners = {e.name: e for kind in ("baseline", "method") for e in registry.entries(kind)}
    # A setting may name another learner, which the block's own is made of.
    inner = [learners[word] for word in block.learner_settings.values() if word in learners]
    entries = (
        registry.find(block.learner, "baseline", "method"),
        *inner,
        registry.find(block.pair.workload, "workload"),
    )
    modules = (entry.target.rpartition(":")[0] for entry in entries)
    return tuple(module for module in modules if not module.endswith(".py"))

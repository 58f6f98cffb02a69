"""A run: the plan's blocks are measured, and each one's record is stored as soon as it is there."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from itertools import groupby
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
from harness.measure.execution import Execution, pair_of, training_of
from harness.measure.interleaving import Lane
from harness.measure.progress import Progress
from harness.measure.rehearsal import rehearsal
from harness.measure.rounds import Decides, Rounds
from harness.measure.shared_blocks import Alike
from harness.measure.skipping import Inherits, Skipping, is_settled
from harness.records.record import Record
from harness.records.seen import CHECK
from harness.records.store import Store
from harness.registry import Registry


class Side(NamedTuple):
    """A member of a pair, by its checks or by all else."""

    pair: str
    member: Member
    checked: bool


def side_of(one: Block | Record[Seen]) -> Side:
    return Side(pair_of(one), one.member, one.measured == CHECK.name)


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
            trained = {training_of(r) for r in done.values() if r.skip is None}
            doing = Execution(self, engine, progress, skipping, alike, writer, estimate, trained)
            again = {block.id for block in left}  # those of a torn round that were measured
            known = [
                record
                for record in done.values()
                if record.measured in timed
                and record.status != "skipped"
                and record.block not in again
            ]
            rounds: Rounds | None = None
            for in_rounds, blocks in groupby(left, lambda block: block.measured in timed):
                if not in_rounds:
                    doing.each_of(blocks)
                    continue
                rounds = Rounds(self.suite.pair, blocks, known, fewest)
                doing.rounds_of(rounds, decides)
            if rounds is not None:  # what came after them may have left some of its time
                rounds.go_on()
                doing.rounds_of(rounds, decides, last=True)
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

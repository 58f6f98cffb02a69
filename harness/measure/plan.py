"""The plan: a suite turned into an ordered list of blocks.

Rounds are interleaved across pairs, and in a round what is compared takes turns; what can't, and
what is measured once a seed, goes A B, B A. So drift falls on both members alike.
"""

from __future__ import annotations

import dataclasses
import hashlib
import itertools
import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

from harness.config import RunConfig
from harness.declare.pair import MEMBERS, TWIN, Member, Pair
from harness.declare.passes import Pass, Rhythm, Seen
from harness.declare.point import Point, PointKey, key_of
from harness.declare.protocol import Protocol
from harness.declare.suite import Suite
from harness.errors import UsageError
from harness.measure.block import Block
from harness.records.seen import CURVE
from harness.registry import Registry

MOST_BLOCKS = 200_000


def plan(suite: Suite, config: RunConfig, registry: Registry) -> list[Block]:
    """Return every block of a run, in the order in which they are measured."""
    planner = _Planner(suite, config, registry)
    if (count := planner.count()) > MOST_BLOCKS:
        widest = max(suite.pair, key=lambda pair: len(pair.points))
        points = (
            f" Pair {widest.name} sweeps {len(widest.points):,} points." if widest.sweep else ""
        )
        raise UsageError(
            f"suite {suite.name} makes {count:,} blocks, but a run may have {MOST_BLOCKS:,} at "
            f"most.{points} Use fewer seeds=, rounds= or pairs=, or sweep fewer values."
        )
    return list(planner.blocks())


@dataclass(frozen=True)
class _Planner:
    suite: Suite
    config: RunConfig
    registry: Registry
    made: dict[tuple[str, PointKey], Pair] = field(default_factory=dict)
    """Pairs at points: blocks share them, and what is made of them is made once."""

    @cached_property
    def protocols(self) -> dict[str, Protocol]:
        return {pair.name: self.suite.protocol_of(pair) for pair in self.suite.pair}

    @cached_property
    def jobs(self) -> dict[str, int]:
        """How many blocks of a pass share the cores; where there is but one, it has all."""
        return {
            each.name: self.config.jobs if not each.alone and self._sure(each) > 1 else 1
            for each in self.registry.passes.values()
        }

    @property
    def seeds(self) -> tuple[int, ...]:
        return self.config.seeds_of(self.suite)

    def seeds_of(self, pair: Pair) -> tuple[int, ...]:
        """Return the seeds of a pair's trainings; its rounds have those of the run."""
        own = "seeds" in pair.protocol
        return tuple(range(self.protocols[pair.name].seeds)) if own else self.seeds

    @property
    def rounds(self) -> int:
        return self.config.rounds_of(self.suite)

    def count(self) -> int:
        """Return at most how many blocks there are, without making them."""
        often = {"learner": 1, "once": 1, "rounds": len(self.seeds) * self.rounds}
        return sum(
            often.get(each.rhythm, len(self.seeds_of(pair)))
            * len(pair.points_of(each.name))
            * len(_members(each, pair))
            for pair in self.suite.pair
            for each in self._of(pair)
        )

    def blocks(self) -> Iterator[Block]:
        """Yield what takes longest last: a run that is broken off has the most of pairs then."""
        checked: set[str] = set()
        for each in self._with("learner"):
            yield from self._checks(each, checked)
        for each, pair in itertools.product(self._with("once"), self.suite.pair):
            yield from self._look(pair, each, self.seeds[0])
        yield from self._rounds()
        for each in self._with("seeds"):
            yield from self._trainings(each)

    def _with(self, rhythm: Rhythm) -> list[Pass[Seen]]:
        return [each for each in self.registry.passes.values() if each.rhythm == rhythm]

    def _of(self, pair: Pair) -> list[Pass[Seen]]:
        return [self.registry.passes[name] for name in pair.every_pass]

    def _checks(self, each: Pass[Seen], checked: set[str]) -> Iterator[Block]:
        for pair in self.suite.pair:
            for point, member in itertools.product(pair.points_of(each.name), MEMBERS):
                here = self._here(pair, point)
                team = [here.processes(member), here.communication(member)]
                key = json.dumps([here.learner(member), dict(here.learner_settings(member)), team])
                if key not in checked:
                    checked.add(key)
                    yield self._block(pair, each, member, point, self.seeds[0], 0)

    def _trainings(self, each: Pass[Seen]) -> Iterator[Block]:
        """Yield what is seen once a seed: all pairs' first seeds, then their second ones."""
        seeds = {pair.name: self.seeds_of(pair) for pair in self.suite.pair}
        for place in range(max(map(len, seeds.values()))):
            for pair in self.suite.pair:
                for seed in seeds[pair.name][place : place + 1]:
                    yield from self._look(pair, each, seed, turned=place)

    def _rounds(self) -> Iterator[Block]:
        groups = [
            (pair, each, points)
            for pair, each in itertools.product(self.suite.pair, self._with("rounds"))
            for points in _sharing(pair, pair.points_of(each.name))
        ]
        for round_, seed in itertools.product(range(self.rounds), self.seeds):
            for pair, each, points in groups:
                blocks = [*self._look(pair, each, seed, round_, points=points)]
                beside = blocks[0].id
                crowded = max(b.ranks * b.threads for b in blocks) > self.config.threads
                for block in blocks:
                    yield dataclasses.replace(block, beside=beside, all_count=crowded)

    def _look(
        self,
        pair: Pair,
        each: Pass[Seen],
        seed: int,
        round_: int = 0,
        turned: int = 0,
        points: Sequence[Point] | None = None,
    ) -> Iterator[Block]:
        """Yield the blocks of all members at all points, turned round at every other number.

        A member that several points leave as it is has one block for all of them.
        """
        points = pair.points_of(each.name) if points is None else points
        members = _members(each, pair)
        if turned % 2:
            points, members = points[::-1], members[::-1]
        looked: set[tuple[Member, PointKey]] = set()
        for point, member in itertools.product(points, members):
            key = member, key_of(pair.part_of(member, point))
            if key not in looked:
                looked.add(key)
                yield self._block(pair, each, member, point, seed, round_)

    def _here(self, pair: Pair, point: Point) -> Pair:
        key = pair.name, key_of(point)
        if key not in self.made:
            self.made[key] = pair.at(point)
        return self.made[key]

    def _block(
        self,
        pair: Pair,
        each: Pass[Seen],
        member: Member,
        point: Point,
        seed: int,
        round_: int,
    ) -> Block:
        here = self._here(pair, point)
        jobs = self.jobs[each.name]
        return Block(
            pair=here,
            measured=each.name,
            member=member,
            seed=seed,
            round=round_,
            protocol=self.protocols[pair.name],
            threads=self._threads(pair, here, member, self.config.threads // jobs or 1),
            jobs=jobs,
            device=self.config.device,
            data_dir=self.config.data_dir,
            plugins=self.config.plugins,
            point=pair.part_of(member, point),
            study=self._settings(each),
        )

    def _sure(self, each: Pass[Seen]) -> int:
        """Return how often a pass surely measures: what pairs share, once; an heir, never."""
        found = set()
        for pair in self.suite.pair:
            heir = each.name == CURVE.name and pair.may_show_equal
            seeds = self.seeds_of(pair) if each.rhythm == "seeds" else self.seeds[:1]
            for point, member in itertools.product(pair.points_of(each.name), _members(each, pair)):
                if not (heir and member == "method" and not point):
                    here = self._here(pair, point)
                    learner = here.learner(member), here.learner_settings(member)
                    key = json.dumps([*learner, here.workload, here.settings, here.protocol])
                    found |= {(key, seed) for seed in seeds}
        return len(found)

    def _threads(self, pair: Pair, here: Pair, member: Member, cores: int) -> int:
        """Where ranks are swept each has as many threads anywhere, so that ranks alone differ."""
        swept = [int(point["ranks"]) for point in pair.points if "ranks" in point]
        if swept and here.ranks in swept:
            return max(1, cores // max(swept))
        return here.threads(member, cores)

    def _settings(self, each: Pass[Seen]) -> dict[str, Any]:
        study = self.registry.study_of(each)
        return {} if study is None else dict(self.suite.study.get(study.name, {}))


def _members(each: Pass[Seen], pair: Pair) -> tuple[Member, ...]:
    """Return whom a pass looks at; where nothing differs, the method is a twin itself."""
    if not each.both:
        return ("method",)
    return (*MEMBERS, TWIN) if each.compares_times and not pair.is_aa else MEMBERS


def _sharing(pair: Pair, points: Sequence[Point]) -> list[list[Point]]:
    """Return the points in groups that share no block: all of a group are timed together."""
    group_of: dict[tuple[Member, PointKey], list[Point]] = {}
    for point in points:
        blocks = [(member, key_of(pair.part_of(member, point))) for member in MEMBERS]
        group, *others = [group_of[each] for each in blocks if each in group_of] or [[]]
        group.append(point)
        for other in others:
            if other is not group:
                group += other
                blocks += [each for each, known in group_of.items() if known is other]
        group_of |= dict.fromkeys(blocks, group)
    return list({id(group): group for group in group_of.values()}.values())


def plan_hash(blocks: list[Block]) -> str:
    """Return a hash of all that the blocks would measure, but for where data and plugins lie.

    How many blocks run beside each other shows in their threads.
    """
    told: dict[int, Any] = {}

    def of(value: Any) -> Any:
        """Return a part that many blocks share as plain data, made once."""
        if id(value) not in told:
            told[id(value)] = dataclasses.asdict(value)
        return told[id(value)]

    digest = hashlib.sha256()
    for block in blocks:
        neutral: dict[str, Any] = {
            **{field.name: getattr(block, field.name) for field in dataclasses.fields(block)},
            "pair": of(block.pair),
            "protocol": of(block.protocol),
            "data_dir": None if block.data_dir is None else "given",
            "plugins": (),
        }
        del neutral["jobs"]
        digest.update(json.dumps(neutral, sort_keys=True).encode() + b"\n")
    return digest.hexdigest()[:16]

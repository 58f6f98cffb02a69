"""The evidence: a run's records as a judge sees them, found by pair, pass, member and point."""

from __future__ import annotations

import dataclasses
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from functools import cached_property
from typing import TypeVar, cast

from harness.builtin import builtin_passes
from harness.declare.block_id import pair_in
from harness.declare.pair import TWIN, Member, Pair
from harness.declare.passes import Pass, Seen
from harness.declare.point import OWN, Point, PointKey, key_of, words_of
from harness.judge.machines import of_one_class
from harness.records.manifest import Manifest
from harness.records.record import Record

S = TypeVar("S", bound=Seen)

# A reason may be a whole log; a table and a sentence hold this many characters of it.
LONGEST_REASON = 300

# What pairs the blocks of the two members: the pair's name, the seed and the round.
Key = tuple[str, int, int]


class Evidence:
    """The records that count, one for each block and each point that it saw."""

    def __init__(
        self,
        manifest: Manifest | None,
        records: Iterable[Record[Seen]],
        passes: Mapping[str, Pass[Seen]] | None = None,
    ) -> None:
        """Take in the records of a run's plan; without a run, all that there are."""
        self._manifest = manifest
        self.passes = builtin_passes() if passes is None else passes
        self.every = tuple(records)
        """Also those of blocks that were measured again."""
        counting = of_one_class(latest(self.every), self.passes)
        plan = dict.fromkeys(manifest.plan if manifest else (each.block for each in counting))
        self.places = {block: place for place, block in enumerate(plan)}
        """Where each block stands in the plan."""
        known = [record for record in counting if record.block in self.places]
        self.records = tuple(sorted(known, key=lambda record: self.places[record.block]))
        """In the order of the plan."""
        self.unplanned = len({r.block for r in counting} - self.places.keys())
        self._found: dict[tuple[str, str, str], list[Record[Seen]]] = {}
        self._of_pair: dict[str, list[Record[Seen]]] = {}
        for record in self.records:
            self._of_pair.setdefault(record.pair, []).append(record)
            where = (record.pair, record.measured, record.member)
            self._found.setdefault(where, []).append(record)

    @property
    def manifest(self) -> Manifest:
        assert self._manifest is not None  # who asks has a run
        return self._manifest

    def of(self, pair: Pair) -> list[Record[Seen]]:
        """Return all records of a pair, as they were written."""
        return self._of_pair.get(pair.name, [])

    def look(self, pair: Pair, known: Pass[S], member: Member) -> Iterator[Record[S]]:
        """Yield what a pass handed back of one member, block by block, good or not."""
        found = self._found.get((pair.name, known.name, member), [])
        return iter(cast("list[Record[S]]", found))

    def usable(
        self, pair: Pair, known: Pass[S], member: Member, point: Point = OWN
    ) -> list[tuple[Record[S], S]]:
        """Return what a pass really saw of one member at a point, by seed and round."""
        return self.by_point(pair, known, member).get(key_of(point), [])

    def by_point(
        self, pair: Pair, known: Pass[S], member: Member
    ) -> dict[PointKey, list[tuple[Record[S], S]]]:
        """Return what a pass really saw of one member, by point."""
        where = (pair.name, known.name, member)
        if where not in self._usable:
            found: dict[PointKey, list[tuple[Record[Seen], Seen]]] = {}
            for whole in self._found.get(where, []):
                for record in whole.spread() if trouble(whole) is None else ():
                    if record.seen is not None:
                        found.setdefault(key_of(record.point), []).append((record, record.seen))
            for each in found.values():
                each.sort(key=lambda pair: (pair[0].seed, pair[0].round))
            self._usable[where] = found
        return cast("dict[PointKey, list[tuple[Record[S], S]]]", self._usable[where])

    @cached_property
    def _usable(
        self,
    ) -> dict[tuple[str, str, str], dict[PointKey, list[tuple[Record[Seen], Seen]]]]:
        return {}

    @cached_property
    def checks(self) -> Mapping[tuple[str, str, int, str | None], Record[Seen]]:
        """The checks, by learner, settings and team: each is made once a run, for all pairs."""
        found: dict[tuple[str, str, int, str | None], Record[Seen]] = {}
        for record in self.records:
            if record.measured == "check":
                # Records from before teams do not say that they are of one process.
                team = record.processes or 1, record.communicator
                found.setdefault((record.learner, record.learner_settings, *team), record)
        return found

    @cached_property
    def shared_tasks(self) -> frozenset[str]:
        """The workloads of which every seed is judged by the same test tasks.

        It is the workload that says so, by any block of it: records from before it did are silent.
        """
        return frozenset(record.workload for record in self.records if record.held_out_shared)

    def missing_of(self, pair: Pair) -> int:
        """Return how many planned blocks of a pair are not in the records."""
        return self._planned[pair.name] - len({record.block for record in self.of(pair)})

    @cached_property
    def _planned(self) -> Counter[str]:
        return Counter(map(pair_in, dict.fromkeys(self.manifest.plan)))

    def twins_of(self, pair: Pair) -> tuple[Evidence, Pair] | None:
        """Return the pair of the baseline and its twin, and what is known of it."""
        own = self.of(pair)
        twins = [dataclasses.replace(r, member="method") for r in own if r.member == TWIN]
        if not twins:
            return None
        alike = dataclasses.replace(
            pair,
            method=pair.baseline,
            method_settings=pair.baseline_settings,
            ranks=1,
            passes=pair.every_pass,
            swept=(),
            sweep=tuple(dict(pair.part_of("baseline", at)) for at in (OWN, *pair.points)),
        )
        records = [*(record for record in own if record.member == "baseline"), *twins]
        about = self._manifest and dataclasses.replace(
            self._manifest, plan=tuple(record.block for record in records)
        )
        return Evidence(about, records, self.passes), alike

    def without_results_of(self, pairs: Iterable[Pair]) -> Evidence:
        """Return the evidence without what was seen of these pairs, but for their checks."""
        names = {pair.name for pair in pairs}
        kept = (
            dataclasses.replace(
                record, seen=None, several=(), measured_s=None, warmup_s=None, warmup_seconds=None
            )
            if record.pair in names and record.measured != "check"
            else record
            for record in self.every
        )
        return Evidence(self._manifest, kept, self.passes) if names else self

    def why_absent(
        self, pair: Pair, known: Pass[Seen], member: Member, point: Point | None = None
    ) -> str:
        """Say why a pass has nothing of a member, at one point of its sweep or anywhere."""
        if known.name not in pair.every_pass:
            return f"the pair has no pass {known.name}"
        where = None if point is None else pair.part_of(member, point)
        whose = f"{known.name} of the {member}{f' at {words_of(where)}' if where else ''}"
        for record in self.look(pair, known, member):
            if where is not None and key_of(record.point) != key_of(where):
                continue
            if not record.is_owed:
                return f"{whose}: {record.reason}"
            if found := trouble(record):
                return f"{whose}: {found[0]}, {found[1]}"
        return f"{whose}: not in the records"


def latest(records: Iterable[Record[Seen]]) -> list[Record[Seen]]:
    """Return the record that counts for every block: the last good one, or else the last.

    A block that gave nothing may be measured again when a run is resumed, and then has several.
    """
    found: dict[tuple[str, str, PointKey], Record[Seen]] = {}
    good: set[tuple[str, str]] = set()
    for record in records:
        block = record.block, record.measured
        key = (*block, key_of(record.point))
        known = found.get(key)
        if known is None or record.status == "ok" or known.status != "ok":
            found[key] = record
        if record.status == "ok":
            good.add(block)
    return [
        record
        for record in found.values()
        if record.status == "ok" or (record.block, record.measured) not in good
    ]


def key(record: Record[Seen]) -> Key:
    return record.pair, record.seed, record.round


def trouble(record: Record[Seen]) -> tuple[str, str] | None:
    """Return how and why a block gave no measurement, or None if it gave one or need not."""
    if record.status == "ok":
        found = record.flaw()
        return None if found is None else ("unusable", found)
    if not record.is_owed:
        return None
    return record.status, told(record.reason) or "no reason was recorded"


def told(reason: str | None) -> str:
    """Return a recorded reason, cut in its middle where it is longer than a report can hold.

    The end stays because an error's last words often say what to do; the record keeps all of it.
    """
    text = (reason or "").strip()
    if len(text) <= LONGEST_REASON:
        return text
    tail = LONGEST_REASON // 3
    return f"{text[: LONGEST_REASON - 1 - tail]}…{text[-tail:]}"

"""Machines: what was around the blocks, and which seconds were taken on several of them.

Seconds of a pair that were taken on machines of more than one class say nothing, and those of a
round say nothing that was taken on several machines. Rounds of a pair may be of several machines
of one class, after a resume or where one was lost: each round's ratio is of one machine.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Hashable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import TypeVar

from harness.declare.passes import Pass, Seen
from harness.declare.point import key_of
from harness.records.record import Record

K = TypeVar("K", bound=Hashable)

Range = tuple[float, float]
"""The least and the most over blocks."""


@dataclass(frozen=True)
class Surroundings:
    """What was around the blocks as they were measured; None where none of them says it."""

    load: Range | None = None
    steal: Range | None = None
    temperature: Range | None = None
    gpu_processes: Range | None = None


def surroundings(records: Sequence[Record[Seen]]) -> Surroundings:
    return Surroundings(
        _range(record.load for record in records),
        _range(record.steal for record in records),
        _range(record.temperature for record in records),
        _range(record.gpu_processes for record in records),
    )


def _range(values: Iterable[float | None]) -> Range | None:
    known = [value for value in values if value is not None]
    return (min(known), max(known)) if known else None


def of_one_class(
    records: Sequence[Record[Seen]], passes: Mapping[str, Pass[Seen]]
) -> list[Record[Seen]]:
    """Return the records without what a clock saw of pairs, or rounds, that are mixed."""
    classes = classes_by_pair(records, passes)
    nodes = _told(records, passes, _round, lambda record: record.node)

    def kept(record: Record[Seen]) -> Record[Seen]:
        if not _timed(record, passes):
            return record
        if len(several := classes.get(record.pair, ())) > 1:
            on = f"the pair was timed on {len(several)} classes of machine ({'; '.join(several)})"
        elif len(nodes.get(_round(record), ())) > 1:
            on = "the members of the round were timed on several machines"
        else:
            return record
        return _refused(record, on)

    return [kept(record) for record in records]


def nodes_by_pair(
    records: Iterable[Record[Seen]], passes: Mapping[str, Pass[Seen]]
) -> dict[str, tuple[str, ...]]:
    """Return the machines that a pair was timed on, each since it was started."""
    return _told(records, passes, lambda record: record.pair, lambda record: record.node)


def classes_by_pair(
    records: Iterable[Record[Seen]], passes: Mapping[str, Pass[Seen]]
) -> dict[str, tuple[str, ...]]:
    """Return the classes of machine that a pair was timed on; records of before say none."""
    return _told(records, passes, lambda record: record.pair, lambda record: record.machine)


def _told(
    records: Iterable[Record[Seen]],
    passes: Mapping[str, Pass[Seen]],
    whose: Callable[[Record[Seen]], K],
    says: Callable[[Record[Seen]], str | None],
) -> dict[K, tuple[str, ...]]:
    """Return what timed records of each say, in order and once."""
    found: dict[K, set[str]] = {}
    for record in records:
        if (said := says(record)) is not None and _timed(record, passes):
            found.setdefault(whose(record), set()).add(said)
    return {each: tuple(sorted(said)) for each, said in found.items()}


def _timed(record: Record[Seen], passes: Mapping[str, Pass[Seen]]) -> bool:
    known = passes.get(record.measured)
    return record.status == "ok" and known is not None and known.clocked


def _round(record: Record[Seen]) -> Hashable:
    return record.pair, record.measured, record.seed, record.round, key_of(record.point)


def _refused(record: Record[Seen], on: str) -> Record[Seen]:
    reason = f"{on}, whose seconds can't be compared: measure it on one"
    return dataclasses.replace(record, status="failed", reason=reason, seen=None, several=())

"""Machines: what was around the blocks, and which seconds were taken on several classes.

Seconds of a pair that were taken on machines of more than one class say nothing.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from harness.declare.passes import Pass, Seen
from harness.records.record import Record

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
    """Return the records without what a clock saw of pairs that are mixed."""
    classes = classes_by_pair(records, passes)
    return [
        _refused(record, classes[record.pair])
        if len(classes.get(record.pair, ())) > 1 and _timed(record, passes)
        else record
        for record in records
    ]


def classes_by_pair(
    records: Iterable[Record[Seen]], passes: Mapping[str, Pass[Seen]]
) -> dict[str, tuple[str, ...]]:
    """Return the classes of machine that a pair was timed on; records of before say none."""
    found: dict[str, dict[str, None]] = {}
    for record in records:
        if record.machine is not None and _timed(record, passes):
            found.setdefault(record.pair, {})[record.machine] = None
    return {pair: tuple(sorted(classes)) for pair, classes in found.items()}


def _timed(record: Record[Seen], passes: Mapping[str, Pass[Seen]]) -> bool:
    known = passes.get(record.measured)
    return record.status == "ok" and known is not None and known.clocked


def _refused(record: Record[Seen], classes: Sequence[str]) -> Record[Seen]:
    reason = (
        f"the pair was timed on {len(classes)} classes of machine ({'; '.join(classes)}), whose "
        "seconds can't be compared: measure it on one"
    )
    return dataclasses.replace(record, status="failed", reason=reason, seen=None, several=())

"""The record: a head that all blocks share, and what the block's pass saw, as its own dataclass.

Unknown is null, never 0. Records of an older schema are read through a fixture-guarded path;
records of a newer one are refused with a word about upgrading.
"""

from __future__ import annotations

import dataclasses
import json
import sys
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, Generic, Literal, TypeVar, cast

import harness
from harness.declare.convergence import ConvergencePoint
from harness.declare.pair import Member
from harness.declare.passes import Pass, Seen, SeenAt
from harness.declare.point import Point
from harness.declare.settings import build, shown
from harness.errors import StoreError, UsageError
from harness.reading import from_json
from harness.records.seen import of_unit

SCHEMA = 3
MOST = 2**63  # what no seed and no round reaches: a table holds them as machine words
DAMAGED = "The file is damaged: restore it, or measure again."

Status = Literal["ok", "failed", "timeout", "skipped", "not finite", "out of memory", "died"]

Skip = Literal["absent", "partner", "inherited", "decided", "budget", "failing"]
"""Why a block was skipped: it lacks something here, its pair's other member does, what it would
show is known, the pair's rounds decided its claims, they used up their time, or they gave nothing.
"""
NOT_OWED: tuple[Skip | None, ...] = ("inherited", "decided", "budget", "failing")
"""Skips that leave no gap: another record, or a rule, covers the block."""

S = TypeVar("S", bound=Seen, covariant=True)


@dataclass(frozen=True, slots=True)  # of many fields, of which a run holds many thousand
class Record(Generic[S]):
    """What one block handed back."""

    # What was run.
    block: str
    pair: str
    measured: str  # the pass
    member: Member
    learner: str
    workload: str
    settings: str  # of the workload, as words
    learner_settings: str
    seed: int  # the repetition; the seed that tasks are drawn with is derived from it
    round: int
    status: Status
    point: Point = field(default_factory=dict)  # of a sweep: what was changed from the pair's own
    together: str | None = None  # when its round began (UTC), shared by all that it was timed with
    in_turns: bool | None = None  # whether these took short turns, or were measured one by one
    schema: int = SCHEMA
    same_as: str | None = None  # the block of another pair that was measured and stands for it
    skip: Skip | None = None
    reason: str | None = None

    # What it was run on.
    data: str | None = None
    stands_in_for: str | None = None  # the data that they are in place of
    metric: str | None = None
    higher_is_better: bool | None = None
    chance: float | None = None  # the quality of guessing
    held_out_shared: bool | None = None  # whether every seed has the same held-out examples
    samples: int | None = of_unit("samples")  # of a step
    parameters: int | None = None  # of the model whose memory is looked at
    converges: ConvergencePoint | None = None  # what is published of baselines on it
    machine: str | None = None  # its class: processor, cores and GPU
    node: str | None = None  # tells machines apart, each since it was started, and names none
    device: str | None = None
    dtype: str | None = None
    threads: int | None = None  # of each process
    processes: int | None = None  # the ranks that shared the work
    communicator: str | None = None  # what they talked to each other with
    fast_paths: str | None = None  # what really ran, as words

    # What the block cost, and what went on beside it.
    suspended: int | None = None  # times that its process was stopped and went on
    tries: int | None = None  # more than one where a worker died and all were started again
    wall_s: float | None = of_unit("s")
    measured_s: float | None = of_unit("s")  # inside measured intervals
    waited_s: float | None = of_unit("s")  # for others' turns, which its wall_s leaves out
    warmup_s: float | None = of_unit("s")
    warmup_seconds: tuple[float, ...] | None = of_unit("s")  # of a step, one value a window
    warmup_steady: bool | None = None  # whether two halves of the warm-up agreed
    load: float | None = None  # load average over one minute, at the start
    steal: float | None = None  # share of CPU time taken by other machines, during the block
    temperature: float | None = of_unit("°C")
    gpu_processes: int | None = None
    started: str | None = None  # UTC

    seen: S | None = None
    several: tuple[tuple[Point, S], ...] = ()
    """What was seen at each of several points, where one look sees them all."""

    @property
    def is_inherited(self) -> bool:
        """Tell whether the block was left out because what it would show is known."""
        return self.skip == "inherited"

    @property
    def is_owed(self) -> bool:
        """Tell whether a block without a measurement leaves something missing."""
        return self.skip not in NOT_OWED

    def holding(self, seen: Seen | SeenAt) -> Record[Seen]:
        """Return the record with what was seen, at its own point or at several."""
        found = {"seen": seen} if isinstance(seen, Seen) else {"several": tuple(seen)}
        return dataclasses.replace(cast("Record[Seen]", self), **found)

    def spread(self) -> Iterator[Record[S]]:
        """Yield the record, or one for each of the points that it saw."""
        if not self.several:
            yield self
        for point, seen in self.several:
            yield dataclasses.replace(self, point={**self.point, **point}, seen=seen, several=())

    def flaw(self) -> str | None:
        """Say what makes a good block's values useless."""
        if self.seen is None and not self.several:
            return "its record holds nothing that was seen"
        for name, count in (("samples", self.samples), ("parameters", self.parameters)):
            if count is not None and not 1 <= count < 2**63:
                return f"its record says {name} = {count}"
        for seen in [self.seen] if self.seen is not None else [each for _, each in self.several]:
            if found := seen.flaw():
                return found
            if seen.of_quality and None in (self.metric, self.higher_is_better):
                return "its record does not say what quality means"
        return None

    def to_line(self) -> str:
        table = {
            each.name: getattr(self, each.name)
            for each in dataclasses.fields(self)
            if each.name not in ("seen", "several")
        }
        table["point"] = dict(self.point)
        if self.converges is not None:
            table["converges"] = dataclasses.asdict(self.converges)
        if self.several:
            table["several"] = [
                {"point": dict(point), "seen": dataclasses.asdict(seen)}  # type: ignore[call-overload]  # a Seen is a dataclass
                for point, seen in self.several
            ]
        else:
            table["seen"] = None if self.seen is None else dataclasses.asdict(self.seen)  # type: ignore[call-overload]  # likewise
        return json.dumps(table, ensure_ascii=False, allow_nan=False) + "\n"


def records_from(
    line: str | bytes, where: str, passes: Mapping[str, Pass[Seen]]
) -> list[Record[Seen]]:
    """Read one line, or say what is wrong with it and where.

    A line of schema 1 may hold what today are the records of several passes.
    """
    try:
        table = from_json(line)
    except (ValueError, RecursionError) as error:
        raise StoreError(f"{where}: not valid JSON ({error}). {DAMAGED}") from None
    if not isinstance(table, dict):
        raise StoreError(
            f"{where}: a record must be an object, not {type(table).__name__}. {DAMAGED}"
        )
    require_schema(table, where)
    if table["schema"] == 1:
        from harness.records.schema1 import modern

        return [_record(each, where, passes) for each in modern(table, where)]
    return [_record(table, where, passes)]


def record_from(line: str | bytes, where: str, passes: Mapping[str, Pass[Seen]]) -> Record[Seen]:
    """Read a line that holds one record."""
    found = records_from(line, where, passes)
    if len(found) != 1:
        raise StoreError(f"{where}: {len(found)} records, where one was asked for. {DAMAGED}")
    return found[0]


def _record(table: dict[str, Any], where: str, passes: Mapping[str, Pass[Seen]]) -> Record[Seen]:
    seen, several = table.pop("seen", None), table.pop("several", [])
    if not isinstance(several, list):
        kind = type(several).__name__
        raise StoreError(f"{where}: 'several' must be a list, not {kind}. {DAMAGED}")
    # Most words stand in thousands of records: each is kept once.
    table = {k: sys.intern(v) if isinstance(v, str) else v for k, v in table.items()}
    known = passes.get(str(table.get("measured")))
    if known is None and (seen is not None or several):
        raise StoreError(
            f"{where}: unknown pass {table.get('measured')!r}. Known: "
            f"{', '.join(sorted(passes))}. If a plugin's study measured it, name the plugin's "
            "file with plugin=; otherwise measure again."
        )
    try:
        if seen is not None:
            table["seen"] = _seen(known, seen, where)
        head = build(Record, table, where)
        _require_numbers_of_a_block(head, where)
        return head.holding([_at(known, each, where) for each in several]) if several else head
    except UsageError as error:
        raise StoreError(f"{error} {DAMAGED}") from None


def _require_numbers_of_a_block(record: Record[Seen], where: str) -> None:
    for name, value in (("seed", record.seed), ("round", record.round)):
        if not -MOST <= value < MOST:
            raise UsageError(f"{where}: {name} = {shown(value)} must be from -2^63 to 2^63 - 1.")


def _seen(known: Pass[Seen] | None, seen: Any, where: str) -> Seen:
    assert known is not None  # or it would have been refused
    if not isinstance(seen, dict):
        raise UsageError(f"{where}: 'seen' must be an object, not {type(seen).__name__}.")
    return build(known.seen, seen, where)


def _at(known: Pass[Seen] | None, each: Any, where: str) -> tuple[Point, Seen]:
    if not isinstance(each, dict) or not isinstance(each.get("point"), dict):
        raise UsageError(f"{where}: each entry of 'several' must have a 'point' and 'seen'.")
    return each["point"], _seen(known, each.get("seen"), where)


def require_schema(table: Mapping[str, Any], where: str, known: int = SCHEMA) -> None:
    """Refuse what another version of the harness wrote in a way that this one can't read."""
    schema = table.get("schema")
    if not isinstance(schema, int) or isinstance(schema, bool) or not 1 <= schema <= known:
        newer = isinstance(schema, int) and schema > known
        raise StoreError(
            f"{where}: schema {schema!r} is not the schema {known} that this version "
            f"({harness.__version__}) reads. "
            + ("Upgrade the harness to read it." if newer else DAMAGED)
        )

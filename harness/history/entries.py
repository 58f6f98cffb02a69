"""A history: what gates found commit by commit, in a file of lines that is only ever appended.

A line is one measure of one subject at a commit, and at the base that the same job measured beside
it. The ratio of the two is what can be trusted: seconds of different days drift on shared machines
by far more than an effect, so they are kept to be looked at and never compared. Measuring a commit
again appends again. Nothing is ever replaced, and both measurements count.

Lines may stand in any order, so two histories are joined by joining their lines.
"""

from __future__ import annotations

import dataclasses
import json
import math
import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from harness.declare.settings import build
from harness.errors import StoreError, UsageError
from harness.records.lines import appending, explained, read_lines
from harness.records.record import DAMAGED, require_schema

SCHEMA = 1

ANOTHER = "With history=, name a file with free space that you may write to."
READABLE = "Name a file of JSON lines, written by `gate history=`, that you may read."

Probe = str | int | float | bool | None

_COMMIT = re.compile(r"[0-9a-f]{7,64}")


@dataclass(frozen=True)
class Entry:
    """One measure of one subject, at a commit and at its base. Ratios are head over base."""

    commit: str
    base: str
    committed: str | None  # when the commit was made, UTC
    started: str  # when the gate was, UTC
    machine: dict[str, Probe]  # the probes that make a machine's class
    subject: str
    measure: str
    unit: str | None
    counted: bool  # repeats exactly
    base_value: float | None  # the median of seconds, or the count
    head_value: float | None
    ratio: float | None
    low: float | None
    high: float | None
    low_error: float | None  # the chance that the true ratio lies below low
    high_error: float | None  # the chance that it lies above high
    noise_floor: float | None  # of the job, by A/A
    rounds: int | None
    word: str  # the gate's
    reason: str | None
    version: str  # of the harness
    schema: int = SCHEMA

    def __post_init__(self) -> None:
        for name in ("commit", "base"):
            if not _COMMIT.fullmatch(getattr(self, name)):
                raise ValueError(f"{name} = {getattr(self, name)!r} is not the hash of a commit")
        if self.commit == self.base:
            raise ValueError(f"commit {self.commit} cannot be its own base")
        for name in ("committed", "started"):
            if (moment := getattr(self, name)) is not None:
                datetime.fromisoformat(moment)
        ends = (self.low, self.ratio, self.high)
        if None in ends:
            if set(ends) != {None}:
                raise ValueError(f"low, ratio, high = {ends}: give all three or none")
        elif not 0 < ends[0] <= ends[1] <= ends[2] < math.inf:  # type: ignore[operator]  # none is None
            raise ValueError(f"low, ratio, high = {ends}: must be above 0 and in order")
        for name in ("low_error", "high_error"):
            chance = getattr(self, name)
            if chance is not None and not 0 < chance < 0.5:
                raise ValueError(f"{name} = {chance} must be between 0 and 0.5")
        for name in ("noise_floor", "rounds"):
            value = getattr(self, name)
            if value is not None and value < 0:
                raise ValueError(f"{name} = {value} is below 0")

    def to_line(self) -> str:
        return json.dumps(dataclasses.asdict(self), allow_nan=False) + "\n"


@dataclass(frozen=True)
class History:
    """The entries in the order of their lines, and what was found amiss."""

    entries: tuple[Entry, ...]
    notes: tuple[str, ...] = ()


def append(path: Path, entries: Sequence[Entry]) -> tuple[str, ...]:
    """Add a gate's entries, all or none, and return what was found amiss with the file."""
    notes: tuple[str, ...] = ()
    with explained(f"history={path}", ANOTHER):
        path.parent.mkdir(parents=True, exist_ok=True)
        path.touch()
        with appending(path, wait=True) as lines:  # it takes another gate but a moment
            aside = path.with_name(f"{path.name}.torn")
            if lines.set_torn_line_aside(aside):
                notes = (f"{path}: the last line was incomplete; it was moved to {aside.name}.",)
            lines.append("".join(entry.to_line() for entry in entries))
    return notes


def read(path: Path) -> History:
    """Return a file's entries; a torn last line is left out."""
    with explained(str(path), READABLE):
        lines, torn = read_lines(path)
    notes = (f"{path}: the last line is incomplete and was left out.",) if torn else ()
    entries = tuple(_entry(line, f"{path}, line {n}") for n, line in enumerate(lines, start=1))
    return History(entries, notes)


def require_appendable(path: Path) -> None:
    """Say so before anything is measured if its findings could not be added to this file."""
    with explained(f"history={path}", ANOTHER):
        is_new = not path.exists()
        if not is_new and not path.is_file():
            raise StoreError(f"history={path}: not a file. {ANOTHER}")
        path.parent.mkdir(parents=True, exist_ok=True)
        path.open("ab").close()
        if is_new:
            path.unlink()
            return
    read(path)


def _entry(line: bytes, where: str) -> Entry:
    try:
        table = json.loads(line)
    except (ValueError, RecursionError) as error:
        raise StoreError(f"{where}: not valid JSON ({error}). {DAMAGED}") from None
    if not isinstance(table, dict):
        raise StoreError(
            f"{where}: a line must be an object, not {type(table).__name__}. {DAMAGED}"
        )
    require_schema(table, where, SCHEMA)
    try:
        return build(Entry, table, where)
    except UsageError as error:
        raise StoreError(f"{error} {DAMAGED}") from None

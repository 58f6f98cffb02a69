"""What a gate counts: it repeats exactly, so any difference is one of the trees."""

from __future__ import annotations

from collections.abc import Sequence

from harness.declare.measures import MEASURES, Measure
from harness.declare.passes import Seen
from harness.gate.findings import Finding, Word
from harness.judge.evidence import told
from harness.judge.statistics import Interval
from harness.records.record import Record

COUNTING = tuple(dict.fromkeys(row.measured for row in MEASURES.where(nature="count", gated=True)))
"""The passes that count what a gate compares."""


def unable(base: Record[Seen], head: Record[Seen]) -> tuple[Word, str] | None:
    """Return the word for what one of the trees could not measure, or None if both could."""
    at_base, at_head = trouble(base), trouble(head)
    if at_head is None:
        return None if at_base is None else ("not compared", f"at base: {at_base}")
    if at_base is not None:
        both = at_head == at_base
        return "not compared", (
            f"at both: {at_head}" if both else f"at base: {at_base}; at head: {at_head}"
        )
    if head.status == "skipped":  # what it needs may be missing here alone
        return "inconclusive", f"at head: {at_head}"
    return "regressed", f"it works at base, but at head: {at_head}"


def counts(
    subject: str, measured: str, base: Record[Seen], head: Record[Seen], again: Record[Seen] | None
) -> list[Finding]:
    """Compare all that a pass counts; `again` is base counted once more, where they differ."""
    if found := unable(base, head):
        first, *_ = _counted(measured)
        word, reason = found
        return [Finding(subject, first.name, word=word, reason=reason)]
    return [
        _count(subject, each, before, after, again)
        for each in _counted(measured)
        if (before := _value(base, each)) is not None and (after := _value(head, each)) is not None
    ]


def differ(measured: str, base: Record[Seen], head: Record[Seen]) -> bool:
    """Tell whether anything that the pass counts differs."""
    return unable(base, head) is None and any(
        _value(base, each) != _value(head, each) for each in _counted(measured)
    )


def _counted(measured: str) -> Sequence[Measure]:
    return MEASURES.where(nature="count", measured=measured, gated=True)


def _count(
    subject: str, each: Measure, base: float, head: float, again: Record[Seen] | None
) -> Finding:
    ratio = Interval(head / base, head / base, head / base, 1, "counted") if base > 0 else None
    repeated = None if again is None else _value(again, each)
    word: Word = "same"
    reason = None
    if head != base:
        word = "improved" if head < base else "regressed"
        if repeated is not None and repeated != base:
            word = "inconclusive"
            reason = f"base does not repeat here: {base:,.0f}, then {repeated:,.0f}"
    return Finding(subject, each.name, each.unit, base, head, ratio, word=word, reason=reason)


def _value(record: Record[Seen], each: Measure) -> float | None:
    assert each.field is not None  # a gate compares what a record holds
    value: int | None = getattr(record.seen, each.field, None)
    return value


def trouble(record: Record[Seen]) -> str | None:
    """Say why a block gave nothing that can be compared, or return None if it did."""
    if record.status != "ok":
        return f"{record.status}, {told(record.reason) or 'no reason was recorded'}"
    return record.flaw()

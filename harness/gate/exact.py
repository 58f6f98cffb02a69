"""What a gate holds to equality, and not to an interval: counts, gradients, and trained quality."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

from harness.declare.claims import Claim
from harness.declare.measures import MEASURES, Measure
from harness.declare.suite import Pair
from harness.gate.findings import ACCURACY, GRADIENT, Finding, Word
from harness.judge.blocks import flaw, told
from harness.judge.inheritance import curves_equal
from harness.judge.pair_quality import pair_quality
from harness.judge.statistics import Interval
from harness.records.record import Record

# Two trees that mean the same may sum in another order. The sketch is of one gradient in float64,
# whose rounding was measured at 1e-15 to 1e-12; an error of one in ten thousand is far beyond.
SAME_GRADIENT = 1e-8

COUNTING = tuple(dict.fromkeys(row.measured for row in MEASURES.where(nature="count", gated=True)))
"""The passes that count what a gate compares."""


def unable(base: Record, head: Record) -> tuple[Word, str] | None:
    """Return the word for what one of the trees could not measure, or None if both could."""
    at_base, at_head = _trouble(base), _trouble(head)
    if at_head is None:
        return None if at_base is None else ("not compared", f"at base: {at_base}")
    if at_base is not None:
        both = at_head == at_base
        return "not compared", (
            f"at both: {at_head}" if both else f"at base: {at_base}; at head: {at_head}"
        )
    if head.status == "skipped":  # what it needs may be missing here alone
        return "inconclusive", f"at head: {at_head}"
    return "regressed", f"it works at base, and at head: {at_head}"


def counts(
    subject: str, measured: str, base: Record, head: Record, again: Record | None
) -> list[Finding]:
    """Compare all that a pass counts; `again` is base counted once more, where they differ."""
    if found := unable(base, head):
        first, *_ = _counted(measured)
        return [_finding(subject, first.name, None, None, None, *found)]
    return [
        _count(subject, each, before, after, again)
        for each in _counted(measured)
        if (before := _value(base, each)) is not None and (after := _value(head, each)) is not None
    ]


def differ(measured: str, base: Record, head: Record) -> bool:
    """Tell whether anything that the pass counts differs."""
    return unable(base, head) is None and any(
        _value(base, each) != _value(head, each) for each in _counted(measured)
    )


def _counted(measured: str) -> Sequence[Measure]:
    return MEASURES.where(nature="count", measured=measured, gated=True)


def _count(subject: str, each: Measure, base: float, head: float, again: Record | None) -> Finding:
    ratio = Interval(head / base, head / base, head / base, 1, "counted") if base > 0 else None
    repeated = None if again is None else _value(again, each)
    word: Word = "same"
    reason = None
    if head != base:
        word = "improved" if head < base else "regressed"
        if repeated is not None and repeated != base:
            word = "inconclusive"
            reason = f"base does not repeat here: {base:,.0f}, then {repeated:,.0f}"
    return _finding(subject, each.name, each.unit, base, head, word, reason, ratio)


def gradient(
    subject: str,
    base: Record | None,
    head: Record,
    sketches: tuple[Mapping[str, Any] | None, Mapping[str, Any] | None],
) -> Finding:
    """Judge head's check, base's if it was needed, and both trees' gradients of the same batch."""
    about = (subject, GRADIENT, None, base.worst if base else None, head.worst)
    if trouble := _trouble(head):
        return _finding(
            *about, *(unable(base, head) if base else None) or ("inconclusive", trouble)
        )
    if not head.passed:
        case = f"{_number(head.worst_error)} of {_number(head.tolerance)} allowed, " + told(
            head.worst_case
        )
        if base is not None and base.passed:
            return _finding(
                *about, "mismatch", f"its check passes at base and fails at head: {case}"
            )
        at_base = "fails at base as well" if base and base.passed is False else "is unknown at base"
        return _finding(*about, "not compared", f"its check fails, and {at_base}: {case}")
    if head.equivalence != "Exact":
        return _finding(*about, "same", "its check passes")
    before, after = sketches
    if before is None or after is None:
        return _finding(*about, "same", "its check passes; base can't be compared directly")
    distance = _distance(before, after)
    if distance > SAME_GRADIENT:
        return _finding(
            *about,
            "mismatch",
            f"its check passes, but on the subject's own batch the gradient is {distance:.1e} of "
            "its size from base's: the workload or the oracle changed with it",
        )
    return _finding(*about, "same", "its check passes, and it is base's gradient")


def accuracy(subject: str, pair: Pair, records: Sequence[Record]) -> Finding:
    """Judge what training gives: the same trajectory, or quality that is not worse."""
    curves = curves_equal(records, pair)
    if curves.equal:
        return _finding(subject, ACCURACY, None, None, None, "same", curves.reason)
    quality = pair_quality(records, pair, None, Claim.margin)
    if quality is None or quality.not_worse is None:
        why = quality.reason if quality else curves.reason
        return _finding(subject, ACCURACY, None, None, None, "inconclusive", why)
    return _finding(
        subject,
        ACCURACY,
        quality.metric,
        quality.baseline,
        quality.method,
        "same" if quality.not_worse else "regressed",
        quality.reason.replace("the method", "head"),
    )


def _trouble(record: Record) -> str | None:
    if record.status != "ok":
        return f"{record.status}, {told(record.reason) or 'no reason was recorded'}"
    return flaw(record)


def _number(value: float | None) -> str:
    return "more than any number" if value is None else f"{value:.3g}"


def _value(record: Record, each: Measure) -> float | None:
    assert each.field is not None  # a gate compares what a record holds
    value: int | None = getattr(record, each.field)
    return value


def _distance(base: Mapping[str, Any], head: Mapping[str, Any]) -> float:
    """Return how far the sketches are apart, in proportion to base's gradient and loss."""
    if base["shapes"] != head["shapes"]:
        return math.inf
    pairs = [(base["loss"], head["loss"], abs(base["loss"]))]
    pairs += [
        (a, b, base["norm"]) for a, b in zip(base["projections"], head["projections"], strict=True)
    ]
    found = [_relative(a, b, size) for a, b, size in pairs]
    return math.inf if any(map(math.isnan, found)) else max(found)


def _relative(a: float, b: float, size: float) -> float:
    if a == b:
        return 0.0
    return abs(a - b) / size if size > 0 else math.inf


def _finding(
    subject: str,
    measure: str,
    unit: str | None,
    base: float | None,
    head: float | None,
    word: Word,
    reason: str | None,
    ratio: Interval | None = None,
) -> Finding:
    return Finding(subject, measure, unit, base, head, ratio, None, None, word, reason)

"""Whether a gradient is still right: by head's own check, and beside base's gradient."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

from harness.declare.passes import Seen
from harness.gate.counts import trouble, unable
from harness.gate.findings import GRADIENT, Finding, Word
from harness.judge.evidence import told
from harness.records.record import Record
from harness.records.seen import Check

# Two trees that mean the same may sum in another order. The sketch is of one gradient in float64,
# whose rounding was measured at 1e-15 to 1e-12; an error of one in ten thousand is far beyond.
SAME_GRADIENT = 1e-8

Sketch = Mapping[str, Any]


def gradient(
    subject: str,
    base: Record[Seen] | None,
    head: Record[Seen],
    sketches: tuple[Sketch | None, Sketch | None],
) -> Finding:
    """Judge head's check, base's if it was needed, and both trees' gradients of the same batch."""

    before, after = _check(base), _check(head)

    def found(word: Word, reason: str) -> Finding:
        worst = before.worst, after.worst
        return Finding(subject, GRADIENT, None, *worst, word=word, reason=reason)

    if why := trouble(head):
        return found(*(unable(base, head) if base else None) or ("inconclusive", why))
    if not after.passed:
        case = f"{_number(after.worst_error)} of {_number(after.tolerance)} allowed, " + told(
            after.worst_case
        )
        if before.passed:
            return found("mismatch", f"its check passes at base and fails at head: {case}")
        at_base = "fails at base too" if before.passed is False else "is unknown at base"
        return found("not compared", f"its check fails, and {at_base}: {case}")
    if after.equivalence != "Exact":
        return found("same", "its check passes")
    first, second = sketches
    if first is None or second is None:
        return found("same", "its check passes; it cannot be compared with base directly")
    distance = _distance(first, second)
    if distance > SAME_GRADIENT:
        return found(
            "mismatch",
            "its check passes, but on the subject's own batch it differs from base's gradient by "
            f"{distance:.1e} of its size: the workload or the oracle changed too",
        )
    return found("same", "its check passes, and it equals base's gradient")


def _check(record: Record[Seen] | None) -> Check:
    return record.seen if record is not None and isinstance(record.seen, Check) else Check()


def _number(value: float | None) -> str:
    return "an infinite error" if value is None else f"{value:.3g}"


def _distance(base: Sketch, head: Sketch) -> float:
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

"""The blocks of a run as a judge sees them: which record of each counts, and if it can be used."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from itertools import pairwise

from harness.declare.measures import MEASURES
from harness.declare.suite import Member, Pair, Pass
from harness.records.record import Record
from harness.studies.variants.flaws import flaw_of_counts, flaw_of_qualities, flaw_of_times

# How the reason of a block begins that need not be run, since what it would show is known.
INHERITS = "inherits"

# What lies beyond these was not measured, whatever a file says. Comparisons with NaN are false.
SHORTEST_S, LONGEST_S = 1e-15, 1e9
LARGEST = 1e100

# A reason may be a whole log; a table and a sentence hold this many characters of it.
LONGEST_REASON = 300

# What pairs the blocks of the two members: the pair's name, the seed and the round.
Key = tuple[str, int, int]


def latest(records: Iterable[Record]) -> dict[str, Record]:
    """Return the record that counts for every block: the last good one, or else the last.

    A block that gave nothing may be measured again when a run is resumed, and then has several.
    """
    found: dict[str, Record] = {}
    for record in records:
        known = found.get(record.block)
        if known is None or record.status == "ok" or known.status != "ok":
            found[record.block] = record
    return found


def usable(records: Iterable[Record], pair: Pair, measured: Pass, member: Member) -> list[Record]:
    """Return what a pass really measured of one member, by seed and round."""
    wanted = (pair.name, measured, member)
    found = [
        record
        for record in latest(records).values()
        if (record.pair, record.measured, record.member) == wanted
        and record.status == "ok"
        and flaw(record) is None
    ]
    return sorted(found, key=lambda record: (record.seed, record.round))


def key(record: Record) -> Key:
    return record.pair, record.seed, record.round


def trouble(record: Record) -> tuple[str, str] | None:
    """Return how and why a block gave no measurement, or None if it gave one or need not."""
    if record.status == "ok":
        found = flaw(record)
        return None if found is None else ("unusable", found)
    if is_inherited(record):
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


def is_inherited(record: Record) -> bool:
    """Tell whether a block was left out because what it would show is known."""
    return record.status == "skipped" and (record.reason or "").startswith(INHERITS)


def flaw(record: Record) -> str | None:
    """Say what makes a good block's values useless; a file can hold what no measurement gives."""
    check = {
        "step": _flaw_of_times,
        "adaptation": _flaw_of_times,
        "memory": _flaw_of_counts,
        "operations": _flaw_of_counts,
        "growth": _flaw_of_growth,
        "scaling": _flaw_of_scaling,
        "curve": _flaw_of_curve,
        "trajectory": _flaw_of_trajectory,
        "variants": flaw_of_qualities,
        "variant_times": flaw_of_times,
    }.get(record.measured)
    return check(record) if check is not None else None


def why_absent(records: Sequence[Record], pair: Pair, measured: Pass, member: Member) -> str:
    """Say why a pass has nothing of a member."""
    if measured not in pair.passes:
        return f"{measured} is not among the pair's passes"
    for record in records:
        if (record.pair, record.measured, record.member) == (pair.name, measured, member):
            if is_inherited(record):
                return f"{measured} of the {member}: {record.reason}"
            if found := trouble(record):
                return f"{measured} of the {member}: {found[0]}, {found[1]}"
    return f"{measured} of the {member}: not in the records"


def _flaw_of_times(record: Record) -> str | None:
    if not record.seconds:
        return "its record holds no seconds"
    for value in record.seconds:
        if not SHORTEST_S < value < LONGEST_S:
            return f"its record holds {value!r} seconds, which no clock gives"
    return None


def _flaw_of_counts(record: Record) -> str | None:
    for row in MEASURES.where(nature="count", measured=record.measured):
        value = None if row.field is None else getattr(record, row.field)
        if value is not None and not 0 <= value < LARGEST:
            return f"its record holds {row.field} = {value!r}, which nothing counts"
    return flaw_of_counts(record) if record.variant_flops is not None else None


def _flaw_of_growth(record: Record) -> str | None:
    steps, peaks = record.growth_steps, record.growth_bytes
    if not steps or not peaks or len(steps) != len(peaks):
        return "its record does not hold the peak bytes of every number of inner steps"
    if steps[0] < 1 or any(after <= before for before, after in pairwise(steps)):
        return "the numbers of inner steps in its record do not go upwards"
    if not all(0 < value < LARGEST for value in (*steps, *peaks)):
        return "its record holds peak bytes or inner steps which nothing counts"
    return None


def _flaw_of_scaling(record: Record) -> str | None:
    if not 0 < (record.tasks or 0) < LARGEST or not 0 < (record.processes or 0) < LARGEST:
        return "its record does not hold the ranks and the tasks that they shared"
    sizes, spans = record.wire_bytes or (), record.wire_seconds or ()
    if len(sizes) != len(spans) or not all(0 < size < LARGEST for size in sizes):
        return "its record does not hold the seconds of every bare all-reduce"
    if not all(SHORTEST_S < span < LONGEST_S for span in spans):
        return "its record holds all-reduces of seconds that no clock gives"
    return _flaw_of_times(record)


def _flaw_of_curve(record: Record) -> str | None:
    steps, quality, test = record.curve_steps, record.curve_quality, record.test_quality
    if not steps or not quality or not test:
        return "its record lacks the curve or the test quality"
    if len(steps) != len(quality) or any(after <= before for before, after in pairwise(steps)):
        return "the curve in its record does not go step by step"
    if not (steps[0] >= 0 and steps[-1] < LARGEST):
        return "the curve in its record counts steps that nobody takes"
    if not all(-LARGEST < value < LARGEST for value in (*quality, *test)):
        return "its record holds a quality that is no measurement"
    if record.metric is None or record.higher_is_better is None:
        return "its record does not say what quality means"
    return None


def _flaw_of_trajectory(record: Record) -> str | None:
    values = (*(record.losses or ()), *(record.fingerprint or ()))
    if not record.losses or len(record.losses) != len(record.fingerprint or ()):
        return "its record does not hold a loss and a fingerprint of every step"
    if not all(map(math.isfinite, values)):
        return "its record holds a loss or a fingerprint that is no number"
    return None

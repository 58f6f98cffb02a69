"""A trace: from a verdict, or any other ratio, back to the records that it was estimated from."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from harness.declare.measures import MEASURES
from harness.declare.pair import MEMBERS
from harness.declare.passes import Seen
from harness.declare.point import Point, PointKey, key_of
from harness.judge.evidence import Evidence, trouble
from harness.judge.judgement import (
    Derived,
    Observed,
    PairJudgement,
    Place,
    Ratio,
    Source,
    Verdict,
)
from harness.judge.ratios import is_gain
from harness.judge.statistics import Bounds, Interval, PairedInterval
from harness.records.record import Record

# A round by its seed and number; None: all that was seen with the seed.
When = tuple[int, int | None]

# The blocks of a round, and why each gave nothing, if it did not.
Blocks = dict[str, str | None]


@dataclass(frozen=True)
class Round:
    """What one seed gave in one round, in which blocks it stands, and whether it counts."""

    seed: int
    round: int | None
    baseline: float | None
    method: float | None
    value: float | None  # their ratio, or their difference
    blocks: tuple[str, ...]
    left_out: str | None = None


@dataclass(frozen=True)
class Trace:
    """A ratio or a gain, and all that it was made of."""

    measure: str
    point: Point
    unit: str
    interval: Interval | None
    estimator: str
    seed: int | None  # of the bootstrap, if there was one
    rounds: tuple[Round, ...]
    source: Source | None
    derived: Derived | None
    reason: str | None  # why there is no interval

    @property
    def blocks(self) -> tuple[str, ...]:
        """The blocks that the estimate rests on."""
        used = (block for each in self.rounds if each.left_out is None for block in each.blocks)
        return tuple(dict.fromkeys(used))


def traces(judged: PairJudgement, evidence: Evidence) -> tuple[Trace, ...]:
    """Return the traces of all of a pair's ratios, and of its verdicts on other figures."""
    every: tuple[Ratio | Verdict, ...] = (*judged.ratios, *judged.gains, *judged.verdicts)
    known: dict[tuple[str, PointKey], Ratio | Verdict] = {}
    for each in every:
        known.setdefault((each.measure, key_of(each.point)), each)
    return tuple(trace(judged, each, evidence) for each in known.values())


def trace(judged: PairJudgement, found: Ratio | Verdict, evidence: Evidence) -> Trace:
    """Trace a ratio of the pair, or a verdict on it, to the records."""
    interval = found.interval if isinstance(found, Ratio) else found.ratio
    row = MEASURES.of(found.measure)
    drawn = interval is not None and interval.method in (Bounds.BCA, Bounds.PERCENTILE)
    return Trace(
        measure=found.measure,
        point=found.point,
        unit="" if row is None else row.unit,
        interval=interval,
        estimator=_estimator(found),
        seed=interval.seed if isinstance(interval, PairedInterval) and drawn else None,
        rounds=() if judged.withheld else tuple(_rounds(judged, found, evidence)),
        source=found.source,
        derived=found.derived,
        reason=found.reason,
    )


def _is_range(measure: str) -> bool:
    """Say whether a measure is how far a setting may go, of which more is better."""
    return MEASURES.nature(measure) == "range"


def _estimator(found: Ratio | Verdict) -> str:
    if is_gain(found.measure):
        return "mean over seeds of the difference of the members' means over test tasks"
    if _is_range(found.measure):
        return "what most seeds reach, method over baseline"
    if found.observed and all(each.round is None for each in found.observed):
        return "median over seeds of baseline over method"
    if found.source is not None and found.source.turns is not None:
        return "centre over rounds of the median over turns of baseline over method"
    return "median over rounds of baseline over method"


def _rounds(judged: PairJudgement, found: Ratio | Verdict, evidence: Evidence) -> Iterator[Round]:
    """Yield every round that the ratio could rest on, counted or left out."""
    if found.source is None:
        return
    source, of_seeds = found.source, all(each.round is None for each in found.observed)
    standing: dict[When, Blocks] = {}
    for record in evidence.of(judged.pair):
        if record.measured == source.measured and _holds(record, source):
            when = record.seed, None if of_seeds else record.round
            amiss = trouble(record)
            why = f"{amiss[0]}: {amiss[1]}" if amiss else None
            # What another pair's block saw leads to that one.
            standing.setdefault(when, {})[record.same_as or record.block] = why
    seen: dict[When, Observed] = {(each.seed, each.round): each for each in found.observed}
    sign = 1 if source.higher_is_better else -1
    for when in sorted({*standing, *seen}, key=lambda when: (when[0], when[1] or 0)):
        blocks = standing.get(when, {})
        each = seen.get(when) or Observed(*when, None, None)
        why = None if each.counts else _left_out(each, blocks, found.unused)
        value = None
        if each.baseline is not None and each.method is not None:
            if _is_range(found.measure):
                value = each.method / each.baseline
            elif is_gain(found.measure):
                value = sign * (each.method - each.baseline)
            else:
                value = each.ratio or each.baseline / each.method
        yield Round(*when, each.baseline, each.method, value, tuple(blocks), why)


def _holds(record: Record[Seen], source: Source) -> bool:
    """Say whether a block stands where a side is read, or should have."""
    return any(_stands(record, place) for place in (source.baseline, source.method))


def _stands(record: Record[Seen], place: Place) -> bool:
    if record.member != place.member:
        return False
    at = place.at(record.seed)
    if record.several:
        return any({**record.point, **point} == at for point, _ in record.several)
    # One that failed doesn't say which points it would have seen.
    return record.point == at or (record.status != "ok" and record.point.items() <= at.items())


def _left_out(each: Observed, blocks: Blocks, unused: str) -> str:
    """Say why a round has no part in the estimate."""
    if reasons := list(dict.fromkeys(filter(None, blocks.values()))):
        return "; ".join(reasons)
    for member, value in zip(MEMBERS, (each.baseline, each.method), strict=True):
        if value is None and (each.baseline is not None or each.method is not None):
            return f"the {member} gave nothing to pair it with"
    return unused or "it gave no value"

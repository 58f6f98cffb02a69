"""Ratios of what two members took: baseline over method, so that above 1 the method is better."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable, Iterator, Mapping, Sequence
from statistics import median

from harness.declare.measures import MEASURES, Measure
from harness.declare.pair import MEMBERS, Member, Pair, with_settings
from harness.declare.passes import Seen
from harness.declare.point import OWN, Point, words_of
from harness.judge.block_values import Taken, in_rounds, ratio_of
from harness.judge.checks import all_passed
from harness.judge.evidence import Evidence, Key, key
from harness.judge.judgement import Observed, PairJudgement, Place, Ratio, Source
from harness.judge.statistics import Bounds, Interval, geometric_mean
from harness.seeds import derive

CONFIDENCE = 0.95


def clocked(measure: str) -> bool:
    """Say whether a ratio is one of times that rounds repeat, which A/A pairs show the noise of."""
    row = MEASURES.of(measure)
    return row is not None and row.in_rounds


def is_gain(measure: str) -> bool:
    """Say whether a measure is a difference in quality and not a ratio."""
    return MEASURES.nature(measure) == "gain"


def ratios(evidence: Evidence, pair: Pair, confidence: float = CONFIDENCE) -> tuple[Ratio, ...]:
    """Return the ratios of all that the pair's passes measure, in a fixed order."""
    return tuple(
        _ratio(evidence, pair, measure, point, confidence)
        for measure in MEASURES
        if measure.paired
        for point in pair.points_of(measure.measured)
    )


def taken_of(
    evidence: Evidence, pair: Pair, measure: Measure, member: Member, point: Point = OWN
) -> dict[Key, Taken]:
    """Return what every block of a member says of a measure."""
    known, part = evidence.passes[measure.measured], pair.part_of(member, point)
    return {
        key(record): Taken.of(record, values)
        for record, seen in evidence.usable(pair, known, member, part)
        if (values := _values(seen, measure)) is not None
    }


def values_of(
    evidence: Evidence, pair: Pair, measure: Measure, member: Member, point: Point = OWN
) -> dict[Key, float]:
    """Return the middle of what every block of a member says of a measure."""
    taken = taken_of(evidence, pair, measure, member, point)
    return {each: of_block.middle for each, of_block in taken.items()}


def without_interval(found: Ratio, reason: str | None) -> Ratio:
    """Return the ratio without its interval, if there is a reason not to show one."""
    return found if reason is None else dataclasses.replace(found, interval=None, reason=reason)


def nothing(measure: str, reason: str | None, point: Point = OWN) -> Ratio:
    """Return a ratio of nothing, and why."""
    return Ratio(measure, "", None, None, None, 0, reason, point=point)


def observed(baseline: Mapping[Key, float], method: Mapping[Key, float]) -> tuple[Observed, ...]:
    """Return what both members gave, by seed and round, with those that found no partner."""
    every = sorted({*baseline, *method}, key=lambda each: each[1:])
    return tuple(Observed(each[1], each[2], baseline.get(each), method.get(each)) for each in every)


def _observed(baseline: Mapping[Key, Taken], method: Mapping[Key, Taken]) -> Iterator[Observed]:
    """Yield likewise what both took, and the ratio of their turns."""
    for each in sorted({*baseline, *method}, key=lambda each: each[1:]):
        before, after = baseline.get(each), method.get(each)
        both = None
        if before is not None and after is not None and after.middle != 0:
            both = before.over(after)
        one, other = (None if taken is None else taken.middle for taken in (before, after))
        yield Observed(each[1], each[2], one, other, both)


def bootstrap_seed(pair: Pair, measure: str, point: Point = OWN) -> int:
    return derive(0, "bootstrap", pair.name, measure, *([words_of(point)] if point else []))


def overall(pairs: Iterable[PairJudgement]) -> tuple[Ratio, ...]:
    """Return geometric means over the workloads on which the same two members were really run.

    Only pairs whose members passed their checks count. The first pair on a workload stands for it,
    so that no workload counts twice.
    """
    groups: dict[tuple[str, str], dict[str, Ratio]] = {}
    for judged in pairs:
        pair = judged.pair
        members = " against ".join(
            with_settings(pair.learner(member), pair.learner_settings(member))
            for member in reversed(MEMBERS)
        )
        workload = with_settings(pair.workload, pair.settings)
        if pair.is_aa or all_passed(judged.checks) is not True:
            continue
        for found in judged.ratios:
            if found.interval is not None and not found.point:
                groups.setdefault((members, found.measure), {}).setdefault(workload, found)
    return tuple(
        _mean(members, list(by_workload.values()))
        for (members, _), by_workload in groups.items()
        if len(by_workload) > 1
    )


def _ratio(
    evidence: Evidence, pair: Pair, measure: Measure, point: Point, confidence: float
) -> Ratio:
    values = [taken_of(evidence, pair, measure, member, point) for member in MEMBERS]
    baseline, method = values
    empty = Ratio(
        measure.name,
        measure.unit,
        baseline=_middle(baseline),
        method=_middle(method),
        interval=None,
        rounds=0,
        point=point,
        observed=tuple(_observed(baseline, method)),
        source=_source(pair, measure, point, baseline),
    )
    for member, found in zip(MEMBERS, values, strict=True):
        if not found:
            known = evidence.passes[measure.measured]
            return without_interval(empty, evidence.why_absent(pair, known, member, point))
    shared = [each for each in baseline if each in method]
    if not shared:
        return without_interval(empty, "no round holds both members")
    counted = measure.nature == "count"
    if counted and not all(min(baseline[each].middle, method[each].middle) > 0 for each in shared):
        return without_interval(empty, f"a count of {measure.name} is 0, so there is no ratio")
    if counted:
        interval = _counted(baseline, method, shared)
    else:
        seed = bootstrap_seed(pair, measure.name, point)
        interval = ratio_of(baseline, method, seed=seed, confidence=confidence)
    return dataclasses.replace(empty, interval=interval, rounds=len(shared))


def _source(pair: Pair, measure: Measure, point: Point, found: Mapping[Key, Taken]) -> Source:
    # A block times many steps, and counts once.
    several = measure.nature == "clock" or any(len(each.values) > 1 for each in found.values())
    value = f"r.seen.{measure.field}"
    baseline, method = (Place(member, pair.part_of(member, point)) for member in MEMBERS)
    middle = f"np.median({value})" if several else value
    turns = value if several and in_rounds(found) else None
    return Source(measure.measured, middle, baseline, method, turns=turns)


def _values(seen: Seen, measure: Measure) -> tuple[float, ...] | None:
    """Return what one block says; a timed one says it of every turn."""
    assert measure.field is not None  # it is paired
    value: float | tuple[float, ...] | None = getattr(seen, measure.field)
    return value if value is None or isinstance(value, tuple) else (value,)


def _middle(found: Mapping[Key, Taken]) -> float | None:
    return median(taken.middle for taken in found.values()) if found else None


def _counted(
    baseline: Mapping[Key, Taken], method: Mapping[Key, Taken], shared: Sequence[Key]
) -> Interval:
    found = [baseline[each].middle / method[each].middle for each in shared]
    return Interval(median(found), min(found), max(found), len(found), Bounds.COUNTED)


def _mean(members: str, found: Sequence[Ratio]) -> Ratio:
    interval = geometric_mean([each.interval for each in found if each.interval is not None])
    first = found[0]
    return Ratio(
        first.measure,
        first.unit,
        baseline=None,
        method=None,
        interval=interval,
        rounds=interval.n,
        members=members,
    )

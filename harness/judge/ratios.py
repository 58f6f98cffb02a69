"""Ratios of what two members took: baseline over method, so that above 1 the method is better."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from statistics import median

from harness.declare.passes import Pass, Seen
from harness.declare.point import OWN, Point, words_of
from harness.declare.suite import MEMBERS, Pair, settings_words
from harness.judge.checks import all_paid
from harness.judge.evidence import Evidence, Key, key
from harness.judge.judgement import PairJudgement, Ratio
from harness.judge.statistics import Interval, geometric_mean, paired_ratio
from harness.judge.timing import called_singly
from harness.records.seen import ADAPTATION, MEMORY, OPERATIONS, STEP, Times
from harness.seeds import derive


@dataclass(frozen=True)
class Quantity:
    """Something that a pass measures of both members."""

    measure: str
    measured: Pass[Seen]
    unit: str
    counted: bool  # repeats exactly, so that no noise need be allowed for


QUANTITIES = (
    Quantity("step_time", STEP, "s", counted=False),
    Quantity("adaptation_time", ADAPTATION, "s", counted=False),
    Quantity("peak_bytes", MEMORY, "bytes", counted=True),
    Quantity("flops", OPERATIONS, "operations", counted=True),
    Quantity("backward_passes", OPERATIONS, "calls", counted=True),
    Quantity("adaptation_flops", OPERATIONS, "operations", counted=True),
)
CONFIDENCE = 0.95
TIMED = frozenset(quantity.measure for quantity in QUANTITIES if not quantity.counted)


def at_steps(measure: str, steps: int) -> str:
    """Name a measure at a number of inner steps."""
    return f"{measure}_{steps}"


def clocked(measure: str) -> bool:
    """Say whether a measure is a time, which has noise."""
    return measure in TIMED or called_singly(measure)


def ratios(evidence: Evidence, pair: Pair, confidence: float = CONFIDENCE) -> tuple[Ratio, ...]:
    """Return the ratios of all that the pair's passes measure, in a fixed order."""
    return tuple(
        _ratio(evidence, pair, quantity, point, confidence)
        for quantity in QUANTITIES
        for point in pair.points_of(quantity.measured.name)
    )


def withhold(found: Ratio, reason: str | None) -> Ratio:
    """Return the ratio without its interval, if there is a reason not to show one."""
    return found if reason is None else dataclasses.replace(found, interval=None, reason=reason)


def nothing(measure: str, reason: str | None, point: Point = OWN) -> Ratio:
    """Return a ratio of nothing, and why."""
    return Ratio(measure, "", None, None, None, 0, reason, point=point)


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
            _with_settings(pair.learner(member), pair.learner_settings(member))
            for member in reversed(MEMBERS)
        )
        workload = _with_settings(pair.workload, pair.settings)
        if pair.is_aa or all_paid(judged.debts) is not True:
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
    evidence: Evidence, pair: Pair, quantity: Quantity, point: Point, confidence: float
) -> Ratio:
    values = [
        {
            key(record): value
            for record, seen in evidence.usable(
                pair, quantity.measured, member, pair.part_of(member, point)
            )
            if (value := _value(seen, quantity.measure)) is not None
        }
        for member in MEMBERS
    ]
    baseline, method = values
    empty = Ratio(
        quantity.measure,
        quantity.unit,
        baseline=median(baseline.values()) if baseline else None,
        method=median(method.values()) if method else None,
        interval=None,
        rounds=0,
        point=point,
    )
    for member, found in zip(MEMBERS, values, strict=True):
        if not found:
            return withhold(empty, evidence.why_absent(pair, quantity.measured, member))
    shared = [each for each in baseline if each in method]
    if not shared:
        return withhold(empty, "no round holds both members")
    if quantity.counted and not all(min(baseline[each], method[each]) > 0 for each in shared):
        return withhold(empty, f"a count of {quantity.measure} is 0, so there is no ratio")
    if quantity.counted:
        interval = _counted(baseline, method, shared)
    else:
        seed = bootstrap_seed(pair, quantity.measure, point)
        interval = paired_ratio(baseline, method, seed=seed, confidence=confidence)
    return dataclasses.replace(empty, interval=interval, rounds=len(shared))


def _value(seen: Seen, measure: str) -> float | None:
    """Return what one block says; of a timed one, the median of its intervals."""
    if isinstance(seen, Times):
        return median(seen.seconds)
    value: int | None = getattr(seen, measure)
    return value


def _counted(
    baseline: Mapping[Key, float], method: Mapping[Key, float], shared: Sequence[Key]
) -> Interval:
    found = [baseline[each] / method[each] for each in shared]
    return Interval(median(found), min(found), max(found), len(found), "counted")


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


def _with_settings(name: str, settings: Mapping[str, object]) -> str:
    words = settings_words(dict(settings))
    return f"{name} ({words})" if words else name

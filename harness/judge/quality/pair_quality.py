"""The test quality of both members of a pair, and whether the method's is not worse."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping, Sequence
from statistics import fmean

from harness.declare.claims import Claim
from harness.declare.pair import MEMBERS, Member, Pair
from harness.declare.passes import Seen
from harness.declare.point import OWN, Point
from harness.judge.evidence import Evidence
from harness.judge.judgement import Curves, Observed, Place, Quality, Ratio, Source
from harness.judge.quality.accuracy import Accuracy, PerTask, accuracy, gain_of, non_inferior
from harness.judge.ratios import CONFIDENCE, nothing
from harness.judge.statistics import Interval
from harness.records.record import Record
from harness.records.seen import CURVE, TRAJECTORY, Curve


def strictest_margin(claims: Sequence[Claim]) -> float:
    """Return the least that any of a pair's claims allows a method to lose."""
    return min((claim.margin for claim in claims), default=Claim.margin)


def stands_in(evidence: Evidence, pair: Pair, curves: Curves | None) -> bool:
    """Tell whether the baseline's curve stands for the method's.

    It takes the proof that they are equal, and no curve of the method's own: one that was measured,
    or that failed, says more than a proof over a few steps.
    """
    own = evidence.look(pair, CURVE, "method")
    return curves is not None and all(record.is_inherited for record in own)


def pair_quality(
    evidence: Evidence,
    pair: Pair,
    inherited: Curves | None,
    margin: float,
    method: str = "the method",
) -> Quality | None:
    """Return the quality of both members, or None if neither has one and none is inherited.

    `method` is what the sentence about it calls the pair's method.
    """
    values = {member: evidence.usable(pair, CURVE, member) for member in MEMBERS}
    described: list[Record[Seen]] = [r for r, _ in (*values["baseline"], *values["method"])]
    described += [record for record, _ in evidence.usable(pair, TRAJECTORY, "baseline")]
    if not described or not (values["baseline"] or values["method"] or inherited):
        return None
    plain, own = (by_seed(values[member]) for member in MEMBERS)
    missing: Member = "method" if plain else "baseline"
    found = quality_between(
        plain,
        own,
        described[0],
        margin,
        same_tasks=pair.workload in evidence.shared_tasks,
        absent="" if plain and own else evidence.why_absent(pair, CURVE, missing),
        method_name=method,
    )
    steps = [_trained(values[member]) for member in MEMBERS]
    found = dataclasses.replace(found, baseline_steps=steps[0], method_steps=steps[1])
    if inherited is None:
        return found
    reason = f"{method} inherits the baseline's quality: {inherited.reason}"
    return dataclasses.replace(found, inherited=True, not_worse=True, reason=reason)


def quality_between(
    baseline: PerTask[int],
    method: PerTask[int],
    described: Record[Seen],
    margin: float,
    *,
    same_tasks: bool,
    absent: str,
    method_name: str = "the method",
) -> Quality:
    """Return the quality of two sides by seed; `absent` says why, where either has none."""
    before = accuracy(baseline, same_tasks=same_tasks) if baseline else None
    after = accuracy(method, same_tasks=same_tasks) if method else None
    higher = described.higher_is_better is not False
    allowed = _allowed(margin, before, higher)
    not_worse, reason, difference = None, absent, None
    if before is not None and after is not None:
        compared = _compare(baseline, method, allowed, higher, same_tasks, method_name)
        not_worse, reason, difference = compared
    return Quality(
        metric=described.metric or "quality",
        higher_is_better=higher,
        baseline=before.mean if before else None,
        method=after.mean if after else None,
        over_tasks=before.over_tasks if before else None,
        over_seeds=before.over_seeds if before else None,
        method_over_tasks=after.over_tasks if after else None,
        method_over_seeds=after.over_seeds if after else None,
        inherited=False,
        not_worse=not_worse,
        margin=allowed,
        reason=reason,
        difference=difference,
    )


def _trained(found: Sequence[tuple[Record[Curve], Curve]]) -> int | None:
    """Return the most steps that any seed was trained for."""
    return max((seen.curve_steps[-1] for _, seen in found), default=None)


def pair_gains(evidence: Evidence, pair: Pair, inherited: Curves | None) -> tuple[Ratio, ...]:
    """Return what the method's test quality is better by, wherever a curve was planned.

    Differences are taken seed by seed and task by task; the bounds are two-sided, over seeds.
    """
    return tuple(
        gain_at(evidence, pair, point, inherited if point == OWN else None)
        for point in pair.points_of(CURVE.name)
    )


def gain_at(evidence: Evidence, pair: Pair, point: Point, inherited: Curves | None = None) -> Ratio:
    """Return what was gained at a point; only at the pair's own settings is a curve inherited."""
    if inherited is not None:
        return _no_gain("the method inherits the baseline's quality, so it cannot gain any", point)
    values = {
        member: evidence.usable(pair, CURVE, member, pair.part_of(member, point))
        for member in MEMBERS
    }
    for member in MEMBERS:
        if not values[member]:
            return _no_gain(evidence.why_absent(pair, CURVE, member), point)
    higher = values["baseline"][0][0].higher_is_better is not False
    baseline, method = (by_seed(values[member]) for member in MEMBERS)
    before, after = (Place(member, pair.part_of(member, point)) for member in MEMBERS)
    source = Source(CURVE.name, "r.seen.test_quality", before, after, higher)
    same_tasks = pair.workload in evidence.shared_tasks
    return gain("quality_gain", baseline, method, higher, same_tasks, point, source)


def gain(
    measure: str,
    baseline: Mapping[int, Sequence[float]],
    method: Mapping[int, Sequence[float]],
    higher_is_better: bool,
    same_tasks: bool,
    point: Point = OWN,
    source: Source | None = None,
) -> Ratio:
    """Return the paired difference as a measure, from the quality of every task by seed."""
    try:
        outcome = gain_of(
            baseline,
            method,
            CONFIDENCE,
            higher_is_better=higher_is_better,
            same_tasks=same_tasks,
        )
    except ValueError as error:
        return nothing(measure, str(error), point)
    shared = [seed for seed in baseline if seed in method]
    before, after = (fmean(fmean(of[seed]) for seed in shared) for of in (baseline, method))
    why = None if outcome.gain else "too few values for a bound"
    return Ratio(
        measure,
        "",
        before,
        after,
        outcome.gain,
        outcome.seeds,
        why,
        point=point,
        observed=observed_by_seed(baseline, method),
        source=source,
    )


def observed_by_seed(
    baseline: Mapping[int, Sequence[float]], method: Mapping[int, Sequence[float]]
) -> tuple[Observed, ...]:
    """Return both members' means over tasks, seed by seed."""
    means = [{seed: fmean(values) for seed, values in of.items()} for of in (baseline, method)]
    return tuple(
        Observed(seed, None, means[0].get(seed), means[1].get(seed))
        for seed in sorted({*baseline, *method})
    )


def _no_gain(reason: str, point: Point) -> Ratio:
    return nothing("quality_gain", reason, point)


def by_seed(found: Sequence[tuple[Record[Curve], Curve]]) -> dict[int, Sequence[float]]:
    return {record.seed: seen.test_quality for record, seen in found}


def _allowed(margin: float, baseline: Accuracy | None, higher_is_better: bool) -> float:
    """Return how much may be lost, in the metric's own unit.

    Where higher is better, as of an accuracy, that is the margin itself: 0.01 is one percentage
    point. A loss has no natural unit, and a hundredth of one may be nothing or all there is. So
    where lower is better the margin is a share of the baseline's mean: 0.01 is one percent of it.
    """
    if higher_is_better or baseline is None:
        return margin
    return margin * abs(baseline.mean)


def _compare(
    baseline: Mapping[int, Sequence[float]],
    method: Mapping[int, Sequence[float]],
    margin: float,
    higher_is_better: bool,
    same_tasks: bool,
    name: str,
) -> tuple[bool | None, str, Interval | None]:
    try:
        outcome = non_inferior(
            baseline, method, margin, higher_is_better=higher_is_better, same_tasks=same_tasks
        )
    except ValueError as error:  # no seed or unequal tasks to pair, or a margin of nothing
        return None, str(error), None
    over = f"over {outcome.seeds} seeds" if outcome.by_seeds else "over the tasks of a single seed"
    if outcome.by_seeds and same_tasks:
        over += " and the test tasks they share"
    dropped = f", {outcome.dropped} of one member alone left out" if outcome.dropped else ""
    if outcome.gain is None:
        told = f"{outcome.standing} {over}: too few values for a bound{dropped}"
        return outcome.ok, told, None
    ends = f"{outcome.gain.low:+.4g} to {outcome.gain.high:+.4g}"
    told = (
        f"{outcome.standing} {over}{dropped}: {name} gains {outcome.gain.estimate:+.4g} "
        f"({ends}, each end one-sided at 95 %) and may lose {margin:.4g}"
    )
    return outcome.ok, told, outcome.gain

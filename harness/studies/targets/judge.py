"""How soon both members of a pair reach target qualities, and the ratios at the rule's target."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from harness.declare.suite import MEMBERS, Member, Pair
from harness.judge.blocks import usable, why_absent
from harness.judge.judgement import Ratio, TargetTime
from harness.judge.quality import target_by_rule, target_range
from harness.judge.ratios import bootstrap_seed, withhold
from harness.judge.statistics import Interval, paired_ratio
from harness.records.record import Record
from harness.studies.targets.arrivals import SUSTAINED, Arrivals, Runs, runs

STEPS = Ratio("steps_to_target", "steps", None, None, interval=None, rounds=0)
TIME = Ratio("time_to_target", "s", None, None, interval=None, rounds=0)


@dataclass(frozen=True)
class Targets:
    """The times to all targets, and the ratios at the one that the rule sets.

    late   the members of which some seeds never got there, so that the ratios are but bounds
    """

    times: tuple[TargetTime, ...]
    ratios: tuple[Ratio, Ratio]
    late: frozenset[Member] = frozenset()


def targets(
    records: Sequence[Record], pair: Pair, inherited: bool, step_time: Ratio | None
) -> Targets:
    """Hold both members to targets set from the baseline's curves."""
    baseline = runs(records, pair, "baseline", step_time.baseline if step_time else None)
    method = runs(records, pair, "method", step_time.method if step_time else None)
    if inherited:
        method = Runs(baseline.curves, method.step_s)
    if not baseline.curves:
        reason = _no_curve(records, pair, "baseline")
        return Targets((), (withhold(STEPS, reason), withhold(TIME, reason)))
    described = usable(records, pair, "curve", "baseline")[0]
    higher = described.higher_is_better is not False
    curves = list(baseline.curves.values())
    rule = target_by_rule(curves, higher_is_better=higher, sustained=SUSTAINED)
    around = target_range(curves, higher_is_better=higher, sustained=SUSTAINED)
    times = tuple(
        _time(target, target == rule, baseline.to(target, higher), method.to(target, higher))
        for target in around
    )
    before, after = baseline.to(rule, higher), method.to(rule, higher)
    steps = dataclasses.replace(STEPS, baseline=before.steps, method=after.steps)
    time = dataclasses.replace(TIME, baseline=before.seconds, method=after.seconds)
    shared = [seed for seed in baseline.curves if seed in method.curves]
    if not shared:
        reason = _no_curve(records, pair, "method") if not method.curves else "no seed is shared"
        return Targets(times, (withhold(steps, reason), withhold(time, reason)))
    if inherited:
        return Targets(times, _inherited(steps, time, len(shared), step_time))
    arrivals: dict[Member, Arrivals] = {"baseline": before, "method": after}
    ratios = (
        _raced(steps, arrivals, {"baseline": 1.0, "method": 1.0}, shared, pair),
        _raced(time, arrivals, {m: arrivals[m].step_s for m in MEMBERS}, shared, pair),
    )
    return Targets(times, ratios, frozenset(m for m in MEMBERS if arrivals[m].late(shared)))


def _no_curve(records: Sequence[Record], pair: Pair, member: Member) -> str:
    if usable(records, pair, "curve", member):
        return f"no curve of the {member} has the {SUSTAINED} evaluations that a target needs"
    return why_absent(records, pair, "curve", member)


def _time(target: float, by_rule: bool, baseline: Arrivals, method: Arrivals) -> TargetTime:
    return TargetTime(
        target=target,
        by_rule=by_rule,
        baseline_steps=baseline.steps,
        method_steps=method.steps,
        baseline_seconds=baseline.seconds,
        method_seconds=method.seconds,
        baseline_reached=baseline.reached,
        method_reached=method.reached,
    )


def _inherited(
    steps: Ratio, time: Ratio, seeds: int, step_time: Ratio | None
) -> tuple[Ratio, Ratio]:
    """Return ratios of two members that take the same steps: what differs is the time of each."""
    same = dataclasses.replace(steps, interval=Interval(1, 1, 1, seeds, "inherited"), rounds=seeds)
    if step_time is None or step_time.interval is None:
        why = step_time.reason if step_time else "step is not among the pair's passes"
        return same, withhold(time, f"the time of a step has no ratio: {why}")
    return same, dataclasses.replace(time, interval=step_time.interval, rounds=step_time.rounds)


def _raced(
    ratio: Ratio,
    arrivals: Mapping[Member, Arrivals],
    unit: Mapping[Member, float | None],
    shared: Sequence[int],
    pair: Pair,
) -> Ratio:
    """Return the ratio over seeds; one that never got there counts as far as it was looked at.

    So counted, late seeds of the baseline make the ratio a lower bound, and late ones of the method
    an upper bound. They are neither dropped nor infinite, and `Targets.late` tells a verdict which
    side it must not lean on.
    """
    values = []
    for member in MEMBERS:
        each = unit[member]
        if each is None:
            return withhold(ratio, f"the {member}'s time of a step is unknown")
        values.append({seed: arrivals[member].crossings[seed].at * each for seed in shared})
    baseline, method = values
    if min(*baseline.values(), *method.values()) <= 0:
        return withhold(ratio, "a seed was at the target before its first step")
    interval = paired_ratio(baseline, method, seed=bootstrap_seed(pair, ratio.measure))
    return dataclasses.replace(ratio, interval=interval, rounds=interval.n)

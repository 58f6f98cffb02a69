"""How soon both members of a pair reach target qualities, and the ratios at the rule's target."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from harness.declare.claims import Reading
from harness.declare.pair import MEMBERS, Member, Pair
from harness.declare.point import OWN, key_of
from harness.judge.evidence import Evidence
from harness.judge.judgement import Derived, Observed, Ratio, Source
from harness.judge.pair_study import Answer, PairSoFar, PairStudy
from harness.judge.quality.crossing import target_by_rule, target_range
from harness.judge.quality.race import SUSTAINED, Arrivals, Trainings, trainings
from harness.judge.ratios import CONFIDENCE, bootstrap_seed, without_interval
from harness.judge.statistics import Bounds, Interval, paired_ratio
from harness.records.seen import CURVE

STEPS = Ratio("steps_to_target", "steps", None, None, interval=None, rounds=0)
TIME = Ratio("time_to_target", "s", None, None, interval=None, rounds=0)
MEASURES = (STEPS.measure, TIME.measure)


@dataclass(frozen=True)
class TargetTime:
    """Steps and seconds to a target quality, over seeds; None where fewer than half got there."""

    target: float
    by_rule: bool  # the target that the rule sets, rather than one of the range around it
    baseline_steps: float | None
    method_steps: float | None
    baseline_seconds: float | None
    method_seconds: float | None
    baseline_reached: str  # "3 of 3"
    method_reached: str
    inherited: bool = False  # the method's steps are the baseline's


@dataclass(frozen=True)
class Targets(PairStudy):
    """The times to all targets, and the ratios at the one that the rule sets."""

    times: tuple[TargetTime, ...]
    raced: tuple[Ratio, Ratio]
    late: frozenset[Member] = frozenset()
    """The members of which some seeds never got there, so that the ratios are but bounds."""
    inherited: bool = False
    asked: bool = False
    """Whether a claim is about them: only then do the ratios stand among the pair's."""

    @property
    def finding(self) -> tuple[TargetTime, ...] | None:
        return self.times or None

    @property
    def target(self) -> float | None:
        return next((each.target for each in self.times if each.by_rule), None)

    def ratios(self, confidence: float = CONFIDENCE) -> tuple[Ratio, ...]:
        return self.raced if self.asked else ()

    def answer(self, reading: Reading, margin: float) -> Answer | None:
        found = (ratio for ratio in self.raced if ratio.measure == reading.measure)
        ratio = next(found, None)
        if ratio is None:
            return None
        counted = self.inherited and ratio.measure == STEPS.measure
        return Answer(ratio, late=self.late, counted=counted)


def targets(so_far: PairSoFar) -> Targets | None:
    """Hold both members to targets set from the baseline's curves."""
    evidence, pair, step_time = so_far.evidence, so_far.pair, so_far.ratio("step_time")
    asked, inherited = so_far.asks(*MEASURES), so_far.inherited is not None
    if CURVE.name not in pair.every_pass and not asked:
        return None
    own = key_of(OWN)
    baseline, method = (
        trainings(evidence, pair, member, step_s).get(own, Trainings(step_s=step_s))
        for member, step_s in zip(
            MEMBERS,
            (step_time.baseline, step_time.method) if step_time else (None, None),
            strict=True,
        )
    )
    if inherited:
        method = dataclasses.replace(baseline, step_s=method.step_s)
    if not baseline.curves:
        reason = _no_curve(evidence, pair, "baseline")
        return Targets(
            (), (without_interval(STEPS, reason), without_interval(TIME, reason)), asked=asked
        )
    described, _ = evidence.usable(pair, CURVE, "baseline")[0]
    higher = described.higher_is_better is not False
    curves = list(baseline.curves.values())
    rule = target_by_rule(curves, higher_is_better=higher, sustained=SUSTAINED)
    around = target_range(curves, higher_is_better=higher, sustained=SUSTAINED)
    times = tuple(
        _time(
            target,
            target == rule,
            baseline.to(target, higher),
            method.to(target, higher),
            inherited,
        )
        for target in around
    )
    before, after = baseline.to(rule, higher), method.to(rule, higher)
    steps = dataclasses.replace(STEPS, baseline=before.steps, method=after.steps)
    time = dataclasses.replace(TIME, baseline=before.seconds, method=after.seconds)
    shared = [seed for seed in before.crossings if seed in after.crossings]
    if not shared:
        reason = "no seed is shared"
        if not method.seeds:
            reason = _no_curve(evidence, pair, "method")
        return Targets(
            times, (without_interval(steps, reason), without_interval(time, reason)), asked=asked
        )
    if inherited:
        ratios = _inherited(steps, time, len(shared), step_time)
        return Targets(times, ratios, inherited=True, asked=asked)
    arrivals: dict[Member, Arrivals] = {"baseline": before, "method": after}
    # A training that came to no number has no curve in the records that could be read again.
    whole = not (baseline.diverged or method.diverged)
    crossing = _crossing(rule, higher) if whole else None
    ratios = (
        _raced(steps, arrivals, {"baseline": 1.0, "method": 1.0}, shared, pair, crossing),
        _raced(time, arrivals, {m: arrivals[m].step_s for m in MEMBERS}, shared, pair, crossing),
    )
    late = frozenset(member for member in MEMBERS if arrivals[member].late(shared))
    return Targets(times, ratios, late, asked=asked)


def _no_curve(evidence: Evidence, pair: Pair, member: Member) -> str:
    if evidence.usable(pair, CURVE, member):
        return f"no curve of the {member} has the {SUSTAINED} evaluations that a target needs"
    return evidence.why_absent(pair, CURVE, member)


def _time(
    target: float, by_rule: bool, baseline: Arrivals, method: Arrivals, inherited: bool
) -> TargetTime:
    return TargetTime(
        target=target,
        by_rule=by_rule,
        baseline_steps=baseline.steps,
        method_steps=method.steps,
        baseline_seconds=baseline.seconds,
        method_seconds=method.seconds,
        baseline_reached=baseline.reached,
        method_reached=method.reached,
        inherited=inherited,
    )


def _inherited(
    steps: Ratio, time: Ratio, seeds: int, step_time: Ratio | None
) -> tuple[Ratio, Ratio]:
    """Return ratios of two members that take the same steps: what differs is the time of each."""
    same = dataclasses.replace(
        steps,
        interval=Interval(1, 1, 1, seeds, Bounds.INHERITED),
        rounds=seeds,
        derived=Derived.INHERITED,
    )
    if step_time is None or step_time.interval is None:
        why = step_time.reason if step_time else "the pair has no pass step"
        return same, without_interval(time, f"there is no ratio of step times: {why}")
    return same, dataclasses.replace(
        time,
        interval=step_time.interval,
        rounds=step_time.rounds,
        observed=step_time.observed,
        source=step_time.source,
        derived=Derived.INHERITED,
    )


def _raced(
    ratio: Ratio,
    arrivals: Mapping[Member, Arrivals],
    unit: Mapping[Member, float | None],
    shared: Sequence[int],
    pair: Pair,
    crossing: str | None,
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
            return without_interval(ratio, f"the step time of the {member} is unknown")
        values.append({seed: arrivals[member].crossings[seed].at * each for seed in shared})
    baseline, method = values
    if min(*baseline.values(), *method.values()) <= 0:
        return without_interval(ratio, "a seed had reached the target before its first step")
    interval = paired_ratio(baseline, method, seed=bootstrap_seed(pair, ratio.measure))
    price = "" if ratio.measure == STEPS.measure else f" * {dict(unit)}[r.member]"
    return dataclasses.replace(
        ratio,
        interval=interval,
        rounds=interval.n,
        observed=tuple(Observed(seed, None, baseline[seed], method[seed]) for seed in shared),
        source=None if crossing is None else Source(CURVE.name, crossing + price),
        derived=Derived.STEP_TIMES if ratio.measure == TIME.measure else None,
    )


def _crossing(target: float, higher_is_better: bool) -> str:
    """Write in Python when a record's curve first met the target and was not taken back at once.

    A curve that never did counts as far as it was looked at.
    """
    met = f"min(q) >= {target!r}" if higher_is_better else f"max(q) <= {target!r}"
    steps, quality = "r.seen.curve_steps", "r.seen.curve_quality"
    pairs = f"zip({steps}, zip({quality}, {quality}[1:]))"
    return f"next((s for s, q in {pairs} if {met}), {steps}[-1])"

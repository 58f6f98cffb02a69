"""How long each rung takes to a held-out loss, and what is left of losses after the same time.

Rungs are Exact: all take the learning curve of one pair, meta-update for meta-update. What their
times make of it is derived.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from statistics import median

from harness.declare.point import OWN, key_of
from harness.judge.evidence import Evidence
from harness.judge.judgement import PairJudgement
from harness.judge.quality.crossing import Curve, survival, target_by_rule
from harness.judge.quality.race import Trainings, trainings
from harness.records.seen import CURVE
from harness.studies.ladder import Settings
from harness.studies.ladder.costs import Climb


@dataclass(frozen=True)
class Arrival:
    """When a rung is at the target, and where it stands when the fastest has ended its curve."""

    rung: str
    added: bool
    seconds: float | None
    updates_in_budget: int
    left_in_budget: float | None
    """None: before the curve's first evaluation."""


@dataclass(frozen=True)
class HeldOut:
    """A held-out quality that a rule sets, and how each rung gets there."""

    pair: str
    metric: str
    target: float
    updates: float | None
    """By which half of the seeds were at the target."""
    reached: str
    budget_s: float
    baseline: Arrival
    rungs: tuple[Arrival, ...]


def held_out(
    evidence: Evidence, learner: PairJudgement, climbs: Sequence[Climb], asked: Settings
) -> HeldOut | None:
    """Return what the rungs' times make of a learning curve; the rule is the median of the best."""
    trained = trainings(evidence, learner.pair, "method").get(key_of(OWN), Trainings())
    curves = trained.curves
    timed = [each for each in climbs if each.run_s(1, asked) is not None]
    if not curves or not timed:
        return None
    about, _ = evidence.usable(learner.pair, CURVE, "method")[0]
    higher = about.higher_is_better is not False
    target = target_by_rule(list(curves.values()), higher_is_better=higher, sustained=1)
    there = survival(list(trained.to(target, higher, sustained=1).crossings.values()))
    last = max(curve[-1][0] for curve in curves.values())
    budget = min(took for each in timed if (took := each.run_s(last, asked)) is not None)
    baseline_s = next((each.baseline_s for each in timed if each.baseline_s is not None), None)
    if baseline_s is None:
        return None
    in_budget = int(budget / baseline_s)
    return HeldOut(
        learner.pair.name,
        about.metric or "quality",
        target,
        there.median,
        f"{there.reached} of {there.runs}",
        budget,
        Arrival(
            "the baseline",
            False,
            None if there.median is None else there.median * baseline_s,
            in_budget,
            _after(curves, in_budget),
        ),
        tuple(_arrival(each, there.median, budget, curves, asked) for each in timed),
    )


def _arrival(
    climb: Climb,
    updates: float | None,
    budget: float,
    curves: Mapping[int, Curve],
    asked: Settings,
) -> Arrival:
    in_budget = _updates_in(climb, budget, asked)
    seconds = None if updates is None else climb.run_s(updates, asked)
    return Arrival(climb.rung, climb.added, seconds, in_budget, _after(curves, in_budget))


def _updates_in(climb: Climb, budget: float, asked: Settings) -> int:
    """Return how many meta-updates a rung has taken by then; what is paid once comes first."""
    assert climb.once is not None  # or it would not be timed
    assert climb.seconds is not None
    a_draw = climb.once.later_s / asked.apart
    return max(0, int((budget - climb.once.first_s) / (climb.seconds + a_draw)))


def _after(curves: Mapping[int, Curve], updates: int) -> float | None:
    """Return the median over seeds of the latest evaluation by so many meta-updates."""
    latest = [
        [quality for step, quality in curve if step <= updates][-1:] for curve in curves.values()
    ]
    return None if not all(latest) else median(each[0] for each in latest)

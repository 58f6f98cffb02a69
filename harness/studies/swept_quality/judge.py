"""What both members of a pair reach at each point of a sweep, and what the method gains."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from statistics import fmean

from harness.declare.claims import Reading
from harness.declare.pair import MEMBERS
from harness.declare.point import Point, words_of
from harness.judge.judgement import Ratio
from harness.judge.pair_study import Answer, PairSoFar, PairStudy
from harness.judge.quality.accuracy import accuracy
from harness.judge.quality.pair_quality import gain, gain_at
from harness.judge.ratios import nothing
from harness.judge.statistics import Interval
from harness.records.seen import CURVE

MEASURE = "swept_gain"

Tasks = Mapping[int, Sequence[float]]
"""The quality on every test task, by seed."""


@dataclass(frozen=True)
class Reached:
    """The mean quality of a member over tasks and seeds, and its interval over seeds."""

    mean: float
    over_seeds: Interval | None


@dataclass(frozen=True)
class At:
    """What was reached at a point; None where nothing was measured that could be compared."""

    point: Point
    baseline: Reached | None
    method: Reached | None
    gain: Interval | None


@dataclass(frozen=True)
class Finding:
    """What was reached along the sweep, and what was gained in the mean over its points."""

    metric: str
    higher_is_better: bool
    points: tuple[At, ...]
    mean: Ratio


@dataclass(frozen=True)
class Swept(PairStudy):
    """The judgement of one pair."""

    found: Finding

    @property
    def finding(self) -> Finding:
        return self.found

    def answer(self, reading: Reading, margin: float) -> Answer | None:
        return Answer(self.found.mean) if reading.measure == MEASURE else None


def swept(so_far: PairSoFar) -> Swept | None:
    """Compare the members point by point, where their curves were taken at points of a sweep."""
    evidence, pair = so_far.evidence, so_far.pair
    points = tuple(point for point in pair.points_of(CURVE.name) if point)
    found = {
        member: [evidence.usable(pair, CURVE, member, pair.part_of(member, p)) for p in points]
        for member in MEMBERS
    }
    described = next((record for of in found.values() for at in of for record, _ in at), None)
    if described is None:
        return None
    higher = described.higher_is_better is not False
    same = pair.workload in evidence.shared_tasks
    baseline, method = (
        [{record.seed: seen.test_quality for record, seen in at} for at in found[member]]
        for member in MEMBERS
    )
    at_points = tuple(
        At(
            point,
            _reached(before, same),
            _reached(after, same),
            gain_at(evidence, pair, point).interval,
        )
        for point, before, after in zip(points, baseline, method, strict=True)
    )
    lacking = [
        f"{evidence.why_absent(pair, CURVE, member)} (at {words_of(point)})"
        for member, tasks in zip(MEMBERS, (baseline, method), strict=True)
        for point, there in zip(points, tasks, strict=True)
        if not there
    ]
    if lacking:
        mean = nothing(MEASURE, lacking[0])
    else:
        mean = gain(MEASURE, _averaged(baseline), _averaged(method), higher, same)
    return Swept(Finding(described.metric or "quality", higher, at_points, mean))


def _averaged(at_points: Sequence[Tasks]) -> Tasks:
    """Return every task's mean over the points, of the seeds that were trained at all of them."""
    seeds = [seed for seed in at_points[0] if all(seed in tasks for tasks in at_points)]
    return {
        seed: [fmean(each) for each in zip(*(tasks[seed] for tasks in at_points), strict=False)]
        for seed in seeds
    }


def _reached(tasks: Tasks, same: bool) -> Reached | None:
    if not tasks:
        return None
    found = accuracy(tasks, same_tasks=same)
    return Reached(found.mean, found.over_seeds)

"""The judge of tuning: which settings each member has in each seed, and what that gains."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from statistics import fmean

from harness.declare.claims import Reading
from harness.declare.pair import MEMBERS, Member, Pair
from harness.declare.point import Point, PointKey, key_of, words_of
from harness.judge.choosing import Candidates
from harness.judge.evidence import Evidence
from harness.judge.judgement import Ratio
from harness.judge.pair_study import Answer, PairSoFar, PairStudy
from harness.judge.quality.crossing import target_by_rule
from harness.judge.quality.pair_quality import gain
from harness.judge.quality.race import SUSTAINED, Trainings, trainings
from harness.judge.ratios import nothing
from harness.records.record import Record
from harness.records.seen import CURVE, Curve
from harness.studies.tuning import GAIN

Curves = Mapping[int, Curve]
"""One member's learning curves at one setting, by seed."""

AS_IT_IS = "as the pair has it"


@dataclass(frozen=True)
class Setting:
    """One member at one setting: its quality over seeds, and the seeds that are judged at it."""

    member: Member
    settings: Point
    valid: float
    test: float
    steps: float | None  # by which half of the seeds were at the target; None where fewer ever were
    chosen: int


@dataclass(frozen=True)
class Finding:
    """All settings of both members, and what the chosen ones gain."""

    metric: str
    seeds: int
    target: float  # by rule, of the baseline at the setting that most seeds have
    settings: tuple[Setting, ...]
    gain: Ratio


@dataclass(frozen=True)
class Side:
    """One member at every setting that has a curve of all seeds, with two evaluations at least."""

    member: Member
    curves: Mapping[str, Curves]
    points: Mapping[str, Point]
    trainings: Mapping[PointKey, Trainings]
    seeds: tuple[int, ...]
    higher_is_better: bool
    same_tasks: bool

    @cached_property
    def chosen(self) -> dict[int, str]:
        """The setting of each seed, by what the other seeds' validation tasks say."""
        return self._candidates.best_by_others(list(self.curves))

    @property
    def tests(self) -> dict[int, Sequence[float]]:
        """The quality on every test task, of each seed at its chosen setting."""
        return {seed: self.curves[name][seed].test_quality for seed, name in self.chosen.items()}

    @property
    def target(self) -> float:
        """The median over seeds of the best validation results at the setting most chosen."""
        [(most, _)] = Counter(self.chosen.values()).most_common(1)
        curves = self.trainings[key_of(self.points[most])].curves.values()
        return target_by_rule(curves, higher_is_better=self.higher_is_better, sustained=SUSTAINED)

    def settings(self, target: float) -> tuple[Setting, ...]:
        return tuple(self._setting(name, target) for name in self.curves)

    def told(self) -> str:
        """Say which settings were chosen, in the words of a report."""
        many = Counter(self.chosen.values()).items()
        settings = (f"{name or AS_IT_IS} in {count} of {len(self.seeds)}" for name, count in many)
        return f"the {self.member} {', '.join(settings)}"

    def _setting(self, name: str, target: float) -> Setting:
        curves, point = self.curves[name].values(), self.points[name]
        return Setting(
            member=self.member,
            settings=point,
            valid=fmean(curve.curve_quality[-1] for curve in curves),
            test=fmean(fmean(curve.test_quality) for curve in curves),
            steps=self.trainings[key_of(point)].to(target, self.higher_is_better).steps,
            chosen=list(self.chosen.values()).count(name),
        )

    @property
    def _candidates(self) -> Candidates:
        return Candidates(
            valid={
                name: {seed: curve.curve_quality[-1] for seed, curve in curves.items()}
                for name, curves in self.curves.items()
            },
            test={},
            control=next(iter(self.curves)),
            higher_is_better=self.higher_is_better,
            same_tasks=self.same_tasks,
            seeds=self.seeds,
        )


@dataclass(frozen=True)
class Tuned(PairStudy):
    """Both members of a pair where each is tuned, or why nothing can be said."""

    sides: tuple[Side, Side] | None
    metric: str = ""
    why: str = ""

    @property
    def finding(self) -> Finding | None:
        if self.sides is None:
            return None
        baseline, method = self.sides
        target = baseline.target
        every = baseline.settings(target) + method.settings(target)
        return Finding(self.metric, len(baseline.seeds), target, every, self.gain)

    @property
    def gain(self) -> Ratio:
        if self.sides is None:
            return nothing(GAIN.name, self.why)
        baseline, method = self.sides
        higher, same = baseline.higher_is_better, baseline.same_tasks
        return gain(GAIN.name, baseline.tests, method.tests, higher, same)

    def answer(self, reading: Reading, margin: float) -> Answer | None:
        if reading.measure != GAIN.name:
            return None
        if self.sides is None:
            return Answer(self.gain)
        told = "; ".join(side.told() for side in self.sides)
        return Answer(self.gain, remark=f"settings by the other seeds' validation tasks: {told}")


def tuned(so_far: PairSoFar) -> Tuned | None:
    """Judge a pair by the learning curves of its sweep, where a claim asks for it."""
    if not so_far.asks(GAIN.name):
        return None
    evidence, pair = so_far.evidence, so_far.pair
    found = {member: _curves(evidence, pair, member) for member in MEMBERS}
    for member in MEMBERS:
        if not found[member]:
            return Tuned(None, why=evidence.why_absent(pair, CURVE, member))
    every = {seed for curves in found.values() for each in curves.values() for seed in each}
    if len(every) < 2:
        return Tuned(None, why="one seed cannot both choose and judge")
    described = _described(evidence, pair)
    sides = []
    for member in MEMBERS:
        points, known = _points(pair, member), trainings(evidence, pair, member)
        whole = {
            name: curves
            for name, curves in found[member].items()
            if set(known[key_of(points[name])].curves) == every
        }
        if not whole:
            return Tuned(None, why=f"the {member} was trained with every seed at no setting")
        sides.append(
            Side(
                member=member,
                curves=whole,
                points=points,
                trainings=known,
                seeds=tuple(sorted(every)),
                higher_is_better=described.higher_is_better is not False,
                same_tasks=pair.workload in evidence.shared_tasks,
            )
        )
    return Tuned((sides[0], sides[1]), metric=described.metric or "quality")


def _points(pair: Pair, member: Member) -> dict[str, Point]:
    """Return by name what the points of the sweep set for a member, in the suite's order."""
    own = (pair.part_of(member, point) for point in pair.points_of(CURVE.name) if point)
    return {words_of(point): point for point in own}


def _curves(evidence: Evidence, pair: Pair, member: Member) -> dict[str, Curves]:
    seen = evidence.by_point(pair, CURVE, member)
    return {
        name: {record.seed: curve for record, curve in seen[key_of(point)]}
        for name, point in _points(pair, member).items()
        if key_of(point) in seen
    }


def _described(evidence: Evidence, pair: Pair) -> Record[Curve]:
    """Return a record that says what quality means."""
    seen = evidence.by_point(pair, CURVE, "baseline").values()
    return next(record for looks in seen for record, _ in looks)

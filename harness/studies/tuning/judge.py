"""The judge of tuning: which settings each member has in each seed, and what that gains."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from statistics import fmean

from harness.declare.claims import Reading
from harness.declare.point import Point, key_of, words_of
from harness.declare.suite import MEMBERS, Member, Pair
from harness.judge.answer import Answer, PairSoFar, PairStudy
from harness.judge.choosing import Candidates
from harness.judge.evidence import Evidence
from harness.judge.judgement import Ratio
from harness.judge.ratios import nothing
from harness.records.record import Record
from harness.records.seen import CURVE, Curve
from harness.studies.tuning import GAIN

Looks = Mapping[int, tuple[Record[Curve], Curve]]
"""What was seen of one member at one setting, by seed."""

AS_IT_IS = "as the pair has it"


@dataclass(frozen=True)
class Setting:
    """One member at one setting: its quality over seeds, and the seeds that are judged at it."""

    member: Member
    settings: Point
    valid: float
    test: float
    chosen: int


@dataclass(frozen=True)
class Finding:
    """All settings of both members, and what the chosen ones gain."""

    metric: str
    seeds: int
    settings: tuple[Setting, ...]
    gain: Ratio


@dataclass(frozen=True)
class Side:
    """One member at every setting that has a curve of all seeds."""

    member: Member
    looks: Mapping[str, Looks]
    points: Mapping[str, Point]
    seeds: tuple[int, ...]
    higher_is_better: bool
    same_tasks: bool

    @cached_property
    def chosen(self) -> dict[int, str]:
        """The setting of each seed, by what the other seeds' validation tasks say."""
        return self._candidates.best_by_others(list(self.looks))

    @property
    def tests(self) -> dict[int, Sequence[float]]:
        """The quality on every test task, of each seed at its chosen setting."""
        return {seed: self.looks[name][seed][1].test_quality for seed, name in self.chosen.items()}

    def settings(self) -> tuple[Setting, ...]:
        return tuple(
            Setting(
                member=self.member,
                settings=self.points[name],
                valid=fmean(seen.curve_quality[-1] for _, seen in looks.values()),
                test=fmean(fmean(seen.test_quality) for _, seen in looks.values()),
                chosen=list(self.chosen.values()).count(name),
            )
            for name, looks in self.looks.items()
        )

    def told(self) -> str:
        """Say which settings were chosen, in the words of a report."""
        many = {name: list(self.chosen.values()).count(name) for name in self.chosen.values()}
        settings = (
            f"{name or AS_IT_IS} in {count} of {len(self.seeds)}" for name, count in many.items()
        )
        return f"the {self.member} {', '.join(settings)}"

    @property
    def _candidates(self) -> Candidates:
        return Candidates(
            valid={
                name: {seed: seen.curve_quality[-1] for seed, (_, seen) in looks.items()}
                for name, looks in self.looks.items()
            },
            test={},
            control=next(iter(self.looks)),
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
        every = baseline.settings() + method.settings()
        return Finding(self.metric, len(baseline.seeds), every, self.gain)

    @property
    def gain(self) -> Ratio:
        if self.sides is None:
            return nothing(GAIN.name, self.why)
        baseline, method = self.sides
        tests: dict[str, dict[int, Sequence[float]]] = {s.member: s.tests for s in self.sides}
        held = Candidates(
            valid={},
            test=tests,
            control="baseline",
            higher_is_better=baseline.higher_is_better,
            same_tasks=baseline.same_tasks,
            seeds=baseline.seeds,
        )
        before, after = (fmean(map(fmean, tests[member].values())) for member in MEMBERS)
        interval = held.gain(method.tests)
        why = None if interval else "too few values for a bound"
        return Ratio(GAIN.name, "", before, after, interval, len(baseline.seeds), why)

    def answer(self, reading: Reading, margin: float) -> Answer | None:
        if reading.measure != GAIN.name:
            return None
        if self.sides is None:
            return Answer(self.gain)
        told = "; ".join(side.told() for side in self.sides)
        return Answer(self.gain, remark=f"settings by the other seeds' validation tasks: {told}")


def tuned(so_far: PairSoFar) -> Tuned:
    """Judge a pair by the learning curves of its sweep."""
    evidence, pair = so_far.evidence, so_far.pair
    looks = {member: _looks(evidence, pair, member) for member in MEMBERS}
    for member in MEMBERS:
        if not looks[member]:
            return Tuned(None, why=evidence.why_absent(pair, CURVE, member))
    every = {seed for member in MEMBERS for each in looks[member].values() for seed in each}
    if len(every) < 2:
        return Tuned(None, why="one seed can't both choose and judge")
    record, _ = next(iter(next(iter(looks["baseline"].values())).values()))
    sides = []
    for member in MEMBERS:
        whole = {name: each for name, each in looks[member].items() if set(each) == every}
        if not whole:
            return Tuned(None, why=f"at no setting was the {member} trained with every seed")
        sides.append(
            Side(
                member=member,
                looks=whole,
                points=_points(pair, member),
                seeds=tuple(sorted(every)),
                higher_is_better=record.higher_is_better is not False,
                same_tasks=pair.workload in evidence.shared_tasks,
            )
        )
    return Tuned((sides[0], sides[1]), metric=record.metric or "quality")


def _points(pair: Pair, member: Member) -> dict[str, Point]:
    """Return by name what the points of the sweep set for a member, in the suite's order."""
    own = (pair.part_of(member, point) for point in pair.points_of(CURVE.name) if point)
    return {words_of(point): point for point in own}


def _looks(evidence: Evidence, pair: Pair, member: Member) -> dict[str, Looks]:
    found = evidence.by_point(pair, CURVE, member)
    return {
        name: {record.seed: (record, seen) for record, seen in found[key_of(point)]}
        for name, point in _points(pair, member).items()
        if key_of(point) in found
    }

"""The field of a grid: every training by member and point, and how each got to targets."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from statistics import median

from harness.declare.pair import MEMBERS, Member, Pair
from harness.declare.point import Point, PointKey, Scalar, key_of
from harness.judge.evidence import Evidence
from harness.judge.quality.crossing import target_by_rule, targets_on_the_way
from harness.judge.quality.pair_quality import by_seed
from harness.judge.quality.race import SUSTAINED, Arrivals, Trainings, trainings
from harness.judge.ratios import bootstrap_seed
from harness.judge.statistics import PairedInterval, paired_ratio
from harness.records.record import Record
from harness.records.seen import CURVE, STEP, Curve
from harness.studies.grid import Settings

PARTS = (0.3, 0.5, 0.7, 0.9, 1.0)
"""Where targets lie: parts of the way from the baseline's first result to the target by rule, both
at the baseline's own best setting. So all settings are held to the same quality."""

TRAINS, GOOD = 1, 3
"""Places among them: half of the way, where training goes well at all, and what a user wants."""


Round = tuple[int, int]
"""A seed, and the number of a round."""


@dataclass(frozen=True)
class Field:
    """What was seen of a pair at the points of its sweep."""

    evidence: Evidence
    pair: Pair
    settings: Settings
    margin: float
    """How much test quality a method may lose."""
    _arrivals: dict[tuple[Member, PointKey, int], Arrivals] = field(default_factory=dict)
    """Many points share a baseline, and many questions are asked of each."""

    @cached_property
    def points(self) -> tuple[Point, ...]:
        return tuple(point for point in self.pair.points_of(CURVE.name) if point)

    @cached_property
    def entrants(self) -> list[Entrant]:
        """The method by what points set of one member alone, each over all other settings."""
        found: dict[PointKey, list[Point]] = {}
        for point in self.points:
            found.setdefault(key_of(arm_of(point)), []).append(point)
        return [Entrant(self, dict(key), tuple(points)) for key, points in found.items()]

    @cached_property
    def described(self) -> Record[Curve]:
        """A record that says what quality means; there is one where the baseline has a curve."""
        return next(record for looks in self._looks["baseline"].values() for record, _ in looks)

    @property
    def higher(self) -> bool:
        return self.described.higher_is_better is not False

    @property
    def same_tasks(self) -> bool:
        return self.pair.workload in self.evidence.shared_tasks

    def seen(self, member: Member) -> bool:
        """Tell whether there is any training of a member, good or not."""
        return bool(self._trainings[member])

    @cached_property
    def seeds(self) -> tuple[int, ...]:
        every = (each for member in MEMBERS for each in self._trainings[member].values())
        return tuple(sorted({seed for each in every for seed in each.seeds}))

    @cached_property
    def best_baseline(self) -> Point | None:
        """The setting at which the baseline's target by rule is best; most seeds must be there."""
        rules: dict[PointKey, float] = {}
        for point in self.points:
            part = self.pair.part_of("baseline", point)
            known = self.trainings("baseline", part)
            if 2 * len(known.curves) > len(known.seeds):
                rules[key_of(part)] = target_by_rule(
                    known.curves.values(), higher_is_better=self.higher, sustained=SUSTAINED
                )
        if not rules:
            return None
        best = sorted(rules, key=rules.__getitem__, reverse=self.higher)
        return dict(best[0])

    @cached_property
    def targets(self) -> tuple[float, ...]:
        """The targets from easy to hard."""
        assert self.best_baseline is not None  # who asks has seen that there is one
        curves = self.trainings("baseline", self.best_baseline).curves.values()
        return targets_on_the_way(curves, PARTS, higher_is_better=self.higher, sustained=SUSTAINED)

    def trainings(self, member: Member, point: Point) -> Trainings:
        return self._trainings[member].get(key_of(self.pair.part_of(member, point)), Trainings())

    def arrivals(self, member: Member, point: Point, place: int) -> Arrivals:
        """Return how the member got to the target at this place among all."""
        key = member, key_of(self.pair.part_of(member, point)), place
        if key not in self._arrivals:
            known = self.trainings(member, point)
            self._arrivals[key] = known.to(self.targets[place], self.higher)
        return self._arrivals[key]

    def tests(self, member: Member, point: Point) -> dict[int, Sequence[float]]:
        """Return by seed the quality on every test task."""
        key = key_of(self.pair.part_of(member, point))
        return by_seed(self._looks[member].get(key, []))

    def value(self, point: Point) -> Scalar | None:
        """Return the value of the setting along the grid."""
        return self.pair.at(point).settings.get(self.settings.along)

    def number(self, point: Point) -> float | None:
        """Return that value where it is a number."""
        value = self.value(point)
        return None if value is None or isinstance(value, str | bool) else float(value)

    def row(self, point: Point) -> Point:
        """Return the other settings of the workload at a point."""
        own = arm_of(point)
        return {n: v for n, v in point.items() if n not in own and n != self.settings.along}

    def step_s(self, member: Member, point: Point) -> float | None:
        """Return the measured seconds of a step, of any pair that differs in what takes no time."""
        timed = self._timed(member, point)
        return median(timed.values()) if timed else None

    def step_ratios(self, baseline: Point, method: Point) -> list[float]:
        """Return round by round how much longer the baseline's step takes, at points of theirs."""
        before, after = self._timed("baseline", baseline), self._timed("method", method)
        return [before[key] / after[key] for key in before if key in after]

    def _timed(self, member: Member, point: Point) -> Mapping[Round, float]:
        return self._step_times[member].get(self._timed_as(self.pair.at(point), member), {})

    @cached_property
    def _looks(self) -> dict[Member, dict[PointKey, list[tuple[Record[Curve], Curve]]]]:
        return {m: self.evidence.by_point(self.pair, CURVE, m) for m in MEMBERS}

    @cached_property
    def _trainings(self) -> Mapping[Member, dict[PointKey, Trainings]]:
        return {member: trainings(self.evidence, self.pair, member) for member in MEMBERS}

    @cached_property
    def _step_times(self) -> dict[Member, dict[str, Mapping[Round, float]]]:
        found: dict[Member, dict[str, Mapping[Round, float]]] = {member: {} for member in MEMBERS}
        for other in self.evidence.manifest.suite.pair:
            for member in MEMBERS:
                for key, looks in self.evidence.by_point(other, STEP, member).items():
                    known = self._timed_as(other.at(dict(key)), member)
                    seconds = {(r.seed, r.round): median(seen.seconds) for r, seen in looks}
                    found[member].setdefault(known, seconds)
        return found

    def _timed_as(self, here: Pair, member: Member) -> str:
        """Return all that a step's time depends on, as words."""
        timeless = self.settings.timeless
        work = {n: v for n, v in here.settings.items() if n not in timeless}
        own = {
            name: value
            for name, value in here.learner_settings(member).items()
            if f"{member}.{name}" not in timeless
        }
        who = here.learner(member), here.workload, here.processes(member)
        return repr((who, sorted(work.items()), sorted(own.items())))


@dataclass(frozen=True)
class Entrant:
    """The method with settings of its own, at points that differ in the workload's alone."""

    field: Field
    settings: Point
    points: tuple[Point, ...]

    def interval(
        self, measure: str, first: Mapping[int, float], second: Mapping[int, float]
    ) -> PairedInterval:
        """Return the median over seeds of first over second, with its bounds."""
        seed = bootstrap_seed(self.field.pair, measure, self.settings)
        return paired_ratio(first, second, seed=seed)


def arm_of(point: Point) -> Point:
    """Return what a point sets of one member alone."""
    return {n: v for n, v in point.items() if "." in n and n.partition(".")[0] in MEMBERS}

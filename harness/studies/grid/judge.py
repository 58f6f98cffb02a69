"""The judge of a grid: both members at every setting and target, and what claims are held to."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from harness.declare.claims import Reading
from harness.declare.pair import MEMBERS, Member
from harness.declare.point import Point
from harness.judge.judgement import Ratio
from harness.judge.pair_study import Answer, PairSoFar, PairStudy
from harness.judge.quality.pair_quality import strictest_margin
from harness.judge.quality.race import Arrivals
from harness.judge.ratios import CONFIDENCE, nothing
from harness.records.seen import CURVE
from harness.studies.grid import BEST, LARGEST, OWN_BEST, Settings
from harness.studies.grid.finding import Arm, Bound, Cell, Finding, Side
from harness.studies.grid.largest import largest
from harness.studies.grid.races import best, median_ratio, own_best
from harness.studies.grid.trainings import Entrant, Field

MEASURES = (BEST.name, OWN_BEST.name, LARGEST.name)

BOUNDS: dict[tuple[bool, bool], Bound] = {
    (False, False): "",
    (True, False): "at least",
    (False, True): "at most",
    (True, True): "open",
}
"""By whether some seeds of the baseline, and of the method, never got there."""


@dataclass(frozen=True)
class GridStudy(PairStudy):
    """What a sweep shows of a pair, or why it shows nothing."""

    found: Finding | None
    why: str = ""

    @property
    def finding(self) -> Finding | None:
        return self.found

    def ratios(self, confidence: float = CONFIDENCE) -> tuple[Ratio, ...]:
        every = (ratio for arm in self._arms for ratio in _ratios(arm))
        return tuple(ratio for ratio in every if ratio.interval is not None)

    def answers(self, reading: Reading, margin: float) -> tuple[Answer, ...]:
        """Answer for each of the method's own settings, which are judged by themselves."""
        if reading.measure not in MEASURES:
            return ()
        if self.found is None:
            return (Answer(nothing(reading.measure, self.why)),)
        return tuple(_answer(arm, reading.measure) for arm in self._arms)

    @property
    def _arms(self) -> tuple[Arm, ...]:
        return () if self.found is None else self.found.arms


def grid(so_far: PairSoFar, settings: Settings) -> GridStudy | None:
    """Judge the learning curves of a sweep; None where the pair has none."""
    field = Field(so_far.evidence, so_far.pair, settings, strictest_margin(so_far.claims))
    if not field.points:
        return None
    if field.best_baseline is None:
        why = "in most seeds no training of the baseline gave a finite result"
        looked = field.seen("baseline")
        absent = so_far.evidence.why_absent(so_far.pair, CURVE, "baseline")
        return GridStudy(None, why if looked else absent)
    return GridStudy(
        Finding(
            along=settings.along,
            metric=field.described.metric or "quality",
            higher_is_better=field.higher,
            best_baseline=field.best_baseline,
            targets=field.targets,
            seeds=len(field.seeds),
            arms=tuple(map(_arm, field.entrants)),
        )
    )


def _arm(entrant: Entrant) -> Arm:
    places = range(len(entrant.field.targets))
    return Arm(
        settings=entrant.settings,
        cells=tuple(_cell(entrant, point, place) for place in places for point in entrant.points),
        best=best(entrant),
        own_best=own_best(entrant),
        largest=largest(entrant),
    )


def _cell(entrant: Entrant, point: Point, place: int) -> Cell:
    field = entrant.field
    before, after = (field.arrivals(member, point, place) for member in MEMBERS)
    value = field.value(point)
    return Cell(
        row=field.row(point),
        value="" if value is None else value,
        target=field.targets[place],
        baseline=_side(field, "baseline", point, before),
        method=_side(field, "method", point, after),
        ratio=median_ratio(before, after),
        bound=BOUNDS[bool(before.late(before.crossings)), bool(after.late(after.crossings))],
    )


def _side(field: Field, member: Member, point: Point, arrivals: Arrivals) -> Side:
    steps, step_s = arrivals.steps, field.step_s(member, point)
    return Side(
        steps=steps,
        reached=arrivals.there,
        seeds=len(arrivals.crossings),
        diverged=len(field.trainings(member, point).diverged),
        seconds=None if steps is None or step_s is None else steps * step_s,
    )


def _ratios(arm: Arm) -> Iterator[Ratio]:
    yield arm.best.ratio
    yield arm.own_best.ratio
    if arm.largest is not None:
        yield arm.largest.ratio


def _answer(arm: Arm, measure: str) -> Answer:
    if measure == LARGEST.name:
        if arm.largest is None:
            why = "the grid has only one value, or no seed was trained at all of them"
            return Answer(nothing(measure, why, arm.settings))
        bounds = arm.largest.bounds
        return Answer(arm.largest.ratio, late=frozenset(bounds), why_late=bounds)
    race = arm.best if measure == BEST.name else arm.own_best
    told = dict.fromkeys(f"{each.words} at {each.target:.3g}" for each in race.choices)
    remark = f"chosen, with its target: {'; '.join(told)}" if told else None
    return Answer(race.ratio, quality=race.quality, late=frozenset(race.late), remark=remark)

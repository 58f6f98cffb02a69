"""The largest value of a setting at which most seeds of each member can be trained."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

from harness.declare.pair import MEMBERS, Member
from harness.declare.point import Point, key_of
from harness.judge.judgement import Observed, Ratio
from harness.judge.ratios import bootstrap_seed
from harness.judge.statistics import MIN_ROUNDS, RESAMPLES, Bounds, Interval
from harness.studies.grid import LARGEST
from harness.studies.grid.finding import Largest, Reach
from harness.studies.grid.trainings import TRAINS, Entrant

TAIL = 0.025
Table: TypeAlias = NDArray[np.float64]


@dataclass(frozen=True)
class Majority:
    """The greatest value that most seeds of a member get to; 0 where they get to none."""

    whole: float
    drawn: Table
    """Of the majority of every draw."""

    @classmethod
    def of(
        cls, entrant: Entrant, member: Member, seeds: Sequence[int], draws: NDArray[np.int64]
    ) -> Majority:
        values, there = [], []
        for point in entrant.points:
            crossings = entrant.field.arrivals(member, point, TRAINS).crossings
            values.append(entrant.field.number(point) or 0.0)
            there.append([crossings[seed].reached for seed in seeds])
        reached = np.array(there)
        most = np.concatenate([reached.mean(1)[:, None], reached[:, draws].mean(2)], 1) > 0.5
        greatest = np.where(most, np.array(values)[:, None], 0.0).max(0)
        return cls(float(greatest[0]), greatest[1:])

    def may_be(self, value: float) -> bool:
        """Say whether it is this value, or is so in more draws than an interval leaves out."""
        return self.whole == value or bool(np.mean(self.drawn == value) > TAIL)

    def at_least(self, value: float) -> Majority:
        return Majority(max(self.whole, value), np.maximum(self.drawn, value))


def largest(entrant: Entrant) -> Largest | None:
    """Return the ratio of the values that most seeds of each member get to, with an interval.

    The interval is a bootstrap's over seeds: each draw has a majority of its own. A member that
    trains at no value counts as one that trains at the least, and one that trains at the greatest
    would perhaps get farther: on that side the ratio is but a bound.
    """
    field = entrant.field
    values = sorted({v for p in entrant.points if (v := field.number(p)) is not None})
    seeds = _whole(entrant)
    if len(values) < 2 or values[0] <= 0 or not seeds:
        return None
    random = np.random.default_rng(bootstrap_seed(field.pair, LARGEST.name, entrant.settings))
    draws = random.integers(len(seeds), size=(RESAMPLES, len(seeds)))
    found = {member: Majority.of(entrant, member, seeds, draws) for member in MEMBERS}
    before, after = (found[member].at_least(values[0]) for member in MEMBERS)
    observed = tuple(
        Observed(seed, None, *(_greatest(entrant, m, seed) or values[0] for m in MEMBERS))
        for seed in seeds
    )
    interval = _interval(before, after, observed)
    ratio = Ratio(
        LARGEST.name,
        LARGEST.unit,
        before.whole,
        after.whole,
        interval,
        interval.n,
        point=entrant.settings,
        observed=observed,
    )
    bounds = _bounds(found, values[-1])
    return Largest(field.targets[TRAINS], _reaches(entrant), ratio, bounds)


def _interval(before: Majority, after: Majority, observed: Sequence[Observed]) -> Interval:
    """Return the method's majority over the baseline's; of few seeds the span of their ratios."""
    estimate, count = after.whole / before.whole, len(observed)
    ratios, tail, how = after.drawn / before.drawn, TAIL, Bounds.MAJORITIES
    if count < MIN_ROUNDS:
        each = [(one.method or 0) / one.baseline for one in observed if one.baseline]
        ratios, tail, how = np.array(each), 0.0, Bounds.SPAN
    low, high = map(float, np.quantile(ratios, [tail, 1 - tail], method="nearest"))
    return Interval(estimate, min(low, estimate), max(high, estimate), count, how)


def _bounds(found: Mapping[Member, Majority], greatest: float) -> dict[Member, str]:
    """Say on whose side the ratio is but a bound, and why."""
    bounds: dict[Member, str] = {}
    for member, other in zip(MEMBERS, reversed(MEMBERS), strict=True):
        if found[member].may_be(0.0):
            bounds[member] = f"most seeds of the {member} train at no value of the grid"
        if found[member].may_be(greatest):
            bounds[other] = (
                f"most seeds of the {member} train at the greatest value of the grid, and perhaps "
                "beyond it"
            )
    return bounds


def _whole(entrant: Entrant) -> list[int]:
    """Return the seeds that were trained at every point: how far others get is not known."""
    return [
        seed
        for seed in entrant.field.seeds
        if all(
            seed in entrant.field.trainings(member, point).seeds
            for member in MEMBERS
            for point in entrant.points
        )
    ]


def _greatest(entrant: Entrant, member: Member, seed: int) -> float | None:
    """Return the greatest value at which this seed's training goes well, at any other settings."""
    found = []
    for point in entrant.points:
        crossing = entrant.field.arrivals(member, point, TRAINS).crossings.get(seed)
        value = entrant.field.number(point)
        if crossing is not None and crossing.reached and value is not None:
            found.append(value)
    return max(found, default=None)


def _reaches(entrant: Entrant) -> tuple[Reach, ...]:
    """Return how far most seeds get: over all settings, and at each of the others."""
    rows: dict[object, list[Point]] = {}
    for point in entrant.points:
        rows.setdefault(key_of(entrant.field.row(point)), []).append(point)
    whole = [_reach(entrant, None, entrant.points)] if len(rows) > 1 else []
    each = [_reach(entrant, entrant.field.row(points[0]), points) for points in rows.values()]
    return (*whole, *each)


def _reach(entrant: Entrant, row: Point | None, points: Sequence[Point]) -> Reach:
    ends: dict[Member, float | None] = {}
    for member in MEMBERS:
        found = []
        for point in points:
            arrivals = entrant.field.arrivals(member, point, TRAINS)
            value = entrant.field.number(point)
            if value is not None and 2 * arrivals.there > len(arrivals.crossings):
                found.append(value)
        ends[member] = max(found, default=None)
    return Reach(row, ends["baseline"], ends["method"])

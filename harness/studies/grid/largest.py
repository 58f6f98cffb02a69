"""The largest value of a setting at which each member can be trained."""

from __future__ import annotations

from collections.abc import Sequence
from statistics import median

from harness.declare.pair import MEMBERS, Member
from harness.declare.point import Point, key_of
from harness.judge.judgement import Observed, Ratio
from harness.studies.grid import LARGEST
from harness.studies.grid.finding import Largest, Reach
from harness.studies.grid.trainings import TRAINS, Entrant


def largest(entrant: Entrant) -> Largest | None:
    """Return how far each member gets along the grid, in most seeds and seed by seed.

    A seed that trains at no value counts as one that trains at the least, and one that trains at
    the greatest would perhaps get farther: on that side the ratio is but a bound.
    """
    field = entrant.field
    values = sorted({v for p in entrant.points if (v := field.number(p)) is not None})
    seeds = _whole(entrant)
    if len(values) < 2 or values[0] <= 0 or not seeds:
        return None
    bounds: dict[Member, str] = {}
    ends = []
    for member, other in zip(MEMBERS, reversed(MEMBERS), strict=True):
        trained = {seed: _greatest(entrant, member, seed) for seed in seeds}
        if None in trained.values():
            bounds[member] = f"some seeds of the {member} train at no value of the grid"
        if values[-1] in trained.values():
            bounds[other] = (
                f"some seeds of the {member} train at the greatest value of the grid, and perhaps "
                "beyond it"
            )
        ends.append({s: values[0] if end is None else end for s, end in trained.items()})
    before, after = ends
    interval = entrant.interval(LARGEST.name, after, before)
    ratio = Ratio(
        LARGEST.name,
        LARGEST.unit,
        median(before.values()),
        median(after.values()),
        interval,
        interval.n,
        point=entrant.settings,
        observed=tuple(Observed(seed, None, before[seed], after[seed]) for seed in seeds),
    )
    return Largest(field.targets[TRAINS], _reaches(entrant), ratio, bounds)


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
    """Return the greatest value at which this seed's training goes well."""
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

"""The largest value of a setting at which most seeds of each member can be trained."""

from __future__ import annotations

from collections.abc import Sequence
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
    seed = bootstrap_seed(field.pair, LARGEST.name, entrant.settings)
    draws = np.random.default_rng(seed).integers(len(seeds), size=(RESAMPLES, len(seeds)))
    whole, drawn = {}, {}
    bounds: dict[Member, str] = {}
    for member, other in zip(MEMBERS, reversed(MEMBERS), strict=True):
        reached = _reached(entrant, member, seeds)
        whole[member] = float(_majority(reached, np.arange(len(seeds))[None])[0])
        drawn[member] = _majority(reached, draws)
        every = np.append(drawn[member], whole[member])
        if whole[member] == 0 or np.mean(every == 0) > TAIL:
            bounds[member] = f"most seeds of the {member} train at no value of the grid"
        if whole[member] == values[-1] or np.mean(every == values[-1]) > TAIL:
            bounds[other] = (
                f"most seeds of the {member} train at the greatest value of the grid, and perhaps "
                "beyond it"
            )
        whole[member] = max(whole[member], values[0])
        drawn[member] = np.maximum(drawn[member], values[0])
    each = {
        member: {s: _greatest(entrant, member, s) or values[0] for s in seeds} for member in MEMBERS
    }
    found, how = drawn["method"] / drawn["baseline"], Bounds.MAJORITIES
    if len(seeds) < MIN_ROUNDS:
        found = np.array([each["method"][s] / each["baseline"][s] for s in seeds])
        how = Bounds.SPAN
    estimate = whole["method"] / whole["baseline"]
    tails = [TAIL, 1 - TAIL] if how is Bounds.MAJORITIES else [0.0, 1.0]
    low, high = map(float, np.quantile(found, tails, method="nearest"))
    ratio = Ratio(
        LARGEST.name,
        LARGEST.unit,
        whole["baseline"],
        whole["method"],
        Interval(estimate, min(low, estimate), max(high, estimate), len(seeds), how),
        len(seeds),
        point=entrant.settings,
        observed=tuple(Observed(s, None, each["baseline"][s], each["method"][s]) for s in seeds),
    )
    return Largest(field.targets[TRAINS], _reaches(entrant), ratio, bounds)


def _reached(entrant: Entrant, member: Member, seeds: Sequence[int]) -> Table:
    """Return by point, in the order of their values, the value where a seed got there, and 0."""
    found = []
    for point in entrant.points:
        crossings = entrant.field.arrivals(member, point, TRAINS).crossings
        value = entrant.field.number(point) or 0.0
        found.append([value if crossings[seed].reached else 0.0 for seed in seeds])
    return np.array(found)


def _majority(reached: Table, draws: NDArray[np.int64]) -> Table:
    """Return for each draw of seeds the greatest value at which most of them got there, or 0."""
    there = (reached > 0)[:, draws].mean(2) > 0.5
    greatest: Table = np.where(there, reached.max(1)[:, None], 0.0).max(0)
    return greatest


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

"""A model of a distributed step's time, to say what ranks that are not here would do.

With k = ceil(B / W) the tasks of the busiest of W ranks, n bytes in the all-reduce, c the processes
that find a core each on this machine, and W > c sharing them in turn:

    t(W, B) = max(1, W / c) * (fixed + k * (compute + contention * u))
              + latency * log2(W) + transfer * n * 2 (W - 1) / W
    u       = (min(W, c) - 1) / (c - 1)     what cores that are all at work take from one another

The last two terms are those of ranks in a tree or a ring. They are fitted to bare all-reduces of
two sizes as well, since steps that all send the same bytes can't tell one from the other.
Coefficients have the least squares of relative errors, and none is negative.

On a cluster where every rank has a core of its own the first factor is 1 and u is this machine's at
its fullest: nodes like this one, all of whose cores work. What goes from node to node is taken to
be no slower than what goes between the processes here, which a real network may well be.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import nnls

from harness.records.seen import SHORTEST_S

TERMS = {
    "fixed": "per step",
    "compute": "per task",
    "contention": "per task, with all cores busy",
    "latency": "per doubling of the ranks",
    "transfer": "per MiB of the all-reduce",
}
MIB = 2.0**20

RESAMPLES = 999

Vector = NDArray[np.float64]


@dataclass(frozen=True, order=True)
class Point:
    """So many tasks a step, shared by so many ranks."""

    ranks: int
    tasks: int

    @property
    def share(self) -> int:
        """The tasks of the busiest rank."""
        return math.ceil(self.tasks / self.ranks)


@dataclass(frozen=True)
class Shape:
    """What else a step's time hangs on: the processes that find a core here, and bytes sent."""

    seats: int
    bytes: int

    def step(self, point: Point, *, own_cores: bool = False) -> list[float]:
        """Return what every coefficient counts for in the time of a step."""
        turns = 1.0 if own_cores else max(1.0, point.ranks / self.seats)
        neighbours = min(point.ranks, self.seats) - 1
        crowd = neighbours / (self.seats - 1) if self.seats > 1 else 0.0
        work = turns * point.share
        return [turns, work, work * crowd, *self.wire(point.ranks, self.bytes)[3:]]

    def wire(self, ranks: int, bytes_: int) -> list[float]:
        """Return the same for a bare all-reduce of so many bytes."""
        return [0.0, 0.0, 0.0, math.log2(ranks), bytes_ / MIB * 2 * (ranks - 1) / ranks]


@dataclass(frozen=True)
class Seen:
    """What one round measured, in seconds; bare all-reduces are known by their ranks and bytes."""

    baseline: float
    steps: Mapping[Point, float]
    wires: Mapping[tuple[int, int], float]


@dataclass(frozen=True)
class Model:
    """The baseline's time and the coefficients, from all rounds and from resamples of them.

    misfit   the largest relative error at a step that the coefficients were fitted to
    """

    shape: Shape
    baseline: float
    coefficients: Vector
    baselines: Vector  # one a resample
    resampled: NDArray[np.float64]  # one row a resample
    misfit: float

    def seconds(self, point: Point, *, own_cores: bool) -> tuple[float, Vector]:
        """Return the time of a step, and what each of the resamples makes of it."""
        counts = self.shape.step(point, own_cores=own_cores)
        # Of wild rounds a resample may be fitted best by terms that one rank has none of.
        spread: Vector = np.maximum(self.resampled @ counts, SHORTEST_S)
        return max(float(self.coefficients @ counts), SHORTEST_S), spread

    def speedup(self, point: Point, *, own_cores: bool) -> tuple[float, Vector]:
        """Return how many times the baseline's speed that is, likewise."""
        seconds, spread = self.seconds(point, own_cores=own_cores)
        found: Vector = self.baselines / spread
        return self.baseline / seconds, found


def fit(rounds: Sequence[Seen], shape: Shape, seed: int) -> Model:
    """Fit the model to the medians of rounds that all hold the same points.

    Rounds are resampled whole, since what disturbed one of their blocks disturbed its neighbours.
    """
    points, wires = sorted(rounds[0].steps), sorted(rounds[0].wires)
    rows = np.array([shape.step(p) for p in points] + [shape.wire(*wire) for wire in wires])
    values = np.array(
        [[r.steps[p] for p in points] + [r.wires[wire] for wire in wires] for r in rounds]
    )
    baselines = np.array([r.baseline for r in rounds])
    drawn = np.random.default_rng(seed).integers(len(rounds), size=(RESAMPLES, len(rounds)))
    middle = np.median(values, axis=0)
    coefficients = _least_squares(rows, middle)
    fitted = (rows @ coefficients)[: len(points)]
    return Model(
        shape,
        float(np.median(baselines)),
        coefficients,
        np.median(baselines[drawn], axis=1),
        np.array([_least_squares(rows, np.median(values[each], axis=0)) for each in drawn]),
        float(np.max(np.abs(fitted / middle[: len(points)] - 1))),
    )


def _least_squares(rows: NDArray[np.float64], values: Vector) -> Vector:
    relative = rows / values[:, None]
    # Columns of one length, for a solver's tolerance must not depend on the units.
    lengths = np.linalg.norm(relative, axis=0)
    lengths[lengths == 0] = 1.0
    found: Vector = nnls(relative / lengths, np.ones(len(values)))[0] / lengths
    return found

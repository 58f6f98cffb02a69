"""What the model of scaling says, once it has said right what was held out from it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np

from harness.declare.claims import Reading
from harness.judge.statistics import Interval
from harness.studies.ranks.model import TERMS, Model, Point, Vector

# A model that is farther than this from the very steps it was fitted to is no model of them.
MOST_MISFIT = 0.25

TAIL = 0.025


@dataclass(frozen=True)
class Term:
    """A coefficient of the model: seconds for each of what it counts."""

    name: str
    each: str
    seconds: Interval


@dataclass(frozen=True)
class HeldOut:
    """The model's word on a point that it had not seen, beside what was measured there."""

    point: Point
    predicted: Interval
    measured: Interval
    holds: bool = field(init=False)
    """Whether the two intervals have a value in common."""

    def __post_init__(self) -> None:
        ours, theirs = self.predicted, self.measured
        object.__setattr__(self, "holds", ours.low <= theirs.high and theirs.low <= ours.high)


@dataclass(frozen=True)
class Predicted:
    """What the model says of ranks that each have a core of their own."""

    ranks: int
    seconds: Interval
    speedup: Interval


@dataclass(frozen=True)
class Needed:
    """The fewest ranks that a claim's figure takes, by the prediction and by its interval's ends.

    None: no number of ranks does, since ranks without tasks add nothing.
    """

    text: str
    published: float
    ranks: int | None
    fewest: int | None
    most: int | None


@dataclass(frozen=True)
class Prediction:
    """The fitted model, its check, and what follows from it."""

    terms: tuple[Term, ...]
    misfit: float
    held_out: tuple[HeldOut, ...]
    predicted: tuple[Predicted, ...]
    needed: tuple[Needed, ...]
    reason: str | None  # why nothing is predicted


def predict(
    model: Model, held_out: Mapping[Point, Interval], tasks: int, readings: Iterable[Reading]
) -> Prediction:
    """Check the model on what it had not seen; only then let it speak, up to a rank for each task.

    A prediction's interval holds what resampled rounds make of it, widened by the model's misfit:
    resampling knows the noise of the rounds, and nothing of what the model leaves out.
    """
    seen = tuple(
        HeldOut(point, _interval(model, *model.seconds(point, own_cores=False)), measured)
        for point, measured in held_out.items()
    )
    reason = _doubt(model, seen)
    points = () if reason else tuple(Point(ranks, tasks) for ranks in range(1, tasks + 1))
    predicted = tuple(
        Predicted(
            point.ranks,
            _interval(model, *model.seconds(point, own_cores=True)),
            _interval(model, *model.speedup(point, own_cores=True)),
        )
        for point in points
    )
    return Prediction(
        terms=tuple(
            Term(name, each, _bounded(float(value), spread))
            for (name, each), value, spread in zip(
                TERMS.items(), model.coefficients, model.resampled.T, strict=True
            )
        ),
        misfit=model.misfit,
        held_out=seen,
        predicted=predicted,
        needed=tuple(_needed(reading, predicted) for reading in readings if predicted),
        reason=reason,
    )


def _doubt(model: Model, held_out: Sequence[HeldOut]) -> str | None:
    if model.misfit > MOST_MISFIT:
        return (
            f"the model misses a step that it was fitted to by {100 * model.misfit:.0f} %; at most "
            f"{100 * MOST_MISFIT:.0f} % is allowed"
        )
    if not held_out:
        return "no step was held out, so the model is unchecked"
    missed = [each.point for each in held_out if not each.holds]
    if missed:
        points = " and ".join(f"{p.ranks} ranks with {p.tasks} tasks" for p in missed)
        return f"the model missed the held-out steps of {points}"
    return None


def _needed(reading: Reading, predicted: Sequence[Predicted]) -> Needed:
    def reach(speedups: Iterable[float]) -> int | None:
        both = zip(predicted, speedups, strict=True)
        return next((each.ranks for each, speedup in both if speedup >= reading.value), None)

    return Needed(
        reading.text,
        reading.value,
        reach(each.speedup.estimate for each in predicted),
        reach(each.speedup.high for each in predicted),
        reach(each.speedup.low for each in predicted),
    )


def _interval(model: Model, estimate: float, spread: Vector) -> Interval:
    bare = _bounded(estimate, spread)
    low, high = bare.low * (1 - model.misfit), bare.high * (1 + model.misfit)
    return Interval(estimate, low, high, bare.n, f"{bare.method}, widened by the misfit")


def _bounded(estimate: float, spread: Vector) -> Interval:
    low, high = (float(end) for end in np.quantile(spread, [TAIL, 1 - TAIL]))
    ends = min(low, estimate), max(high, estimate)
    return Interval(estimate, *ends, len(spread), "bootstrap over rounds")

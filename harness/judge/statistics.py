"""Ratios of times and the intervals around them.

Plain numbers in, plain numbers out. A ratio is always baseline over method, so that above 1 the
method is the faster, or the smaller, of the two.
"""

from __future__ import annotations

import math
import warnings
from collections.abc import Hashable, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Generic, TypeVar

import numpy as np
from numpy.typing import NDArray
from scipy import stats

from harness.declare.rounds import MIN_ROUNDS as MIN_ROUNDS
from harness.declare.rounds import MIN_SEEDS as MIN_SEEDS

Key = TypeVar("Key", bound=Hashable)
Solver = TypeVar("Solver", bound=Hashable)
Problem = TypeVar("Problem", bound=Hashable)

# About 250 resamples lie in each 2.5 % tail.
RESAMPLES = 9999


class Bounds(StrEnum):
    """How the bounds of an interval were found; a mean over workloads says it in its own words."""

    BCA = "BCa bootstrap"
    RANKS = "signed ranks, whenever rounds end"
    PERCENTILE = "percentile bootstrap, BCa is degenerate here"
    SPAN = "span of all values, too few for an interval"
    ONE = "one value, no interval"
    ALIKE = "identical values"
    COUNTED = "counted"
    INHERITED = "inherited"
    MAJORITIES = "percentile bootstrap over seeds, of what most of them reach"
    SEEDS_AND_ROUNDS = "percentile bootstrap over seeds and over rounds of step times"
    OVER_TASKS = "Student's t over tasks"
    OVER_ONE_SEED = "Student's t over tasks of one seed"
    OVER_SEEDS = "Student's t over seeds"
    OVER_BOTH = "Student's t over seeds and the tasks that they share"


@dataclass(frozen=True)
class Interval:
    """An estimate between two bounds, and what it rests on.

    n        the observations behind it; of a mean over workloads, those of the poorest workload
    method   how the bounds were found, in words for a reader
    """

    estimate: float
    low: float
    high: float
    n: int
    method: str

    def __post_init__(self) -> None:
        ends = (self.low, self.estimate, self.high)
        if not all(math.isfinite(end) for end in ends):
            raise ValueError(f"an interval needs finite numbers, got low, estimate, high = {ends}")
        if not self.low <= self.estimate <= self.high:
            raise ValueError(f"an interval must be in order, got low, estimate, high = {ends}")
        if self.n < 1:
            raise ValueError(f"an interval rests on at least one observation, got n = {self.n}")


@dataclass(frozen=True)
class PairedInterval(Interval):
    """An interval over pairs that also counts the values which found no partner."""

    only_baseline: int = 0
    only_method: int = 0
    seed: int = 0  # of the bootstrap

    @property
    def dropped(self) -> int:
        """Return how many of the measured values the estimate leaves out."""
        return self.only_baseline + self.only_method


@dataclass(frozen=True)
class Profile(Generic[Solver]):
    """For each solver, the share of all problems that it solves within tau times the best time."""

    taus: tuple[float, ...]
    problems: int
    shares: dict[Solver, tuple[float, ...]]


def paired_ratio(
    baseline: Mapping[Key, float],
    method: Mapping[Key, float],
    *,
    seed: int = 0,
    confidence: float = 0.95,
) -> PairedInterval:
    """Return the median over shared keys of baseline / method, with a bootstrap interval.

    Fewer than MIN_ROUNDS of them have no interval that deserves the name: the bounds are then their
    smallest and largest, whatever the confidence.

    Every key counts as one observation, although rounds are nested in seeds. Both members of a
    round are measured next to each other on the same tasks, so what a seed does to the time it
    does to both and it cancels; what is left is the machine's noise, which is fresh every round.
    Resampling whole seeds instead would rest on three to five units, too few for any bootstrap.
    The price: were the ratio itself to depend on the seed, the interval would be too short. In
    simulation with 3 seeds of 5 rounds that does no harm while seeds differ by a quarter of what
    rounds differ; where they differ as much as rounds do, coverage falls to about 80 %.
    """
    shared = [key for key in baseline if key in method]
    if not shared:
        raise ValueError(
            f"nothing to pair: {len(baseline)} values of the baseline and {len(method)} of the "
            f"method share no key"
        )
    ratios = np.array(
        [_positive(baseline[key], key) / _positive(method[key], key) for key in shared]
    )
    # Sorted, so that the order in which records arrived cannot change what the seed draws.
    low, high, how = _median_bounds(np.sort(ratios), seed, confidence)
    estimate = float(np.median(ratios))
    # Bounds are interpolated, and among ties may miss the estimate by its last bit.
    return PairedInterval(
        estimate,
        min(low, estimate),
        max(high, estimate),
        len(shared),
        how,
        only_baseline=len(baseline) - len(shared),
        only_method=len(method) - len(shared),
        seed=seed,
    )


def quotient(
    above: Interval,
    below: Interval,
    pairs: Sequence[tuple[float, float]],
    *,
    seed: int,
    confidence: float = 0.95,
) -> Interval:
    """Return how many times one median is another, given the pairs of values that they share.

    The estimate is the quotient of the two estimates, so that quotients along a chain of medians
    multiply to the last over the first. The bounds are a bootstrap's over whole pairs, or, of fewer
    than MIN_ROUNDS of them, the span of their quotients.
    """
    if not pairs:
        raise ValueError("a quotient needs at least one pair of values")
    estimate = above.estimate / below.estimate
    # Sorted, so that the order in which records arrived cannot change what the seed draws.
    upper, lower = np.array(sorted(pairs)).T
    if len(pairs) < MIN_ROUNDS:
        found, how = upper / lower, "span of all values, too few for an interval"
        low, high = float(found.min()), float(found.max())
    else:
        drawn = np.random.default_rng(seed).integers(len(pairs), size=(RESAMPLES, len(pairs)))
        found, how = np.median(upper[drawn], 1) / np.median(lower[drawn], 1), "percentile bootstrap"
        tail = (1 - confidence) / 2
        low, high = map(float, np.quantile(found, [tail, 1 - tail]))
    return Interval(estimate, min(low, estimate), max(high, estimate), len(pairs), how)


def median_interval(values: Sequence[float], *, seed: int, confidence: float = 0.95) -> Interval:
    """Return the median of some values with a bootstrap interval, or their span if they are few."""
    if not values:
        raise ValueError("a median needs at least one value")
    ordered = np.sort(np.array([_positive(value, "a median") for value in values]))
    low, high, how = _median_bounds(ordered, seed, confidence)
    estimate = float(np.median(ordered))
    return Interval(estimate, min(low, estimate), max(high, estimate), len(ordered), how)


def geometric_mean(ratios: Sequence[Interval]) -> Interval:
    """Return the geometric mean of ratios measured on several workloads.

    On the log scale the distances from estimate to bound are added in quadrature, each side on
    its own, which keeps the asymmetry of the parts and needs nothing but their bounds. The result
    says how well the mean over these workloads is known, not what another workload would show.
    """
    if not ratios:
        raise ValueError("a geometric mean needs at least one ratio")
    if any(ratio.low <= 0 for ratio in ratios):
        raise ValueError("a geometric mean needs ratios whose intervals lie above 0")
    if len(ratios) == 1:
        return ratios[0]
    count = len(ratios)
    centre = sum(math.log(ratio.estimate) for ratio in ratios) / count
    below = math.hypot(*(math.log(ratio.estimate / ratio.low) for ratio in ratios)) / count
    above = math.hypot(*(math.log(ratio.high / ratio.estimate) for ratio in ratios)) / count
    return Interval(
        math.exp(centre),
        math.exp(centre - below),
        math.exp(centre + above),
        min(ratio.n for ratio in ratios),
        f"geometric mean over {count} workloads",
    )


def performance_profile(
    times: Mapping[Solver, Mapping[Problem, float | None]], taus: Sequence[float]
) -> Profile[Solver]:
    """Return Dolan and More's performance profile.

    The denominator is the number of different problems that occur in the data, the same for every
    solver. A problem that a solver failed (None) or does not list counts as not solved by it.
    """
    problems = {problem for solved in times.values() for problem in solved}
    if not problems:
        raise ValueError("a performance profile needs at least one solver with one problem")
    if not taus or min(taus) < 1 or not all(map(math.isfinite, taus)):
        raise ValueError(f"tau is a multiple of the best time, at least 1; got {tuple(taus)}")
    solved = {
        solver: {
            problem: _positive(time, (solver, problem))
            for problem, time in row.items()
            if time is not None
        }
        for solver, row in times.items()
    }
    best: dict[Problem, float] = {}
    for row in solved.values():
        for problem, time in row.items():
            best[problem] = min(time, best.get(problem, time))
    # Divided and not multiplied: so a tau made of a ratio includes that ratio to its last bit.
    shares = {
        solver: tuple(
            sum(time / best[problem] <= tau for problem, time in row.items()) / len(problems)
            for tau in taus
        )
        for solver, row in solved.items()
    }
    return Profile(tuple(taus), len(problems), shares)


def noise_floor(aa: Interval) -> float:
    """Return the larger distance from 1 of the ends of A/A's interval."""
    return max(abs(aa.low - 1), abs(aa.high - 1))


def aa_holds(aa: Interval) -> bool:
    """Tell whether a baseline against itself showed no difference, with enough rounds."""
    return aa.n >= MIN_ROUNDS and aa.low <= 1 <= aa.high


def _median_bounds(
    values: NDArray[np.float64], seed: int, confidence: float
) -> tuple[float, float, str]:
    if not 0 < confidence < 1:
        raise ValueError(f"a confidence lies between 0 and 1, got {confidence}")
    if len(values) == 1:
        return float(values[0]), float(values[0]), Bounds.ONE
    if values[0] == values[-1]:
        return float(values[0]), float(values[0]), Bounds.ALIKE
    if len(values) < MIN_ROUNDS:
        return float(values[0]), float(values[-1]), Bounds.SPAN
    with warnings.catch_warnings():
        # A degenerate acceleration warns twice over; the NaN that it leaves is dealt with below.
        warnings.simplefilter("ignore", stats.DegenerateDataWarning)
        warnings.simplefilter("ignore", RuntimeWarning)
        result = stats.bootstrap(
            (values,),
            np.median,
            n_resamples=RESAMPLES,
            vectorized=True,
            confidence_level=confidence,
            method="BCa",
            rng=np.random.default_rng(seed),
        )
    low, high = map(float, result.confidence_interval)
    if math.isfinite(low) and math.isfinite(high):
        return low, high, Bounds.BCA
    tail = (1 - confidence) / 2
    low, high = map(float, np.quantile(result.bootstrap_distribution, [tail, 1 - tail]))
    return low, high, Bounds.PERCENTILE


def _positive(value: float, key: object) -> float:
    if not (math.isfinite(value) and value > 0):
        raise ValueError(f"the value of {key!r} must be a positive number, got {value!r}")
    return value

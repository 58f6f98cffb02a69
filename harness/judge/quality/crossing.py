"""When a learning curve crosses a target, what share of runs did, and which targets to ask for."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import pairwise
from statistics import median

import numpy as np
from scipy import stats

# A learning curve: (step or seconds, quality), in order.
Curve = Sequence[tuple[float, float]]

# Where on the way from the baseline's first result to the target a figure asks for the time.
_PARTS_OF_THE_WAY = (0.5, 0.6, 0.7, 0.8, 0.9)


@dataclass(frozen=True)
class Crossing:
    """When a run reached the target, or, if it did not, when it was last looked at."""

    at: float
    reached: bool


@dataclass(frozen=True)
class Survival:
    """Kaplan and Meier's estimate over runs of which some never reached the target.

    times, shares   the share of runs that had reached the target by each time, as a step function
    median          the time by which half had; None if the share stays below half
    """

    times: tuple[float, ...]
    shares: tuple[float, ...]
    median: float | None
    reached: int
    runs: int

    @property
    def share_reached(self) -> float:
        return self.reached / self.runs


def time_to_target(
    curve: Curve, target: float, *, higher_is_better: bool = True, sustained: int = 2
) -> Crossing:
    """Return the first evaluation that meets the target and is not taken back.

    It must be met in `sustained` evaluations on end, the first of which counts. A run that does not
    manage that is censored at its last evaluation. NaN, as of a run that diverged, meets nothing.
    """
    _check_curve(curve, sustained)
    if math.isnan(target):
        raise ValueError("a target must be a number, got nan")
    met = [quality >= target if higher_is_better else quality <= target for _, quality in curve]
    for first in range(len(curve) - sustained + 1):
        if all(met[first : first + sustained]):
            return Crossing(curve[first][0], reached=True)
    return Crossing(curve[-1][0], reached=False)


def survival(crossings: Sequence[Crossing]) -> Survival:
    """Return how the share of runs that reached the target grows with time."""
    if not crossings:
        raise ValueError("a share of runs needs at least one run")
    curve = stats.ecdf(_censored(crossings)).cdf
    times = tuple(float(time) for time in curve.quantiles)
    shares = tuple(float(share) for share in curve.probabilities)
    # Shares are products of fractions, so half may be missed by a rounding.
    half = (time for time, share in zip(times, shares, strict=True) if share >= 0.5 - 1e-12)
    return Survival(
        times,
        shares,
        next(half, None),
        sum(crossing.reached for crossing in crossings),
        len(crossings),
    )


def logrank(first: Sequence[Crossing], second: Sequence[Crossing]) -> float | None:
    """Return the two-sided p-value that both groups reach the target alike.

    None if the data cannot tell, as when a group is empty or nobody reached the target.
    """
    if not first or not second:
        return None
    with np.errstate(invalid="ignore"):
        p_value = float(stats.logrank(_censored(first), _censored(second)).pvalue)
    return None if math.isnan(p_value) else p_value


def target_by_rule(
    curves: Iterable[Curve], *, higher_is_better: bool = True, sustained: int = 2
) -> float:
    """Return the target: the median over seeds of the baseline's best validation results.

    The best result of a run is the best that it sustained, in the sense of `time_to_target`. A
    single lucky evaluation would set a target that the baseline itself hardly ever crosses: in
    simulation, under a quarter of its runs. So defined, half of them cross it at least.
    """
    return median(_best_results(list(curves), higher_is_better, sustained))


def target_range(
    curves: Iterable[Curve], *, higher_is_better: bool = True, sustained: int = 2
) -> tuple[float, ...]:
    """Return targets around the one by rule, from easy to hard.

    They start half way from the baseline's first result (median over seeds) to the target and end
    at the best sustained result of any seed.
    """
    curves = list(curves)
    results = _best_results(curves, higher_is_better, sustained)
    target, best = median(results), (max if higher_is_better else min)(results)
    easier = targets_on_the_way(
        curves, _PARTS_OF_THE_WAY, higher_is_better=higher_is_better, sustained=sustained
    )
    every = {*easier, target, (target + best) / 2, best}
    return tuple(sorted(every, reverse=not higher_is_better))


def targets_on_the_way(
    curves: Iterable[Curve],
    parts: Iterable[float],
    *,
    higher_is_better: bool = True,
    sustained: int = 2,
) -> tuple[float, ...]:
    """Return targets at these parts of the way to the target by rule.

    The way begins at the first result, the median over seeds.
    """
    curves = list(curves)
    target = target_by_rule(curves, higher_is_better=higher_is_better, sustained=sustained)
    starts = [quality for curve in curves if math.isfinite(quality := curve[0][1])]
    # The target is among them, so that no start lies beyond it.
    start = (min if higher_is_better else max)(median(starts or [target]), target)
    return tuple(start + part * (target - start) for part in parts)


def _censored(crossings: Sequence[Crossing]) -> stats.CensoredData:
    return stats.CensoredData(
        uncensored=[crossing.at for crossing in crossings if crossing.reached],
        right=[crossing.at for crossing in crossings if not crossing.reached],
    )


def _best_results(curves: Sequence[Curve], higher_is_better: bool, sustained: int) -> list[float]:
    if not curves:
        raise ValueError("a target needs at least one curve of the baseline")
    best = []
    for curve in curves:
        _check_curve(curve, sustained)
        quality = [value for _, value in curve]
        windows = [quality[i : i + sustained] for i in range(len(quality) - sustained + 1)]
        held = [
            min(window) if higher_is_better else max(window)
            for window in windows
            if all(map(math.isfinite, window))
        ]
        if not held:
            raise ValueError(f"a curve without {sustained} finite results on end sets no target")
        best.append(max(held) if higher_is_better else min(held))
    return best


def _check_curve(curve: Curve, sustained: int) -> None:
    steps = [step for step, _ in curve]
    if not steps or any(after <= before for before, after in pairwise(steps)):
        raise ValueError(f"a curve needs evaluations at increasing steps, got {steps}")
    if sustained < 1:
        raise ValueError(f"a result is sustained for at least one evaluation, got {sustained}")

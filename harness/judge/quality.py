"""Accuracy, whether it is not worse, and the time until a target is reached."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from itertools import pairwise
from statistics import fmean, median, stdev
from typing import TypeVar

import numpy as np
from scipy import stats

from harness.judge.statistics import Bounds, Interval

Seed = TypeVar("Seed")

# Quality by task, for each seed.
PerTask = Mapping[Seed, Sequence[float]]

# A learning curve: (step or seconds, quality), in order.
Curve = Sequence[tuple[float, float]]

# Where on the way from the baseline's first result to the target a figure asks for the time.
_PARTS_OF_THE_WAY = (0.5, 0.6, 0.7, 0.8, 0.9)


@dataclass(frozen=True)
class Accuracy:
    """The mean quality with its two uncertainties, which answer different questions.

    over_tasks   would other tasks give the same mean for these trained models?
    over_seeds   would other seeds, that is models trained anew, give the same mean?
    tasks        different ones: those that all seeds have alike count once

    Either interval is None where there is but one of its kind.
    """

    mean: float
    over_tasks: Interval | None
    over_seeds: Interval | None
    tasks: int
    seeds: int


class Standing(StrEnum):
    """How the method's quality stands to the baseline's."""

    NOT_WORSE = "not worse"
    WORSE = "worse"
    UNDECIDED = "undecided"


@dataclass(frozen=True)
class NonInferiority:
    """The outcome of a non-inferiority test.

    gain       method minus baseline, turned so that above 0 the method is better; each end is a
               one-sided bound. None where a single task of a single seed leaves no bound
    by_seeds   False: there was one seed, and the outcome holds for that pair of trained models only
    dropped    seeds that only one of the two members has
    """

    standing: Standing
    gain: Interval | None
    margin: float
    seeds: int
    tasks: int
    by_seeds: bool
    dropped: int

    @property
    def ok(self) -> bool | None:
        """Return the outcome as a verdict asks for it: None is undecided."""
        return {Standing.NOT_WORSE: True, Standing.WORSE: False}.get(self.standing)


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


def accuracy(
    quality: PerTask[Seed], confidence: float = 0.95, *, same_tasks: bool = False
) -> Accuracy:
    """Return the mean over seeds of the mean over tasks, with both intervals.

    The interval over tasks takes the tasks of different seeds to be drawn apart, as they are when
    a task is a function of its seed and index. With `same_tasks` every seed was judged by the same
    ones, as by the images of one test set: these are averaged over seeds first, since a task that
    several models are asked is still one task.
    """
    _check(quality)
    means = [fmean(values) for values in quality.values()]
    drawn = [by_task(quality.values())] if same_tasks else list(quality.values())
    tasks = sum(map(len, drawn))
    over_tasks = None
    if all(len(values) > 1 for values in drawn):
        variance = sum(stdev(values) ** 2 / len(values) for values in drawn)
        over_tasks = _t_interval(
            fmean(means),
            math.sqrt(variance) / len(drawn),
            tasks - len(drawn),
            (1 + confidence) / 2,
            n=tasks,
            how=Bounds.OVER_TASKS,
        )
    over_seeds = (
        _mean_interval(means, (1 + confidence) / 2, Bounds.OVER_SEEDS) if len(means) > 1 else None
    )
    return Accuracy(fmean(means), over_tasks, over_seeds, tasks, len(means))


def by_task(quality: Iterable[Sequence[float]]) -> list[float]:
    """Return the means over seeds of tasks that all seeds have alike."""
    return [fmean(values) for values in zip(*quality, strict=False)]


def non_inferior(
    baseline: PerTask[Seed],
    method: PerTask[Seed],
    margin: float,
    *,
    higher_is_better: bool = True,
    confidence: float = 0.95,
    same_tasks: bool = False,
) -> NonInferiority:
    """Test whether the method is worse than the baseline by less than the margin.

    Values are paired by (seed, index of the task). With `confidence` on one side, "not worse" says
    that the difference is above -margin and "worse" that it is below; each is wrong in one of
    twenty runs at most. Together the two bounds make a two-sided 90 % interval.

    Seeds are the outer unit: a method is trained once a seed, and more tasks say nothing about the
    next training. So with two seeds or more the bounds are Student's over the seeds' mean
    differences. A bootstrap over seeds and then tasks has the right centre but, with three seeds
    that differ by more than their tasks do, called a method at the margin "not worse" in 10 to
    15 % of simulated runs instead of 5 %; Student's bound stays at 5 %. With one seed the bounds
    are over tasks, and `by_seeds` says so.

    With `same_tasks` every seed was judged by the same tasks. What these happen to favour shifts
    the difference of all seeds alike, so the scatter over seeds does not show it: there, Student's
    bound over seeds was wrong in 20 to 38 % of runs whose seeds hardly differed. So the variance of
    the mean over tasks, of differences averaged over seeds, is added to that of the mean over
    seeds, with the degrees of freedom by Satterthwaite; and the bounds are these or those over
    seeds alone, whichever are wider, since with two seeds that differ much the first alone were
    wrong in 8 %. The wider ones are wrong in 5 to 6 %, and in fewer where what scatters is chance
    of its own in every seed and task, for that is then counted twice.
    """
    if not (math.isfinite(margin) and margin > 0):
        raise ValueError(f"a margin must be above 0, got {margin!r}")
    _check(baseline)
    _check(method)
    shared = [seed for seed in baseline if seed in method]
    if not shared:
        raise ValueError("nothing to pair: baseline and method share no seed")
    sign = 1 if higher_is_better else -1
    gains = []
    for seed in shared:
        if len(baseline[seed]) != len(method[seed]):
            raise ValueError(
                f"seed {seed!r}: {len(baseline[seed])} tasks of the baseline against "
                f"{len(method[seed])} of the method cannot be paired"
            )
        pairs = zip(baseline[seed], method[seed], strict=True)
        gains.append([sign * (after - before) for before, after in pairs])
    by_seeds = len(shared) > 1
    values = [fmean(differences) for differences in gains] if by_seeds else gains[0]
    gain = None
    if len(values) > 1:
        how = Bounds.OVER_SEEDS if by_seeds else Bounds.OVER_ONE_SEED
        gain = _mean_interval(values, confidence, how)
    if gain is not None and by_seeds and same_tasks:
        gain = _allowing_for_tasks(gain, values, by_task(gains), confidence)
    return NonInferiority(
        _standing(gain, margin),
        gain,
        margin,
        len(shared),
        sum(map(len, gains)),
        by_seeds,
        dropped=len(baseline) + len(method) - 2 * len(shared),
    )


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


def _standing(gain: Interval | None, margin: float) -> Standing:
    if gain is None or gain.low <= -margin <= gain.high:
        return Standing.UNDECIDED
    return Standing.NOT_WORSE if gain.low > -margin else Standing.WORSE


def _mean_interval(values: Sequence[float], one_sided: float, how: Bounds) -> Interval:
    error = stdev(values) / math.sqrt(len(values))
    return _t_interval(fmean(values), error, len(values) - 1, one_sided, n=len(values), how=how)


def gain_of(
    baseline: PerTask[Seed],
    method: PerTask[Seed],
    confidence: float = 0.95,
    *,
    higher_is_better: bool = True,
    same_tasks: bool = False,
) -> NonInferiority:
    """Return the paired gain, with two-sided bounds; no margin is asked for, so ignore `ok`."""
    return non_inferior(
        baseline,
        method,
        1.0,
        higher_is_better=higher_is_better,
        confidence=(1 + confidence) / 2,
        same_tasks=same_tasks,
    )


def _allowing_for_tasks(
    over_seeds: Interval, seeds: Sequence[float], tasks: Sequence[float], one_sided: float
) -> Interval | None:
    """Widen an interval over seeds by what the tasks that they share may have done to all of them.

    One task alone leaves unknown how much that is.
    """
    if len(tasks) < 2:
        return None
    by_seed, by_task = (stdev(means) ** 2 / len(means) for means in (seeds, tasks))
    both = by_seed + by_task
    if both == 0:
        return over_seeds
    freedom = both**2 / (by_seed**2 / (len(seeds) - 1) + by_task**2 / (len(tasks) - 1))
    how = Bounds.OVER_BOTH
    wide = _t_interval(
        over_seeds.estimate, math.sqrt(both), freedom, one_sided, n=len(seeds), how=how
    )
    return max(wide, over_seeds, key=lambda interval: interval.high - interval.low)


def _t_interval(
    mean: float, error: float, freedom: float, one_sided: float, *, n: int, how: Bounds
) -> Interval:
    half = float(stats.t.ppf(one_sided, freedom)) * error
    return Interval(mean, mean - half, mean + half, n, how)


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


def _check(quality: PerTask[Seed]) -> None:
    if not quality:
        raise ValueError("quality needs at least one seed")
    for seed, values in quality.items():
        if not values or not all(map(math.isfinite, values)):
            raise ValueError(f"seed {seed!r} needs at least one task, all of finite quality")


def _check_curve(curve: Curve, sustained: int) -> None:
    steps = [step for step, _ in curve]
    if not steps or any(after <= before for before, after in pairwise(steps)):
        raise ValueError(f"a curve needs evaluations at increasing steps, got {steps}")
    if sustained < 1:
        raise ValueError(f"a result is sustained for at least one evaluation, got {sustained}")

"""Accuracy with its uncertainties, and whether it is not worse."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from statistics import fmean, stdev
from typing import TypeVar

from scipy import stats

from harness.judge.statistics import Bounds, Interval

Seed = TypeVar("Seed")

# Quality by task, for each seed.
PerTask = Mapping[Seed, Sequence[float]]


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


def _check(quality: PerTask[Seed]) -> None:
    if not quality:
        raise ValueError("quality needs at least one seed")
    for seed, values in quality.items():
        if not values or not all(map(math.isfinite, values)):
            raise ValueError(f"seed {seed!r} needs at least one task, all of finite quality")

"""Races: the best setting and each side's own best, chosen by half of the seeds, judged apart."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from statistics import fmean, median

import numpy as np

from harness.declare.measures import Measure
from harness.declare.pair import MEMBERS, Member
from harness.declare.point import Point, key_of
from harness.judge.choosing import halves
from harness.judge.judgement import Observed, Quality, Ratio
from harness.judge.quality.crossing import Crossing
from harness.judge.quality.pair_quality import quality_between
from harness.judge.quality.race import Arrivals
from harness.judge.ratios import bootstrap_seed, without_interval
from harness.judge.statistics import MIN_ROUNDS, RESAMPLES, Bounds, Interval
from harness.studies.grid import BEST, OWN_BEST
from harness.studies.grid.finding import Choice, Race
from harness.studies.grid.trainings import GOOD, Entrant

Picked = tuple[Point, Point, int]
"""The baseline's point, the method's, and the place of a target."""


@dataclass(frozen=True)
class Run:
    """What one seed that judges took at the settings that others chose."""

    seed: int
    baseline: Point
    before: Crossing
    method: Point
    after: Crossing


def best(entrant: Entrant) -> Race:
    """Race both at the setting and target where half of the seeds see the method most ahead."""
    return _race(entrant, BEST, _most_ahead)


def own_best(entrant: Entrant) -> Race:
    """Race each at the setting at which half of the seeds take the fewest steps."""
    return _race(entrant, OWN_BEST, _fewest_steps)


def median_ratio(before: Arrivals, after: Arrivals) -> float | None:
    """Return the median over shared seeds of the baseline's steps over the method's."""
    shared = [seed for seed in before.crossings if seed in after.crossings]
    steps = [(before.crossings[seed].at, after.crossings[seed].at) for seed in shared]
    if not steps or any(min(both) <= 0 for both in steps):
        return None
    return median(one / other for one, other in steps)


def _most_ahead(entrant: Entrant, seeds: Sequence[int]) -> Picked | str:
    """Pick the largest ratio among settings at which half of the seeds bring the method there."""
    field = entrant.field
    found: dict[tuple[int, int], float] = {}
    for place in range(len(field.targets)):
        for number, point in enumerate(entrant.points):
            before, after = (field.arrivals(m, point, place).of(seeds) for m in MEMBERS)
            ratio = median_ratio(before, after)
            if after.steps is not None and ratio is not None:
                found[place, number] = ratio
    if not found:
        return "at no setting did half of the choosing seeds reach a target with the method"
    place, number = max(found, key=found.__getitem__)
    return entrant.points[number], entrant.points[number], place


def _fewest_steps(entrant: Entrant, seeds: Sequence[int]) -> Picked | str:
    """Pick each member's fewest steps in the mean; seeds never there count as far as trained."""
    picked = []
    for member in MEMBERS:
        steps = {
            number: fmean(crossing.at for crossing in known.values())
            for number, point in enumerate(entrant.points)
            if (known := entrant.field.arrivals(member, point, GOOD).of(seeds).crossings)
        }
        if not steps:
            return f"the seeds that choose have no training of the {member}"
        picked.append(entrant.points[min(steps, key=steps.__getitem__)])
    return picked[0], picked[1], GOOD


def _race(
    entrant: Entrant, measure: Measure, pick: Callable[[Entrant, Sequence[int]], Picked | str]
) -> Race:
    """Let each half of the seeds choose, and the other half judge."""
    empty = Ratio(measure.name, measure.unit, None, None, None, 0, point=entrant.settings)
    parted = halves(entrant.field.seeds)
    if not parted:
        return Race(without_interval(empty, "a single seed cannot both choose and judge"))
    choices: list[Choice] = []
    runs: list[Run] = []
    for choosing, judging in parted:
        picked = pick(entrant, choosing)
        if isinstance(picked, str):
            return Race(without_interval(empty, picked))
        baseline, method, place = picked
        target = entrant.field.targets[place]
        choices.append(Choice(baseline, method, target, choosing, judging))
        runs += _runs(entrant, picked, judging)
    return _judged(entrant, empty, tuple(choices), sorted(runs, key=lambda run: run.seed))


def _runs(entrant: Entrant, picked: Picked, seeds: Sequence[int]) -> Iterator[Run]:
    """Yield what the seeds that both members have took at the chosen settings."""
    baseline, method, place = picked
    before = entrant.field.arrivals("baseline", baseline, place).crossings
    after = entrant.field.arrivals("method", method, place).crossings
    for seed in seeds:
        if seed in before and seed in after:
            yield Run(seed, baseline, before[seed], method, after[seed])


def _judged(
    entrant: Entrant, empty: Ratio, choices: tuple[Choice, ...], runs: Sequence[Run]
) -> Race:
    before = Arrivals({run.seed: run.before for run in runs})
    after = Arrivals({run.seed: run.after for run in runs})
    found = dataclasses.replace(
        empty,
        baseline=before.steps,
        method=after.steps,
        observed=tuple(Observed(run.seed, None, run.before.at, run.after.at) for run in runs),
    )
    if not runs:
        return Race(without_interval(found, "no judging seed has both members"), choices)
    if any(run.before.at <= 0 or run.after.at <= 0 for run in runs):
        return Race(
            without_interval(found, "a seed had reached the target before its first step"), choices
        )
    interval = entrant.interval(
        empty.measure,
        {run.seed: run.before.at for run in runs},
        {run.seed: run.after.at for run in runs},
    )
    arrived = zip(MEMBERS, (before, after), strict=True)
    return Race(
        dataclasses.replace(found, interval=interval, rounds=interval.n),
        choices,
        late=tuple(member for member, each in arrived if each.late(each.crossings)),
        quality=_quality(entrant, runs),
        seconds=_seconds(entrant, runs, empty.measure),
    )


def _quality(entrant: Entrant, runs: Sequence[Run]) -> Quality:
    """Compare test qualities at the chosen settings, seed by seed."""
    field = entrant.field
    before = _tests(entrant, "baseline", {run.seed: run.baseline for run in runs})
    after = _tests(entrant, "method", {run.seed: run.method for run in runs})
    found = quality_between(
        before,
        after,
        field.described,
        field.margin,
        same_tasks=field.same_tasks,
        absent="at the chosen settings, no training of at least one member gave a finite result",
    )
    if after and not before:
        why = "at the chosen settings, no training of the baseline gave a finite result"
        return dataclasses.replace(found, not_worse=True, reason=why)
    return found


def _tests(
    entrant: Entrant, member: Member, chosen: dict[int, Point]
) -> dict[int, Sequence[float]]:
    known = {seed: entrant.field.tests(member, point) for seed, point in chosen.items()}
    return {seed: found[seed] for seed, found in known.items() if seed in found}


def _seconds(entrant: Entrant, runs: Sequence[Run], measure: str) -> Interval | None:
    """Derive the ratio in seconds, where the time of every step was measured.

    The steps of seeds and the rounds of step times are two samples, so a bootstrap draws from each.
    """
    chosen = list(dict.fromkeys((key_of(run.baseline), key_of(run.method)) for run in runs))
    timed = [np.array(entrant.field.step_ratios(dict(b), dict(m))) for b, m in chosen]
    if not all(map(len, timed)):
        return None
    of_choice = np.array([chosen.index((key_of(r.baseline), key_of(r.method))) for r in runs])
    steps = np.array([run.before.at / run.after.at for run in runs])
    estimate = float(np.median(steps * np.array([np.median(each) for each in timed])[of_choice]))
    if min(len(runs), *map(len, timed)) < MIN_ROUNDS:
        found = np.concatenate([timed[c] * s for c, s in zip(of_choice, steps, strict=True)])
        tails, how = [0.0, 1.0], Bounds.SPAN
    else:
        seed = bootstrap_seed(entrant.field.pair, f"{measure} in seconds", entrant.settings)
        random = np.random.default_rng(seed)
        drawn = random.integers(len(runs), size=(RESAMPLES, len(runs)))
        rounds = [random.choice(each, (RESAMPLES, len(each))) for each in timed]
        taken = np.stack([np.median(each, 1) for each in rounds], 1)
        ratios = steps[drawn] * np.take_along_axis(taken, of_choice[drawn], 1)
        found, tails, how = np.median(ratios, 1), [0.025, 0.975], Bounds.SEEDS_AND_ROUNDS
    low, high = map(float, np.quantile(found, tails))
    return Interval(estimate, min(low, estimate), max(high, estimate), len(runs), how)

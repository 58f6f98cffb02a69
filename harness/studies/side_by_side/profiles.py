"""Performance profiles: on what share of workloads a learner is within a factor of the fastest."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass

from harness.declare.pair import member_names, workload_words
from harness.judge.judgement import Judgement
from harness.judge.statistics import performance_profile

FEWEST_WORKLOADS = 8
"""From which on a share of workloads is worth a curve; of fewer the table tells more."""


@dataclass(frozen=True)
class Profile:
    """For each learner, (tau, share of the problems solved within tau of the best time)."""

    steps: tuple[tuple[str, tuple[tuple[float, float], ...]], ...]
    problems: int


def profiles(judgement: Judgement) -> Iterator[Profile]:
    """Yield performance profiles where learners met each other on enough workloads.

    A workload with other settings, as at a point of a sweep, is another one. Learners that share
    none, not even through a third one, are not compared: each set of connected learners has a
    profile of its own.
    """
    times = _times(judgement)
    for solvers in _connected(times):
        mine = {solver: times[solver] for solver in solvers}
        problems = {problem for row in mine.values() for problem in row}
        if len(problems) >= FEWEST_WORKLOADS:
            best = {p: min(row[p] for row in mine.values() if p in row) for p in problems}
            taus = sorted({row[p] / best[p] for row in mine.values() for p in row} | {1.0})
            profile = performance_profile(mine, taus)
            steps = tuple(
                (solver, tuple(zip(taus, profile.shares[solver], strict=True)))
                for solver in sorted(mine)
            )
            yield Profile(steps, profile.problems)


Seconds = defaultdict[str, dict[str, float]]
"""Of a step, by learner and problem."""


def _times(judgement: Judgement) -> Seconds:
    """Return how long a step of each learner takes on each problem.

    A method's are its baseline's over their ratio: both took turns beside each other, while between
    two pairs the machine may have changed its pace.
    """
    baselines, times = Seconds(dict), Seconds(dict)
    found = [
        (judged.pair.at(step.point), step)
        for judged in judgement.pairs
        for step in judged.ratios
        if step.measure == "step_time"
    ]
    compared = [(pair, step) for pair, step in found if not pair.is_aa and step.baseline]
    for pair, step in compared:
        for kept in (baselines, times):
            _keep_least(kept[member_names(pair)[0]], workload_words(pair), step.baseline)
    for pair, step in compared:
        if step.interval is not None:
            baseline, method = member_names(pair)
            problem = workload_words(pair)
            seconds = baselines[baseline][problem] / step.interval.estimate
            _keep_least(times[method], problem, seconds)
    return times


def _keep_least(of: dict[str, float], problem: str, seconds: float | None) -> None:
    if seconds is not None:
        of[problem] = min(seconds, of.get(problem, seconds))


def _connected(times: Seconds) -> list[list[str]]:
    groups: list[tuple[set[str], set[str]]] = []
    for solver, row in times.items():
        solvers, problems = {solver}, set(row)
        apart = []
        for group in groups:
            if group[1] & problems:
                solvers |= group[0]
                problems |= group[1]
            else:
                apart.append(group)
        groups = [*apart, (solvers, problems)]
    return [sorted(solvers) for solvers, _ in groups]

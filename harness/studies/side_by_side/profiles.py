"""Performance profiles: on what share of workloads a learner is within a factor of the fastest."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from harness.declare.suite import member_names, workload_words
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
    times: dict[str, dict[str, float]] = {}
    for judged in judgement.pairs:
        for step in judged.ratios:
            pair = judged.pair.at(step.point)
            if pair.is_aa or step.measure != "step_time":
                continue
            problem = workload_words(pair)
            for name, seconds in zip(member_names(pair), (step.baseline, step.method), strict=True):
                if seconds is not None and seconds > 0:
                    known = times.setdefault(name, {}).get(problem, seconds)
                    times[name][problem] = min(seconds, known)
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


def _connected(times: dict[str, dict[str, float]]) -> list[list[str]]:
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

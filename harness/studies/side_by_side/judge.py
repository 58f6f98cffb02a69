"""All learners on one workload, whatever pairs they were measured in: costs, quality, profiles."""

from __future__ import annotations

import statistics
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, TypeVar

from harness.declare.passes import Pass, Seen
from harness.declare.suite import MEMBERS, member_names, with_settings, workload_words
from harness.judge.evidence import Evidence
from harness.judge.judgement import Judgement
from harness.judge.quality.accuracy import accuracy, gain_of
from harness.judge.statistics import Interval, median_interval, performance_profile
from harness.records.record import Record
from harness.records.seen import (
    CURVE,
    MEMORY,
    OPERATIONS,
    STEP,
    Memory,
    Operations,
    Times,
)

S = TypeVar("S", bound=Seen)

FEWEST_WORKLOADS = 8
"""From which on a share of workloads is worth a curve; of fewer the table tells more."""

FEWEST = 3
"""Learners on a workload from which on a table of them says more than their pairs do."""

Known = dict[str, tuple[Record[S], S]]
"""What was seen of a learner, by what tells one block from another."""

Found = dict[str, dict[str, Known[S]]]
"""By workload and by learner."""


@dataclass(frozen=True)
class Cost:
    """What a learner's step costs; `rate` is in samples a second."""

    learner: str
    rate: Interval | None
    seconds: float | None
    peak_bytes: int | None
    backward_passes: int | None
    on_front: bool | None = None
    """Whether no other learner is both as fast and as small; None where either is unknown."""


@dataclass(frozen=True)
class Costs:
    """The learners on a workload, the size of its model and of what a step works on."""

    workload: str
    parameters: int | None
    samples: int | None
    learners: tuple[Cost, ...]


@dataclass(frozen=True)
class Mean:
    """A mean over seeds, with an interval where they are enough for one."""

    value: float
    seeds: int
    interval: Interval | None


@dataclass(frozen=True)
class Standing:
    """How good a learner is, and what it gains over the control; the control itself gains none."""

    learner: str
    quality: Mean | None
    gain: Mean | None


@dataclass(frozen=True)
class Standings:
    """The learners on a workload; the first is the control, which others' gains are over."""

    workload: str
    metric: str
    higher_is_better: bool
    data: str | None
    learners: tuple[Standing, ...]


@dataclass(frozen=True)
class Profile:
    """For each learner, (tau, share of the problems solved within tau of the best time)."""

    steps: tuple[tuple[str, tuple[tuple[float, float], ...]], ...]
    problems: int


@dataclass(frozen=True)
class Finding:
    costs: tuple[Costs, ...]
    standings: tuple[Standings, ...]
    profiles: tuple[Profile, ...]


def find(evidence: Evidence, judgement: Judgement) -> Finding:
    """Compare all learners; of pairs that are withheld there is nothing."""
    return Finding(
        tuple(_costs(evidence, judgement)),
        tuple(_standings(evidence, judgement)),
        tuple(_profiles(judgement)),
    )


def _costs(evidence: Evidence, judgement: Judgement) -> Iterator[Costs]:
    timed = _by_learner(judgement, evidence, STEP)
    memory = _by_learner(judgement, evidence, MEMORY)
    counted = _by_learner(judgement, evidence, OPERATIONS)
    for workload in dict.fromkeys((*timed, *memory, *counted)):
        times, peaks, counts = (
            timed.get(workload, {}),
            memory.get(workload, {}),
            counted.get(workload, {}),
        )
        learners = list(dict.fromkeys((*times, *peaks, *counts)))
        if len(learners) >= FEWEST:
            tables: tuple[dict[str, Known[Any]], ...] = times, peaks, counts
            about = next(r for table in tables for mine in table.values() for r, _ in mine.values())
            costs = (
                _cost(each, times.get(each, {}), peaks.get(each, {}), counts.get(each, {}))
                for each in learners
            )
            yield Costs(workload, about.parameters, about.samples, tuple(_with_front(list(costs))))


def _cost(
    learner: str, times: Known[Times], memory: Known[Memory], counted: Known[Operations]
) -> Cost:
    medians = [statistics.median(seen.seconds) for _, seen in times.values()]
    samples = next((record.samples for record, _ in times.values() if record.samples), None)
    return Cost(
        learner,
        rate=median_interval([samples / seconds for seconds in medians], seed=0)
        if medians and samples
        else None,
        seconds=statistics.median(medians) if medians else None,
        peak_bytes=next((seen.peak_bytes for _, seen in memory.values()), None),
        backward_passes=next((seen.backward_passes for _, seen in counted.values()), None),
    )


def _with_front(costs: Sequence[Cost]) -> Iterator[Cost]:
    spent = {
        cost.learner: (cost.seconds, cost.peak_bytes)
        for cost in costs
        if cost.seconds is not None and cost.peak_bytes is not None
    }
    for cost in costs:
        mine = spent.get(cost.learner)
        if mine is not None:
            ahead = [s for s in spent.values() if s != mine and s[0] <= mine[0] and s[1] <= mine[1]]
            cost = replace(cost, on_front=not ahead)
        yield cost


def _standings(evidence: Evidence, judgement: Judgement) -> Iterator[Standings]:
    for workload, learners in _by_learner(judgement, evidence, CURVE).items():
        if len(learners) < FEWEST:
            continue
        control = next(iter(learners))
        first, _ = next(iter(learners[control].values()))
        shared = first.workload in evidence.shared_tasks
        tasks = {
            learner: {record.seed: seen.test_quality for record, seen in mine.values()}
            for learner, mine in learners.items()
        }
        yield Standings(
            workload,
            first.metric or "quality",
            first.higher_is_better is not False,
            first.data,
            tuple(
                Standing(
                    learner,
                    _mean(_by_seed(mine)),
                    _gain(tasks[control], mine, shared) if learner != control else None,
                )
                for learner, mine in tasks.items()
            ),
        )


Tasks = Mapping[int, tuple[float, ...]]
"""The quality on every test task, by seed."""


def _by_seed(mine: Tasks) -> dict[int, float]:
    return {seed: statistics.fmean(qualities) for seed, qualities in mine.items()}


def _gain(control: Tasks, mine: Tasks, shared: bool) -> Mean | None:
    before, after = _by_seed(control), _by_seed(mine)
    gains = {seed: after[seed] - before[seed] for seed in after if seed in before}
    return _mean(gains, _gain_over_tasks(control, mine) if shared else None)


def _gain_over_tasks(before: Tasks, after: Tasks) -> Interval | None:
    """Return what a learner gains, with an interval that allows for other shared examples too."""
    seeds = before.keys() & after.keys()
    if len(seeds) < 2 or any(len(before[seed]) != len(after[seed]) for seed in seeds):
        return None
    return gain_of(before, after, same_tasks=True).gain


def _mean(values: Mapping[int, float], known: Interval | None = None) -> Mean | None:
    if not values:
        return None
    interval = known or accuracy({seed: [value] for seed, value in values.items()}).over_seeds
    return Mean(statistics.fmean(values.values()), len(values), interval)


def _by_learner(judgement: Judgement, evidence: Evidence, known: Pass[S]) -> Found[S]:
    """Return what a pass left of every learner.

    One that several pairs share is counted with all its timed blocks, but once with every seed of
    a pass that gives the same whenever it is repeated.
    """
    found: Found[S] = {}
    for judged in judgement.pairs:
        pair = judged.pair
        if pair.ranks > 1:
            continue
        for member in MEMBERS:
            learner = with_settings(pair.learner(member), pair.learner_settings(member))
            for record, seen in evidence.usable(pair, known, member):
                block = record.block if known.clocked else str(record.seed)
                mine = found.setdefault(workload_words(pair), {}).setdefault(learner, {})
                mine.setdefault(block, (record, seen))
    return found


def _profiles(judgement: Judgement) -> Iterator[Profile]:
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

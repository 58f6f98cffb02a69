"""All learners on one workload, whatever pairs they were measured in: costs, quality, profiles."""

from __future__ import annotations

import statistics
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from harness.declare.suite import MEMBERS
from harness.judge.blocks import usable
from harness.judge.judgement import Judgement
from harness.judge.pair_quality import shared_tasks
from harness.judge.quality import accuracy, gain_of
from harness.judge.statistics import Interval, median_interval, performance_profile
from harness.records.manifest import Manifest
from harness.records.record import Record
from harness.report.figure import member_names
from harness.report.gradient import withheld
from harness.report.words import with_settings, workload_words

FEWEST = 3
"""Learners on a workload from which on a table of them says more than their pairs do."""

Found = dict[str, dict[str, dict[str, Record]]]
"""Records by workload, by learner and by what tells one from another."""


@dataclass(frozen=True)
class Cost:
    """What a learner's step costs; `rate` is in samples a second."""

    learner: str
    rate: Interval | None
    seconds: float | None
    peak_bytes: int | None
    backward_passes: int | None


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


def find(manifest: Manifest, records: Sequence[Record], judgement: Judgement) -> Finding:
    """Compare all learners but those of pairs whose gradient checks withhold them."""
    return Finding(
        tuple(_costs(records, judgement)),
        tuple(_standings(records, judgement)),
        tuple(_profiles(judgement)),
    )


def _costs(records: Sequence[Record], judgement: Judgement) -> Iterator[Costs]:
    timed, memory, counted = (
        _by_learner(judgement, records, measured) for measured in ("step", "memory", "operations")
    )
    for workload in dict.fromkeys((*timed, *memory, *counted)):
        seen = [table.get(workload, {}) for table in (timed, memory, counted)]
        learners = list(dict.fromkeys(learner for table in seen for learner in table))
        if len(learners) >= FEWEST:
            any_one = next(r for table in seen for mine in table.values() for r in mine.values())
            yield Costs(
                workload,
                any_one.parameters,
                any_one.samples,
                tuple(
                    _cost(learner, *(list(table.get(learner, {}).values()) for table in seen))
                    for learner in learners
                ),
            )


def _cost(
    learner: str, blocks: Sequence[Record], memory: Sequence[Record], counted: Sequence[Record]
) -> Cost:
    medians = [statistics.median(block.seconds or ()) for block in blocks]
    samples = next((block.samples for block in blocks if block.samples), None)
    return Cost(
        learner,
        rate=median_interval([samples / seconds for seconds in medians], seed=0)
        if medians and samples
        else None,
        seconds=statistics.median(medians) if medians else None,
        peak_bytes=next((r.peak_bytes for r in memory), None),
        backward_passes=next((r.backward_passes for r in counted), None),
    )


def _standings(records: Sequence[Record], judgement: Judgement) -> Iterator[Standings]:
    for workload, learners in _by_learner(judgement, records, "curve").items():
        if len(learners) < FEWEST:
            continue
        control = next(iter(learners))
        first = next(iter(learners[control].values()))
        shared = shared_tasks(records, first.workload)
        yield Standings(
            workload,
            first.metric or "quality",
            first.higher_is_better is not False,
            first.data,
            tuple(
                Standing(
                    learner,
                    _mean(_by_seed(mine)),
                    _gain(learners[control], mine, shared) if learner != control else None,
                )
                for learner, mine in learners.items()
            ),
        )


def _by_seed(mine: Mapping[str, Record]) -> dict[int, float]:
    return {r.seed: statistics.fmean(r.test_quality or ()) for r in mine.values()}


def _gain(control: Mapping[str, Record], mine: Mapping[str, Record], shared: bool) -> Mean | None:
    before, after = _by_seed(control), _by_seed(mine)
    gains = {seed: after[seed] - before[seed] for seed in after if seed in before}
    return _mean(gains, _gain_over_tasks(control, mine) if shared else None)


def _gain_over_tasks(control: Mapping[str, Record], mine: Mapping[str, Record]) -> Interval | None:
    """Return what a learner gains, with an interval that allows for other shared examples too."""
    before, after = (
        {r.seed: r.test_quality or () for r in each.values()} for each in (control, mine)
    )
    seeds = before.keys() & after.keys()
    if len(seeds) < 2 or any(len(before[seed]) != len(after[seed]) for seed in seeds):
        return None
    return gain_of(before, after, same_tasks=True).gain


def _mean(values: Mapping[int, float], known: Interval | None = None) -> Mean | None:
    if not values:
        return None
    interval = known or accuracy({seed: [value] for seed, value in values.items()}).over_seeds
    return Mean(statistics.fmean(values.values()), len(values), interval)


def _by_learner(judgement: Judgement, records: Sequence[Record], measured: str) -> Found:
    """Return what a pass left of every learner.

    One that several pairs share is counted with all its timed blocks, but once with every seed of
    a pass that gives the same whenever it is repeated.
    """
    found: Found = {}
    for judged in judgement.pairs:
        pair = judged.pair
        if withheld(judged) is not None or pair.ranks > 1:
            continue
        for member in MEMBERS:
            learner = with_settings(pair.learner(member), dict(pair.learner_settings(member)))
            for record in usable(records, pair, measured, member):  # type: ignore[arg-type]  # a Pass
                known = record.block if measured == "step" else str(record.seed)
                mine = found.setdefault(workload_words(pair), {}).setdefault(learner, {})
                mine.setdefault(known, record)
    return found


def _profiles(judgement: Judgement) -> Iterator[Profile]:
    """Yield performance profiles where learners met each other on more than one workload.

    Learners that share no workload, not even through a third one, are not compared: each set of
    connected learners has a profile of its own.
    """
    times: dict[str, dict[str, float]] = {}
    for judged in judgement.pairs:
        step = judged.ratio("step_time")
        if judged.pair.is_aa or withheld(judged) is not None or step is None:
            continue
        problem = workload_words(judged.pair)
        for name, seconds in zip(member_names(judged), (step.baseline, step.method), strict=True):
            if seconds is not None and seconds > 0:
                known = times.setdefault(name, {}).get(problem, seconds)
                times[name][problem] = min(seconds, known)
    for solvers in _connected(times):
        mine = {solver: times[solver] for solver in solvers}
        problems = {problem for row in mine.values() for problem in row}
        if len(problems) > 1:
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

"""How good every learner on a workload is, how soon it was so, and what it gains over controls."""

from __future__ import annotations

import statistics
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from harness.declare.pair import MEMBERS, workload_words
from harness.declare.point import OWN, key_of
from harness.judge.evidence import Evidence
from harness.judge.judgement import Judgement
from harness.judge.quality.accuracy import accuracy, gain_of
from harness.judge.quality.crossing import target_by_rule
from harness.judge.quality.race import SUSTAINED, Trainings, trainings
from harness.judge.statistics import Interval
from harness.records.seen import CURVE
from harness.studies.side_by_side.costs import Cost, Costs
from harness.studies.side_by_side.learners import FEWEST, by_learner, learner_of


@dataclass(frozen=True)
class Mean:
    """A mean over seeds, with an interval where they are enough for one."""

    value: float
    seeds: int
    interval: Interval | None


@dataclass(frozen=True)
class Standing:
    """How good a learner is, and at what price; a control gains nothing over itself.

    gain     over the first learner of the workload
    beside   over the second control, where there is one
    steps    by which half of its trainings had reached the target
    """

    learner: str
    quality: Mean | None
    gain: Mean | None
    beside: Mean | None
    steps: float | None
    reached: str
    seconds: float | None  # of a step
    peak_bytes: int | None
    seconds_to_target: float | None = field(init=False, default=None)
    """Steps at the timed price of each; derived, since no clock saw a whole training."""

    def __post_init__(self) -> None:
        if self.steps is not None and self.seconds is not None:
            object.__setattr__(self, "seconds_to_target", self.steps * self.seconds)


@dataclass(frozen=True)
class Standings:
    """The learners on a workload; the first is the control, which others' gains are over."""

    workload: str
    metric: str
    higher_is_better: bool
    data: str | None
    target: float | None
    """Which the rule sets by the first learner's curves."""
    control: str | None
    """The second control: a learner that several other pairs have as their baseline."""
    learners: tuple[Standing, ...]


def standings(
    evidence: Evidence, judgement: Judgement, costs: Sequence[Costs]
) -> Iterator[Standings]:
    """Yield the learners on every workload that enough of them were trained on."""
    spent = {of.workload: {each.learner: each for each in of.learners} for of in costs}
    trained = _trained(evidence, judgement)
    for workload, learners in by_learner(judgement, evidence, CURVE).items():
        if len(learners) < FEWEST:
            continue
        control, prices = next(iter(learners)), spent.get(workload, {})
        second = _second(judgement, [each for each in learners if each != control])
        first, _ = next(iter(learners[control].values()))
        higher, shared = (
            first.higher_is_better is not False,
            first.workload in evidence.shared_tasks,
        )
        target = _target(trained[workload][control], higher)
        tasks = {
            learner: {record.seed: seen.test_quality for record, seen in mine.values()}
            for learner, mine in learners.items()
        }
        yield Standings(
            workload,
            first.metric or "quality",
            higher,
            first.data,
            target,
            second,
            tuple(
                Standing(
                    learner,
                    _mean(_by_seed(mine)),
                    _gain(tasks, control, learner, shared),
                    _gain(tasks, second, learner, shared),
                    *_arrival(trained[workload][learner], target, higher),
                    *_price(prices.get(learner)),
                )
                for learner, mine in tasks.items()
            ),
        )


def _second(judgement: Judgement, others: Sequence[str]) -> str | None:
    """Return which of them most pairs have as their baseline, if several have."""
    baselines = Counter(learner_of(each.pair, "baseline") for each in judgement.pairs)
    most = max(others, key=lambda each: baselines[each])
    return most if baselines[most] > 1 else None


def _trained(evidence: Evidence, judgement: Judgement) -> dict[str, dict[str, Trainings]]:
    """Return the trainings of every learner by workload, those that came to no number too."""
    found: dict[str, dict[str, Trainings]] = {}
    for pair in (judged.pair for judged in judgement.pairs):
        for member in MEMBERS:
            mine = trainings(evidence, pair, member).get(key_of(OWN), Trainings())
            of_workload = found.setdefault(workload_words(pair), {})
            if not of_workload.get(learner_of(pair, member), Trainings()).seeds:
                of_workload[learner_of(pair, member)] = mine
    return found


def _target(control: Trainings, higher: bool) -> float | None:
    curves = list(control.curves.values())
    if not curves:
        return None
    return target_by_rule(curves, higher_is_better=higher, sustained=SUSTAINED)


def _arrival(mine: Trainings, target: float | None, higher: bool) -> tuple[float | None, str]:
    if target is None or not mine.seeds:
        return None, ""
    arrivals = mine.to(target, higher)
    return arrivals.steps, arrivals.reached


def _price(cost: Cost | None) -> tuple[float | None, int | None]:
    return (None, None) if cost is None else (cost.seconds, cost.peak_bytes)


Tasks = Mapping[int, tuple[float, ...]]
"""The quality on every test task, by seed."""


def _by_seed(mine: Tasks) -> dict[int, float]:
    return {seed: statistics.fmean(qualities) for seed, qualities in mine.items()}


def _gain(
    tasks: Mapping[str, Tasks], control: str | None, learner: str, shared: bool
) -> Mean | None:
    if control is None or learner == control:
        return None
    before, after = _by_seed(tasks[control]), _by_seed(tasks[learner])
    gains = {seed: after[seed] - before[seed] for seed in after if seed in before}
    return _mean(gains, _gain_over_tasks(tasks[control], tasks[learner]) if shared else None)


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

"""What a step costs every learner on a workload, and which of them no other is ahead of."""

from __future__ import annotations

import statistics
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any

from harness.judge.evidence import Evidence
from harness.judge.judgement import Judgement
from harness.judge.statistics import Interval, median_interval
from harness.records.seen import MEMORY, OPERATIONS, STEP, Memory, Operations, Times
from harness.studies.side_by_side.learners import Known, by_learner


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


def costs(evidence: Evidence, judgement: Judgement) -> Iterator[Costs]:
    timed = by_learner(judgement, evidence, STEP)
    memory = by_learner(judgement, evidence, MEMORY)
    counted = by_learner(judgement, evidence, OPERATIONS)
    for workload in dict.fromkeys((*timed, *memory, *counted)):
        times, peaks, counts = (
            timed.get(workload, {}),
            memory.get(workload, {}),
            counted.get(workload, {}),
        )
        learners = list(dict.fromkeys((*times, *peaks, *counts)))
        tables: tuple[dict[str, Known[Any]], ...] = times, peaks, counts
        about = next(r for table in tables for mine in table.values() for r, _ in mine.values())
        found = (
            _cost(each, times.get(each, {}), peaks.get(each, {}), counts.get(each, {}))
            for each in learners
        )
        yield Costs(workload, about.parameters, about.samples, tuple(_with_front(list(found))))


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

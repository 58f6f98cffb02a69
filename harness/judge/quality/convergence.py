"""Whether a baseline is the real thing: its quality is held to what is published of it.

This is MLPerf's rule of reference convergence points. A gain over a baseline that misses its own
published quality may be a gain over a mistake. One that is there in next to no steps has been shown
something that it should not see.
"""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from statistics import median

from harness.declare.claims import Claim
from harness.declare.convergence import ConvergencePoint
from harness.declare.pair import Pair
from harness.declare.passes import Seen
from harness.declare.point import OWN, Point, PointKey, key_of
from harness.judge.evidence import Evidence, trouble
from harness.judge.quality.accuracy import accuracy
from harness.judge.quality.crossing import time_to_target
from harness.judge.statistics import Interval
from harness.records.record import Record
from harness.records.seen import CURVE, Curve

TOO_SOON = 0.05
"""The share of the published steps within which no baseline gets there honestly. What is published
is when training ended, which may be long after the quality was reached."""

Run = tuple[str, str, str, str]
"""What was trained on what: a learner and a workload, each with its settings."""


class Outcome(StrEnum):
    """How a baseline stands to what is published of it."""

    REACHED = "reached"
    MISSED = "not reached"
    TOO_SOON = "reached too soon"
    UNDECIDED = "undecided"
    TOO_SHORT = "not trained far enough to tell"
    UNMEASURED = "not measured"


INVALID = frozenset({Outcome.MISSED, Outcome.TOO_SOON})


@dataclass(frozen=True)
class Convergence:
    """A baseline's test quality beside what is published of it."""

    baseline: str
    baseline_settings: str
    workload: str
    settings: str  # of the workload
    data: str | None
    metric: str
    published: ConvergencePoint
    allowed: float  # by how much it may miss that
    outcome: Outcome
    reason: str  # one sentence, with figures
    pairs: tuple[str, ...]
    steps: int | None = None  # that it was trained for
    quality: float | None = None
    interval: Interval | None = None  # by which it was decided

    @property
    def invalid(self) -> bool:
        """Whether no verdict may rest on this baseline."""
        return self.outcome in INVALID


@dataclass(frozen=True)
class Convergences:
    """What was found of the baselines that something is published of."""

    found: Mapping[Run, Convergence]
    runs: Mapping[tuple[str, PointKey], Run]
    """What the baseline of a pair was trained on, by the pair's name and the point."""

    def of(self, pair: Pair, point: Point = OWN) -> Convergence | None:
        run = self.runs.get((pair.name, key_of(pair.part_of("baseline", point))))
        return None if run is None else self.found[run]


def convergences(evidence: Evidence) -> Convergences:
    """Hold every baseline to what is published of it; one training serves all of its pairs."""
    runs: dict[tuple[str, PointKey], Run] = {}
    records: dict[Run, list[Record[Seen]]] = {}
    for record in evidence.records:
        if record.member == "baseline" and record.converges is not None:
            run = record.learner, record.learner_settings, record.workload, record.settings
            runs[record.pair, key_of(record.point)] = run
            records.setdefault(run, []).append(record)
    shared = evidence.shared_tasks
    found = {run: _held(run, of, run[2] in shared) for run, of in records.items()}
    return Convergences(found, runs)


def _held(run: Run, records: Sequence[Record[Seen]], same_tasks: bool) -> Convergence:
    first = records[0]
    published = first.converges
    assert published is not None
    curves = {
        record.seed: record.seen
        for record in records
        if isinstance(record.seen, Curve) and trouble(record) is None
    }
    found = Convergence(
        baseline=run[0],
        baseline_settings=run[1],
        workload=run[2],
        settings=run[3],
        data=first.data,
        metric=first.metric or "quality",
        published=published,
        allowed=_allowed(published, first.higher_is_better is not False),
        outcome=Outcome.UNMEASURED,
        reason=_why_unmeasured(records),
        pairs=tuple(dict.fromkeys(record.pair for record in records)),
    )
    if not curves:
        return found
    of_tests = accuracy(
        {seed: seen.test_quality for seed, seen in curves.items()}, same_tasks=same_tasks
    )
    measured = dataclasses.replace(
        found,
        steps=min(seen.curve_steps[-1] for seen in curves.values()),
        quality=of_tests.mean,
        interval=of_tests.over_seeds or of_tests.over_tasks,
    )
    higher = first.higher_is_better is not False
    outcome, reason = _decided(measured, higher, _arrival(curves, published.quality, higher))
    return dataclasses.replace(measured, outcome=outcome, reason=reason)


def _allowed(published: ConvergencePoint, higher: bool) -> float:
    """Return by how much it may be missed: the interval's half, or a claim's margin."""
    if published.half_width is not None:
        return published.half_width
    return Claim.margin if higher else Claim.margin * abs(published.quality)


def _decided(found: Convergence, higher: bool, arrived: float) -> tuple[Outcome, str]:
    """Return the outcome and a sentence; `arrived` is the step at which the quality was there."""
    assert found.quality is not None
    assert found.steps is not None
    published, ends = found.published, [found.quality] * 2
    if found.interval is not None:
        ends = [found.interval.low, found.interval.high]
    short, beyond = sorted((end - published.quality) * (1 if higher else -1) for end in ends)
    told = (
        f"{found.baseline} reached {found.metric} {found.quality:.4g} ({ends[0]:.4g} to "
        f"{ends[1]:.4g}) in {found.steps:,} meta-steps; {published.name} published "
        f"{published.quality:g} in {published.steps:,}"
    )
    if short >= -found.allowed:
        arrived = min(arrived, found.steps) if short >= 0 else arrived
        if arrived <= TOO_SOON * published.steps:
            return Outcome.TOO_SOON, f"{told}, and it was there by step {arrived:,.0f}"
        return Outcome.REACHED, told
    if found.steps < published.steps:
        return Outcome.TOO_SHORT, told
    if beyond < -found.allowed:
        return Outcome.MISSED, f"{told}, which it may miss by {found.allowed:g}"
    return Outcome.UNDECIDED, f"{told}, which it may miss by {found.allowed:g}"


def _arrival(curves: Mapping[int, Curve], target: float, higher: bool) -> float:
    """Return the step by which half of the seeds had reached a quality on validation tasks."""
    crossings = [
        time_to_target(
            list(zip(seen.curve_steps, seen.curve_quality, strict=True)),
            target,
            higher_is_better=higher,
        )
        for seen in curves.values()
    ]
    return median(crossing.at if crossing.reached else math.inf for crossing in crossings)


def _why_unmeasured(records: Sequence[Record[Seen]]) -> str:
    """Say what became of the baseline's training."""
    troubles = [found for r in records if r.measured == CURVE.name and (found := trouble(r))]
    return ": ".join(troubles[0]) if troubles else f"{CURVE.told} was not measured"

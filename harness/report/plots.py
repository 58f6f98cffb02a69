"""What the figures show, as plain data: a figure is made only where there is something to see."""

from __future__ import annotations

import statistics
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TypeVar

from harness.declare.suite import Member
from harness.judge.judgement import Judgement, PairJudgement
from harness.judge.statistics import performance_profile
from harness.records.record import Record
from harness.report.gradient import withheld
from harness.report.units import ratio_interval
from harness.report.words import measure_name, with_settings, workload_words

T = TypeVar("T")

# What one figure holds before it is continued in another one.
MOST_FOREST_ROWS = 28
MOST_PANELS = 5


@dataclass(frozen=True)
class ForestRow:
    """A ratio with its interval; without one, `text` says why."""

    pair: str
    measure: str
    ends: tuple[float, float, float] | None  # low, estimate, high
    text: str
    published: tuple[float, ...] = ()
    is_aa: bool = False


@dataclass(frozen=True)
class ForestPlot:
    rows: tuple[ForestRow, ...]
    floor: float | None


@dataclass(frozen=True)
class Line:
    """One seed's values against steps, or one member's times against targets."""

    member: Member
    xs: tuple[float, ...]
    ys: tuple[float, ...]


@dataclass(frozen=True)
class CurvePanel:
    pair: str
    names: tuple[str, str]
    lines: tuple[Line, ...]
    target: float | None
    metric: str
    inherited: bool


@dataclass(frozen=True)
class CurvePlot:
    panels: tuple[CurvePanel, ...]


@dataclass(frozen=True)
class BlockTime:
    """The intervals of one block, at its place in the order of measuring."""

    member: Member
    place: int
    low: float
    median: float
    high: float


@dataclass(frozen=True)
class RoundPanel:
    pair: str
    names: tuple[str, str]
    blocks: tuple[BlockTime, ...]


@dataclass(frozen=True)
class RoundPlot:
    panels: tuple[RoundPanel, ...]


@dataclass(frozen=True)
class MemoryRow:
    pair: str
    member: Member
    learner: str
    live: float | None
    above: float


@dataclass(frozen=True)
class MemoryPlot:
    rows: tuple[MemoryRow, ...]


@dataclass(frozen=True)
class TargetPanel:
    pair: str
    names: tuple[str, str]
    lines: tuple[Line, ...]
    by_rule: float | None
    metric: str


@dataclass(frozen=True)
class TargetPlot:
    panels: tuple[TargetPanel, ...]


@dataclass(frozen=True)
class ProfilePlot:
    """For each learner, (tau, share of the problems solved within tau of the best time)."""

    steps: tuple[tuple[str, tuple[tuple[float, float], ...]], ...]
    problems: int


Plot = ForestPlot | CurvePlot | RoundPlot | MemoryPlot | TargetPlot | ProfilePlot


def forest_plots(judgement: Judgement) -> Iterator[ForestPlot]:
    """Yield the speed-ups of all pairs; a pair whose check failed appears without any."""
    rows: list[ForestRow] = []
    for judged in judgement.pairs:
        found = _forest_rows(judged)
        if rows and len(rows) + len(found) > MOST_FOREST_ROWS:
            yield ForestPlot(tuple(rows), judgement.noise_floor)
            rows = []
        rows += found
    if any(row.ends for row in rows):
        yield ForestPlot(tuple(rows), judgement.noise_floor)


def curve_plots(judgement: Judgement, records: Sequence[Record]) -> Iterator[CurvePlot]:
    """Yield the validation curves of every pair that has any."""
    panels = []
    for judged in judgement.pairs:
        mine = [r for r in records if r.pair == judged.pair.name and r.measured == "curve"]
        lines = tuple(
            Line(r.member, tuple(map(float, r.curve_steps)), r.curve_quality)  # type: ignore[arg-type]
            for r in mine
            if r.curve_steps and r.curve_quality
        )
        if lines:
            metric = next((r.metric for r in mine if r.metric), "quality")
            inherited = judged.quality is not None and judged.quality.inherited
            panels.append(
                CurvePanel(
                    judged.pair.name, _names(judged), lines, _rule(judged), metric, inherited
                )
            )
    yield from (CurvePlot(chunk) for chunk in _chunks(panels))


def round_plots(
    judgement: Judgement, records: Sequence[Record], plan: Sequence[str]
) -> Iterator[RoundPlot]:
    """Yield the step times of every block in the order in which the plan measured them."""
    places = {block: place for place, block in enumerate(plan)}
    panels = []
    for judged in judgement.pairs:
        timed = sorted(
            (
                r
                for r in records
                if r.pair == judged.pair.name and r.measured == "step" and r.seconds
            ),
            key=lambda r: places.get(r.block, len(places)),
        )
        if not timed or withheld(judged) is not None:
            continue
        blocks = tuple(
            BlockTime(r.member, place, min(s), statistics.median(s), max(s))  # type: ignore[arg-type]
            for place, r in enumerate(timed, 1)
            if (s := r.seconds)
        )
        panels.append(RoundPanel(judged.pair.name, _names(judged), blocks))
    yield from (RoundPlot(chunk) for chunk in _chunks(panels))


def memory_plots(judgement: Judgement, records: Sequence[Record]) -> Iterator[MemoryPlot]:
    """Yield the peak bytes of both members of every pair that was looked at."""
    rows = []
    for judged in judgement.pairs:
        if withheld(judged) is not None:
            continue
        for r in records:
            if r.pair == judged.pair.name and r.measured == "memory" and r.peak_bytes is not None:
                live = None if r.live_bytes is None else float(r.live_bytes)
                rows.append(
                    MemoryRow(r.pair, r.member, r.learner, live, float(r.peak_bytes))  # type: ignore[arg-type]
                )
    yield from (MemoryPlot(chunk) for chunk in _chunks(rows, 2 * 2 * MOST_PANELS))


def target_plots(judgement: Judgement) -> Iterator[TargetPlot]:
    """Yield seconds to target against the target, where a range of targets was reached."""
    panels = []
    for judged in judgement.pairs:
        if withheld(judged) is not None:
            continue
        lines = tuple(
            Line(member, tuple(x for x, _ in points), tuple(y for _, y in points))
            for member, points in (
                ("baseline", [(t.target, t.baseline_seconds) for t in judged.targets]),
                ("method", [(t.target, t.method_seconds) for t in judged.targets]),
            )
            if len(points := [(x, y) for x, y in sorted(points) if y is not None]) > 1
        )
        if lines:
            metric = judged.quality.metric if judged.quality else "quality"
            panels.append(
                TargetPanel(judged.pair.name, _names(judged), lines, _rule(judged), metric)
            )
    yield from (TargetPlot(chunk) for chunk in _chunks(panels))


def profile_plots(judgement: Judgement) -> Iterator[ProfilePlot]:
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
        for name, seconds in zip(_names(judged), (step.baseline, step.method), strict=True):
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
            yield ProfilePlot(steps, profile.problems)


def _forest_rows(judged: PairJudgement) -> list[ForestRow]:
    name, is_aa = judged.pair.name, judged.pair.is_aa
    if withheld(judged) is not None:
        return [ForestRow(name, "", None, "no speed-up shown", (), is_aa)]
    return [
        ForestRow(
            name,
            measure_name(found.measure),
            (found.interval.low, found.interval.estimate, found.interval.high),
            ratio_interval(found.interval),
            tuple(
                sorted({v.published for v in judged.verdicts if v.measure == found.measure})
            ),
            is_aa,
        )
        for found in judged.ratios
        if found.interval is not None and found.interval.low > 0
    ]


def _names(judged: PairJudgement) -> tuple[str, str]:
    pair = judged.pair
    return (
        with_settings(pair.baseline, dict(pair.baseline_settings)),
        with_settings(pair.method, dict(pair.method_settings)),
    )


def _rule(judged: PairJudgement) -> float | None:
    return next((t.target for t in judged.targets if t.by_rule), None)


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


def _chunks(items: Sequence[T], size: int = MOST_PANELS) -> Iterator[tuple[T, ...]]:
    for start in range(0, len(items), size):
        yield tuple(items[start : start + size])

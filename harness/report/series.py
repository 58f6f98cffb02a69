"""From a judgement and its records to the data of figures, where there is something to see."""

from __future__ import annotations

import statistics
from collections.abc import Iterator, Sequence
from typing import TypeVar

from harness.declare.suite import MEMBERS, Member
from harness.judge.blocks import usable
from harness.judge.judgement import Judgement, PairJudgement
from harness.judge.ratios import clocked
from harness.judge.statistics import Interval, performance_profile
from harness.judge.verdicts import Word
from harness.records.record import Record
from harness.report.gradient import NOTHING_TIMED, no_ratio, withheld
from harness.report.plots import (
    BlockTime,
    CurvePanel,
    CurvePlot,
    ForestPlot,
    ForestRow,
    GrowthLine,
    GrowthPlot,
    Line,
    MemoryPlot,
    MemoryRow,
    ProfilePlot,
    RoundPanel,
    RoundPlot,
    TargetPanel,
    TargetPlot,
)
from harness.report.units import ratio_interval
from harness.report.words import measure_name, too_few, with_settings, workload_words

T = TypeVar("T")

# Counts of calls and operations are in the table: they would stretch the axis and blur the times.
DRAWN = ("step_time", "adaptation_time", "steps_to_target", "time_to_target", "peak_bytes")

# Under these words nothing that was measured can be held against what was published.
UNTESTED = (Word.NOT_TESTABLE, Word.INVALID)

# What one figure holds before it is continued in another one.
MOST_FOREST_ROWS = 24
MOST_PANELS = 3
MOST_BARS = 16


def forest_plots(judgement: Judgement) -> Iterator[ForestPlot]:
    """Yield the speed-ups of all pairs, if there are any; one whose check failed shows none."""
    plots: list[list[ForestRow]] = [[]]
    for judged in judgement.pairs:
        found = _forest_rows(judged)
        if plots[-1] and len(plots[-1]) + len(found) > MOST_FOREST_ROWS:
            plots.append([])
        plots[-1] += found
    if any(row.ends for rows in plots for row in rows):
        yield from (ForestPlot(tuple(rows), judgement.noise_floor) for rows in plots)


def curve_plots(judgement: Judgement, records: Sequence[Record]) -> Iterator[CurvePlot]:
    """Yield the validation curves of every pair that has any."""
    panels = []
    for judged in judgement.pairs:
        mine = [r for m in MEMBERS for r in usable(records, judged.pair, "curve", m)]
        lines = tuple(
            Line(r.member, tuple(map(float, r.curve_steps or ())), r.curve_quality or ())
            for r in mine
        )
        if lines:
            metric = mine[0].metric or "quality"
            inherited = judged.quality is not None and judged.quality.inherited
            rule = _rule(judged)
            names = _names(judged)
            panels.append(CurvePanel(judged.pair.name, names, lines, rule, metric, inherited))
    yield from (CurvePlot(chunk) for chunk in _chunks(panels))


def round_plots(
    judgement: Judgement, records: Sequence[Record], plan: Sequence[str]
) -> Iterator[RoundPlot]:
    """Yield the step times of every block in the order in which the plan measured them."""
    places = {block: place for place, block in enumerate(plan)}
    panels = []
    for judged in judgement.pairs:
        if withheld(judged) is not None:
            continue
        timed = sorted(
            (r for m in MEMBERS for r in usable(records, judged.pair, "step", m)),
            key=lambda r: places.get(r.block, len(places)),
        )
        blocks = tuple(
            BlockTime(r.member, place, min(s), statistics.median(s), max(s))
            for place, r in enumerate(timed, 1)
            for s in [r.seconds or ()]
        )
        if blocks:
            panels.append(RoundPanel(judged.pair.name, _names(judged), blocks))
    yield from (RoundPlot(chunk) for chunk in _chunks(panels))


def memory_plots(judgement: Judgement, records: Sequence[Record]) -> Iterator[MemoryPlot]:
    """Yield the peak bytes of both members of every pair that was looked at."""
    rows = []
    for judged in judgement.pairs:
        for member in MEMBERS if withheld(judged) is None else ():
            for r in usable(records, judged.pair, "memory", member)[:1]:
                live = None if r.live_bytes is None else float(r.live_bytes)
                rows.append(MemoryRow(r.pair, member, r.learner, live, float(r.peak_bytes or 0)))
    yield from (MemoryPlot(chunk) for chunk in _chunks(rows, MOST_BARS))


def growth_plots(judgement: Judgement, records: Sequence[Record]) -> Iterator[GrowthPlot]:
    """Yield for every workload the peak bytes of its learners, against the number of inner steps.

    A learner that is in several pairs on a workload is one line, as long as its bytes are the same.
    """
    found: dict[str, dict[GrowthLine, None]] = {}
    for judged in judgement.pairs:
        if withheld(judged) is not None:
            continue
        for member in MEMBERS:
            for r in usable(records, judged.pair, "growth", member)[:1]:
                settings = judged.pair.learner_settings(member)
                name = with_settings(r.learner, dict(settings))
                line = GrowthLine(name, r.growth_steps or (), r.growth_bytes or ())
                found.setdefault(workload_words(judged.pair), {})[line] = None
    for workload, lines in found.items():
        yield GrowthPlot(workload, tuple(sorted(lines, key=lambda line: line.learner)))


def target_plots(judgement: Judgement) -> Iterator[TargetPlot]:
    """Yield seconds to target against the target, where a range of targets was reached."""
    panels = []
    for judged in judgement.pairs:
        if withheld(judged) is not None:
            continue
        reached = {
            "baseline": [(t.target, t.baseline_seconds) for t in judged.targets],
            "method": [(t.target, t.method_seconds) for t in judged.targets],
        }
        lines = tuple(
            line for member in MEMBERS if len((line := _line(member, reached[member])).xs) > 1
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
    instead = no_ratio(judged)
    if instead == NOTHING_TIMED:
        return []
    if instead is not None:
        return [ForestRow(name, "", None, instead.text, (), is_aa)]
    return [
        ForestRow(
            name,
            measure_name(found.measure),
            (found.interval.low, found.interval.estimate, found.interval.high),
            ratio_interval(found.interval) + _few(found.measure, found.interval),
            _published(judged, found.measure),
            is_aa,
        )
        for found in judged.ratios
        if (found.measure in DRAWN or clocked(found.measure))
        and found.interval is not None
        and found.interval.low > 0
    ]


def _published(judged: PairJudgement, measure: str) -> tuple[float, ...]:
    """Return the published values that what was measured here may be held against."""
    return tuple(
        sorted(
            {
                verdict.published
                for verdict in judged.verdicts
                if verdict.measure == measure and verdict.word not in UNTESTED
            }
        )
    )


def _few(measure: str, interval: Interval) -> str:
    return f" (n = {interval.n})" if too_few(measure, interval) else ""


def _names(judged: PairJudgement) -> tuple[str, str]:
    pair = judged.pair
    baseline = with_settings(pair.baseline, dict(pair.baseline_settings))
    if pair.is_aa:
        return baseline, f"{baseline} again"
    method = with_settings(pair.method, dict(pair.method_settings))
    return baseline, method if pair.ranks == 1 else f"{method}, {pair.ranks} ranks"


def _rule(judged: PairJudgement) -> float | None:
    return next((t.target for t in judged.targets if t.by_rule), None)


def _line(member: Member, points: list[tuple[float, float | None]]) -> Line:
    known = sorted((x, y) for x, y in points if y is not None)
    return Line(member, tuple(x for x, _ in known), tuple(y for _, y in known))


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

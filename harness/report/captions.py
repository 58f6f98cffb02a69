"""A figure: what it shows, and the words that stand for it beside it and in its place."""

from __future__ import annotations

import statistics
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from harness.declare.suite import MEMBERS
from harness.judge.judgement import Judgement
from harness.judge.statistics import MIN_ROUNDS
from harness.records.manifest import Manifest
from harness.records.record import Record
from harness.report import series
from harness.report.plots import (
    CurvePlot,
    ForestPlot,
    GrowthPlot,
    HistoryLine,
    HistoryPanel,
    HistoryPlot,
    MemoryPlot,
    Plot,
    ProfilePlot,
    RankPoint,
    RoundPlot,
    ScalingPlot,
    SizePlot,
    TargetPlot,
    VariantPlot,
    VariantPoint,
)
from harness.report.units import UNKNOWN, count, percent, quantity, ratio, significant
from harness.report.words import listed
from harness.studies.memory.sizes import size_plots
from harness.studies.ranks.series import scaling_plots
from harness.studies.variants.series import variant_plots

# Beyond this many values a text alternative is no longer listened to; the tables hold them all.
MOST_VALUES = 12


@dataclass(frozen=True)
class Figure:
    """A figure's file name, its caption, its text alternative and its data."""

    name: str
    title: str
    caption: str
    alternative: str
    plot: Plot


def describe_figures(
    manifest: Manifest, records: Sequence[Record], judgement: Judgement
) -> tuple[Figure, ...]:
    """Return the figures that have data, in the order of the report."""
    return (
        *figures_of("speedups", series.forest_plots(judgement)),
        *figures_of("curves", series.curve_plots(judgement, records)),
        *figures_of("targets", series.target_plots(judgement)),
        *figures_of("rounds", series.round_plots(judgement, records, manifest.plan)),
        *figures_of("memory", series.memory_plots(judgement, records)),
        *figures_of("sizes", size_plots(judgement, records)),
        *figures_of("growth", series.growth_plots(judgement, records)),
        *figures_of("profile", series.profile_plots(judgement)),
        *figures_of("scaling", scaling_plots(judgement)),
        *figures_of("variants", variant_plots(judgement)),
    )


def figures_of(name: str, found: Iterable[Plot]) -> list[Figure]:
    """Return a figure for every plot of a kind, numbered where there are several."""
    made = list(found)
    return [
        Figure(
            name if number == 1 else f"{name}-{number}",
            _title(plot) + (f" ({number} of {len(made)})" if len(made) > 1 else ""),
            _caption(plot),
            _alternative(plot),
            plot,
        )
        for number, plot in enumerate(made, 1)
    ]


def _title(plot: Plot) -> str:
    match plot:
        case ForestPlot():
            return "Speed-ups"
        case CurvePlot():
            return "Learning curves"
        case TargetPlot():
            return "Time to a range of targets"
        case RoundPlot():
            return "Step times in measuring order"
        case MemoryPlot():
            return "Peak memory"
        case GrowthPlot():
            return "Peak memory against inner steps"
        case SizePlot():
            return "Peak memory against the size of the model"
        case ProfilePlot():
            return "Performance profile"
        case ScalingPlot():
            return "Scaling over ranks"
        case HistoryPlot(subject=subject):
            return f"Over commits: {subject}"
        case VariantPlot():
            return "Variants: quality against time"


def _caption(plot: Plot) -> str:
    match plot:
        case ForestPlot(rows=rows, floor=floor):
            text = (
                "Baseline over method with 95 % intervals, on a logarithmic axis; right of 1 the "
                "method is better."
            )
            if any("(n = " in row.text for row in rows):
                text += (
                    f" n: on fewer than {MIN_ROUNDS} values, whose span stands in place of an "
                    "interval."
                )
            if any(row.published for row in rows):
                text += " Diamonds mark published values."
            if any(row.is_aa for row in rows):
                text += " Open points are A/A pairs: a baseline against itself."
            if floor is None:
                return f"{text} The noise floor is unknown."
            return f"{text} The band around 1 is the noise floor of {percent(floor)}."
        case CurvePlot(panels=panels):
            text = "Validation quality of each seed (thin) and their median (thick)."
            if any(panel.target is not None for panel in panels):
                text += " The dotted line is the target set by rule."
            return text
        case TargetPlot():
            return (
                "Median seconds to the first sustained crossing, over a range of targets; the "
                "dotted line is the target set by rule. A line ends where fewer than half of the "
                "seeds got there."
            )
        case RoundPlot():
            return (
                "Median time of a step in each block with the span of its intervals, in the order "
                "in which the blocks were measured. Drift of the machine would bend both alike."
            )
        case MemoryPlot():
            return (
                "Bytes alive at the start of a step (muted: state and data) and the peak above "
                "them during it (full colour), from a pass of their own."
            )
        case GrowthPlot(workload=workload):
            return (
                f"Peak bytes above those at a step's start, on {workload} with other numbers of "
                "inner steps; both axes are logarithmic. Counts, which have no interval."
            )
        case SizePlot(workload=workload, setting=setting):
            return (
                f"Peak bytes above those at a step's start, on {workload} by the size of the model "
                f"that is trained (setting {setting}); both axes are logarithmic. Counts, which "
                "have no interval."
            )
        case ProfilePlot(problems=problems):
            return (
                f"Share of {count(problems, 'workload')} on which a learner's step takes at most "
                "a given multiple of the best learner's time. Higher and further left is better; "
                "a learner that was not run on a workload counts as not solving it."
            )
        case ScalingPlot(names=(baseline, method), predicted=predicted):
            text = (
                f"Above: how many times the speed of {baseline} in one process {method} has on so "
                "many ranks, measured, with 95 % intervals"
            )
            text += (
                "; dashed, what a model predicts of ranks that each have cores of their own, with "
                "its interval. Predictions enter no verdict. "
                if predicted
                else ". Nothing is predicted. "
            )
            return (
                f"{text}Below: tasks a second and rank, as a share of one rank's. Open points were "
                "held out from the model."
            )
        case HistoryPlot(machine=machine, panels=panels):
            return _history_caption(machine, panels)
        case VariantPlot(about=about, metric=metric):
            return (
                f"Every variant of {about}: {metric} on test tasks against the time of adapting to "
                "one task, on a logarithmic axis. Bars are 95 % intervals, over tasks and over "
                "rounds. The diamond is the fastest of those that lose no more than the margin on "
                "validation tasks; published variants have marks of their own. The baseline "
                "stands at the full variant's quality, which is its own."
            )


def _alternative(plot: Plot) -> str:
    match plot:
        case ForestPlot(rows=rows):
            return "Dot plot of ratios. " + _joined(
                f"{row.pair}{', ' + row.measure if row.measure else ''}: {row.text}"
                + (
                    f", published {listed([ratio(p) for p in row.published])}"
                    if row.published
                    else ""
                )
                for row in rows
            )
        case CurvePlot(panels=panels):
            return f"Line plot of validation {panels[0].metric} against meta-steps. " + _joined(
                f"{panel.pair}: the {panel.names[member == 'method']} reaches "
                f"{significant(statistics.median(ends))} after {quantity(last, 'steps')}"
                + (f", the median of {count(len(ends), 'seed')}" if len(ends) > 1 else "")
                for panel in panels
                for member in MEMBERS
                if (ends := [line.ys[-1] for line in panel.lines if line.member == member])
                for last in [max(line.xs[-1] for line in panel.lines if line.member == member)]
            )
        case TargetPlot(panels=panels):
            return "Line plot of seconds against target. " + _joined(
                f"{panel.pair}: {panel.names[line.member == 'method']} takes "
                f"{quantity(line.ys[0], 's')} to {significant(line.xs[0])} and "
                f"{quantity(line.ys[-1], 's')} to {significant(line.xs[-1])}"
                for panel in panels
                for line in panel.lines
            )
        case RoundPlot(panels=panels):
            return "Plot of step times by block. " + _joined(
                f"{panel.pair}: {panel.names[member == 'method']} between {_span(medians)} in "
                f"{count(len(medians), 'block')}"
                for panel in panels
                for member in MEMBERS
                if (medians := [b.median for b in panel.blocks if b.member == member])
            )
        case MemoryPlot(rows=rows):
            return "Bar chart of bytes. " + _joined(
                f"{row.pair}, {row.learner}: {quantity(row.above, 'bytes')} above "
                f"{quantity(row.live, 'bytes') if row.live is not None else UNKNOWN} at the start"
                for row in rows
            )
        case GrowthPlot(lines=lines):
            return "Line plot of bytes against inner steps. " + _joined(
                f"{line.learner}: {quantity(line.peaks[0], 'bytes')} at "
                f"{count(line.steps[0], 'inner step')}, {quantity(line.peaks[-1], 'bytes')} at "
                f"{line.steps[-1]}"
                for line in lines
            )
        case SizePlot(lines=lines):
            return "Line plot of bytes against parameters. " + _joined(
                f"{line.learner}: {quantity(line.peaks[0], 'bytes')} at {line.parameters[0]} "
                f"parameters, {quantity(line.peaks[-1], 'bytes')} at {line.parameters[-1]}"
                for line in lines
            )
        case ProfilePlot(steps=steps):
            return "Step plot of shares. " + _joined(
                f"{solver}: the best on {percent(line[0][1])}, within {ratio(line[-1][0])} of the "
                f"best on {percent(line[-1][1])}"
                for solver, line in steps
            )
        case ScalingPlot(speedups=speedups, predicted=predicted, strong=strong, weak=weak):
            parts = [
                f"measured speed-up {_by_rank(speedups)}",
                f"efficiency, strong {_by_rank(strong)}",
                f"efficiency, weak {_by_rank(weak)}",
            ]
            if predicted:
                parts.append(f"predicted speed-up {_by_rank(predicted[-1:])}")
            return "Plots against ranks. " + _joined(parts)
        case HistoryPlot(panels=panels):
            return "Line plot over commits. " + _joined(
                f"{panel.measure} from {line.commits[0]} to {line.commits[-1]}: "
                f"{_history_ends(panel, line)}, with {count(len(line.marks), 'change')}"
                for panel in panels
                for line in panel.lines
            )
        case VariantPlot(pair=pair, panels=panels):
            return f"Dot plot of quality against time, {pair}. " + _joined(
                f"{count(panel.steps, 'inner step')}: {_point(point)}"
                for panel in panels
                for point in (*panel.points, *([panel.baseline] if panel.baseline else []))
                if point.known_as or point is panel.baseline or point.name == panel.chosen
            )


def _by_rank(points: Sequence[RankPoint]) -> str:
    return listed([f"{significant(p.ends[1])} at {p.ranks}" for p in points]) or UNKNOWN


def _history_caption(machine: str, panels: Sequence[HistoryPanel]) -> str:
    text = f"On {machine}, from left to right commit by commit."
    if any(panel.unit is None for panel in panels):
        text += (
            " Times are multiples of a line's first commit (open point), by ratios of head over "
            "base that one job measured each. Bands hold together with the intervals of the "
            "changes, so a line whose band leaves 1 has changed; the dashed line holds the changes "
            "alone."
        )
    if any(line.marks for panel in panels for line in panel.lines):
        text += " Triangles mark changes, up for more and down for less."
    if any(len(panel.lines) > 1 for panel in panels):
        text += (
            " Grey gaps were not measured: no line and no change crosses them, and times begin "
            "anew at 1."
        )
    return text


def _history_ends(panel: HistoryPanel, line: HistoryLine) -> str:
    ends = line.values[0], line.values[-1]
    first, last = (ratio(x) if panel.unit is None else quantity(x, panel.unit) for x in ends)
    return f"{first} to {last}"


def _point(point: VariantPoint) -> str:
    name = f"{point.name}{f' ({point.known_as})' if point.known_as else ''}"
    return f"{name} {significant(point.quality[1])} in {quantity(point.seconds[1], 's')}"


def _span(values: list[float]) -> str:
    return f"{quantity(min(values), 's')} and {quantity(max(values), 's')}"


def _joined(parts: Iterable[str]) -> str:
    texts = list(parts)
    more = len(texts) - MOST_VALUES
    shown = "; ".join(texts[:MOST_VALUES])
    return f"{shown}; and {more} more, in the tables." if more > 0 else f"{shown}."

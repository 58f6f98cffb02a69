"""From selections to the data of their figure: every variant's quality against its time."""

from __future__ import annotations

from collections.abc import Iterator

from harness.judge.judgement import At, Judgement, PairJudgement, Selection
from harness.judge.statistics import Interval
from harness.report.gradient import withheld
from harness.report.plots import Ends, VariantPanel, VariantPlot, VariantPoint
from harness.report.words import trained_words, with_settings, workload_words


def variant_plots(judgement: Judgement) -> Iterator[VariantPlot]:
    """Yield a figure for every pair whose variants have both quality and time."""
    for judged in judgement.pairs:
        if judged.selection is None or withheld(judged) is not None:
            continue
        panels = [
            _panel(judged.selection, column) for column in range(len(judged.selection.baseline.at))
        ]
        drawn = tuple(panel for panel in panels if panel.points)
        if drawn:
            about = _about(judged, judged.selection)
            yield VariantPlot(judged.pair.name, about, judged.selection.metric, drawn)


def _about(judged: PairJudgement, selection: Selection) -> str:
    method = with_settings(judged.pair.method, dict(judged.pair.method_settings))
    return f"{method} on {workload_words(judged.pair)}{trained_words(selection.trained_at)}"


def _panel(selection: Selection, column: int) -> VariantPanel:
    steps = selection.baseline.at[column].steps
    choice = selection.choice(selection.margin, steps)
    full = next(row.at[column] for row in selection.rows if row.name == selection.full)
    points = [
        VariantPoint(row.name, row.known_as, *ends)
        for row in selection.rows
        if (ends := _ends(row.at[column], row.at[column]))
    ]
    baseline = _ends(selection.baseline.at[column], full)
    return VariantPanel(
        steps,
        tuple(points),
        VariantPoint(selection.baseline.name, "", *baseline) if baseline else None,
        choice.variant if choice is not None else None,
    )


def _ends(timed: At, judged: At) -> tuple[Ends, Ends] | None:
    """Return the ends of a time and of a quality; the baseline's quality is the full variant's."""
    if timed.seconds is None or judged.quality is None:
        return None
    quality = judged.quality
    known = _of(judged.over_tasks) if judged.over_tasks is not None else (quality, quality, quality)
    return _of(timed.seconds), known


def _of(interval: Interval) -> Ends:
    return interval.low, interval.estimate, interval.high

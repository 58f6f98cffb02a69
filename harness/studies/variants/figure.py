"""The figure of variants: one panel for each number of inner steps."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, ClassVar

from matplotlib.axes import Axes
from matplotlib.figure import Figure as Canvas
from matplotlib.lines import Line2D
from matplotlib.ticker import MaxNLocator

from harness.declare.pair import with_settings, workload_words
from harness.judge.judgement import Judgement, PairJudgement
from harness.judge.statistics import Interval
from harness.report.figures.axes import legend_above, log_axis, panels
from harness.report.figures.figure import Figure, told
from harness.report.figures.svg import (
    BASELINE,
    GRID,
    INK,
    MARK,
    METHOD,
    METHOD_LIGHT,
    OTHERS,
    PAPER,
)
from harness.report.units import count, quantity, scale, significant
from harness.report.words import shorten
from harness.studies.variants.finding import At, Selection, trained_words

HEIGHT = 1.35
# Of published variants, in the order in which they first appear.
MARKS = ("^", "v", "P", "X", "<", ">")


Ends = tuple[float, float, float]
"""Low, estimate, high."""


@dataclass(frozen=True)
class VariantPoint:
    name: str
    known_as: str
    seconds: Ends
    quality: Ends


@dataclass(frozen=True)
class VariantPanel:
    """All variants at a number of inner steps, the baseline, and the one that was chosen."""

    steps: int
    points: tuple[VariantPoint, ...]
    baseline: VariantPoint | None
    chosen: str | None


@dataclass(frozen=True)
class Variants(Figure):
    kind: ClassVar[str] = "variants"

    pair: str
    about: str
    metric: str
    panels: tuple[VariantPanel, ...]

    @property
    def title(self) -> str:
        return "Variants: quality against time"

    @property
    def caption(self) -> str:
        return (
            f"Every variant of {self.about}: {self.metric} on test tasks against the time of "
            "adapting to one task, on a logarithmic axis. Bars are 95 % intervals over tasks and "
            "over rounds. The diamond is the fastest variant that loses no more than the margin on "
            "validation tasks; published variants have their own marks. The baseline has the "
            "quality of the full variant, which adapts as it does."
        )

    @property
    def alternative(self) -> str:
        return f"Dot plot of quality against time, {self.pair}. " + told(
            f"{count(panel.steps, 'inner step')}: {_point(point)}"
            for panel in self.panels
            for point in (*panel.points, *([panel.baseline] if panel.baseline else []))
            if point.known_as or point is panel.baseline or point.name == panel.chosen
        )

    def draw(self) -> Canvas:
        """Draw one panel for each number of inner steps."""
        names = dict.fromkeys(
            p.known_as for panel in self.panels for p in panel.points if p.known_as
        )
        marks = {name: MARKS[number % len(MARKS)] for number, name in enumerate(names)}
        canvas, axes = panels(len(self.panels), height=HEIGHT, head=0.46)
        for ax, panel in zip(axes, self.panels, strict=True):
            _draw(ax, panel, marks, self.metric)
            head = count(panel.steps, "inner step")
            ax.annotate(
                f"{shorten(self.pair, 40)}, {head}" if ax is axes[0] else head,
                (0, 1),
                xycoords="axes fraction",
                xytext=(-1, 17 if ax is axes[0] else 3),
                textcoords="offset points",
                weight="bold",
                va="bottom",
            )
        legend_above(
            axes[0],
            handles=_handles(self.panels[0], marks),
            ncols=5,
            borderaxespad=0.3,
            handlelength=1.0,
            handletextpad=0.3,
            columnspacing=0.9,
        )
        axes[-1].set_xlabel(f"{axes[-1].get_xlabel()} of adapting to one task (log scale)")
        return canvas


def variants(judgement: Judgement) -> Iterator[Variants]:
    """Yield a figure for every pair whose variants have both quality and time."""
    for judged in judgement.pairs:
        selection: Selection | None = judged.studies.get("variants")
        if selection is None:
            continue
        found = [_panel(selection, column) for column in range(len(selection.baseline.at))]
        drawn = tuple(panel for panel in found if panel.points)
        if drawn:
            about = _about(judged, selection)
            yield Variants(judged.pair.name, about, selection.metric, drawn)


def _about(judged: PairJudgement, selection: Selection) -> str:
    method = with_settings(judged.pair.method, dict(judged.pair.method_settings))
    trained = trained_words(selection.trained_at)
    return f"{method} on {workload_words(judged.pair)}" + (f", {trained}" if trained else "")


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


def _point(point: VariantPoint) -> str:
    name = f"{point.name}{f' ({point.known_as})' if point.known_as else ''}"
    return f"{name} {significant(point.quality[1])} in {quantity(point.seconds[1], 's')}"


def _draw(ax: Axes, panel: VariantPanel, marks: dict[str, str], metric: str) -> None:
    factor, unit = scale(max(point.seconds[2] for point in panel.points), "s")
    every = [*panel.points, *([panel.baseline] if panel.baseline else [])]
    for point in every:
        low, middle, high = (end / factor for end in point.seconds)
        of_method = point is not panel.baseline
        bars: dict[str, Any] = {
            "color": METHOD_LIGHT if of_method else BASELINE,
            "linewidth": 0.6,
            "zorder": 1,
        }
        ax.plot([low, high], [point.quality[1]] * 2, **bars)
        ax.plot([middle, middle], [point.quality[0], point.quality[2]], **bars)
        look = _look(point, marks) if of_method else _baseline_look()
        ax.plot(middle, point.quality[1], **look)
        if of_method and point.name == panel.chosen:
            _mark_choice(ax, point, middle)
    times = [end / factor for point in every for end in point.seconds]
    log_axis(ax, "x", times, pad=1.15)
    ax.set_xlabel(unit)
    ax.set_ylabel(shorten(metric, 22))
    ax.yaxis.set_major_locator(MaxNLocator(5))
    ax.grid(axis="y", color=GRID, linewidth=0.4)
    ax.margins(y=0.12)


def _mark_choice(ax: Axes, point: VariantPoint, x: float) -> None:
    ax.plot(
        x,
        point.quality[1],
        "D",
        markersize=6.5,
        markerfacecolor="none",
        markeredgecolor=MARK,
        markeredgewidth=1.0,
        zorder=5,
    )
    ax.annotate(
        f"chosen: {shorten(point.name, 20)}",
        (x, point.quality[1]),
        xytext=(0, -8),
        textcoords="offset points",
        ha="center",
        va="top",
        color=MARK,
        fontsize=6.5,
        zorder=6,
        bbox={"facecolor": PAPER, "edgecolor": "none", "pad": 0.6},
    )


def _look(point: VariantPoint, marks: dict[str, str]) -> dict[str, Any]:
    if point.known_as:
        return {
            "marker": marks[point.known_as],
            "color": OTHERS[0],
            "markersize": 4.4,
            "markeredgewidth": 0,
            "linewidth": 0,
            "zorder": 4,
        }
    return {
        "marker": "o",
        "color": METHOD,
        "markersize": 2.4,
        "markeredgewidth": 0,
        "linewidth": 0,
        "zorder": 3,
    }


def _baseline_look() -> dict[str, Any]:
    return {
        "marker": "s",
        "color": BASELINE,
        "markerfacecolor": PAPER,
        "markersize": 4.2,
        "markeredgewidth": 0.9,
        "linewidth": 0,
        "zorder": 4,
    }


def _handles(panel: VariantPanel, marks: dict[str, str]) -> list[Line2D]:
    known = {point.known_as: point for point in panel.points if point.known_as}
    handles = [Line2D([], [], **_look(point, marks), label=name) for name, point in known.items()]
    if panel.baseline is not None:
        name = shorten(panel.baseline.name, 18)
        handles.append(Line2D([], [], **_baseline_look(), label=name))
    other = VariantPoint("", "", (0, 0, 0), (0, 0, 0))
    handles.append(Line2D([], [], **_look(other, marks), label="others", markeredgecolor=INK))
    return handles

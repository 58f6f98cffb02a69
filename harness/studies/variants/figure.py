"""The figure of variants: one panel for each number of inner steps."""

from __future__ import annotations

from typing import Any

from matplotlib.axes import Axes
from matplotlib.figure import Figure as Canvas
from matplotlib.lines import Line2D
from matplotlib.ticker import MaxNLocator

from harness.report.axes import log_axis, panels
from harness.report.plots import VariantPanel, VariantPlot, VariantPoint
from harness.report.svg import BASELINE, GRID, INK, MARK, METHOD, METHOD_LIGHT, OTHERS, PAPER
from harness.report.units import count, scale
from harness.report.words import shorten

HEIGHT = 1.35
# Of published variants, in the order in which they first appear.
MARKS = ("^", "v", "P", "X", "<", ">")


def draw_variants(plot: VariantPlot) -> Canvas:
    names = dict.fromkeys(p.known_as for panel in plot.panels for p in panel.points if p.known_as)
    marks = {name: MARKS[number % len(MARKS)] for number, name in enumerate(names)}
    canvas, axes = panels(len(plot.panels), height=HEIGHT, head=0.46)
    for ax, panel in zip(axes, plot.panels, strict=True):
        _draw(ax, panel, marks, plot.metric)
        head = count(panel.steps, "inner step")
        ax.annotate(
            f"{shorten(plot.pair, 40)}, {head}" if ax is axes[0] else head,
            (0, 1),
            xycoords="axes fraction",
            xytext=(-1, 17 if ax is axes[0] else 3),
            textcoords="offset points",
            weight="bold",
            va="bottom",
        )
    axes[0].legend(
        handles=_handles(plot.panels[0], marks),
        loc="lower left",
        bbox_to_anchor=(-0.02, 1.0),
        ncols=5,
        borderaxespad=0.3,
        borderpad=0,
        handlelength=1.0,
        handletextpad=0.3,
        columnspacing=0.9,
    )
    axes[-1].set_xlabel(f"{axes[-1].get_xlabel()} of adapting to one task (log scale)")
    return canvas


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

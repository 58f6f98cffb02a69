"""The figure of scaling: predictions are dashed and labelled, and never joined to measurements."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from matplotlib.axes import Axes
from matplotlib.figure import Figure as Canvas

from harness.report.axes import headline, log_axis, panels
from harness.report.plots import RankPoint, ScalingPlot
from harness.report.svg import GRID, INK, MARK, METHOD, METHOD_LIGHT, MUTED, OTHERS, PAPER
from harness.report.units import ratio
from harness.report.words import shorten

STRONG = {"color": METHOD, "marker": "s"}
WEAK = {"color": OTHERS[0], "marker": "^"}
PREDICTED: dict[str, Any] = {"color": METHOD, "linestyle": (0, (3, 1.6)), "linewidth": 1.0}


def draw_scaling(plot: ScalingPlot) -> Canvas:
    """Draw speed-ups against ranks, and below them what share of each rank is not lost."""
    canvas, (above, below) = panels(2, height=1.35, head=0.36)
    everything = (*plot.speedups, *plot.predicted, *plot.strong, *plot.weak)
    ranks = sorted({float(point.ranks) for point in everything})
    for ax in (above, below):
        log_axis(ax, "x", ranks, pad=1.12, ticks=_doublings(ranks))
        ax.grid(axis="y", color=GRID, linewidth=0.4)
    _speedups(above, plot)
    _efficiencies(below, plot)
    below.set_xlabel("ranks (log scale)")
    headline(above, shorten(plot.pair, 52))
    return canvas


def _speedups(ax: Axes, plot: ScalingPlot) -> None:
    if plot.predicted:
        xs = [point.ranks for point in plot.predicted]
        low, middle, high = zip(*(point.ends for point in plot.predicted), strict=True)
        ax.fill_between(xs, low, high, color=METHOD_LIGHT, alpha=0.45, linewidth=0)
        ax.plot(xs, middle, **PREDICTED, label="predicted, a core for each thread")
    _measured(ax, plot.speedups, STRONG, "measured here")
    ends = [end for p in (*plot.speedups, *plot.predicted) for end in p.ends]
    log_axis(ax, "y", [*ends, *plot.published], pad=1.15)
    for published in plot.published:
        ax.axhline(published, color=MARK, linewidth=0.7, linestyle=(0, (1, 1.5)))
        ax.annotate(
            f"published {ratio(published)}",
            (1, published),
            xycoords=("axes fraction", "data"),
            xytext=(-1, 1.5),
            textcoords="offset points",
            ha="right",
            va="bottom",
            color=MARK,
            fontsize=6,
        )
    _crowded(ax, plot)
    ax.set_ylabel("speed-up (log)")
    _legend(ax)


def _efficiencies(ax: Axes, plot: ScalingPlot) -> None:
    ax.axhline(1, color=MUTED, linewidth=0.6)
    _measured(ax, plot.strong, STRONG, f"strong: {plot.batch} tasks a step")
    _measured(ax, plot.weak, WEAK, f"weak: {plot.share} tasks a rank")
    _crowded(ax, plot)
    ends = [point.ends[2] for point in (*plot.strong, *plot.weak)]
    ax.set_ylim(0, 1.1 * max(1.0, *ends))
    ax.set_ylabel("efficiency")
    _legend(ax)


def _measured(ax: Axes, points: Sequence[RankPoint], look: dict[str, str], label: str) -> None:
    """Draw points with their intervals, those that the model did not see open."""
    for number, point in enumerate(points):
        low, middle, high = point.ends
        ax.plot([point.ranks] * 2, [low, high], color=look["color"], linewidth=0.9)
        ax.plot(
            point.ranks,
            middle,
            look["marker"],
            color=look["color"],
            markersize=3.6,
            markerfacecolor=PAPER if point.held_out else look["color"],
            markeredgewidth=0.8,
            zorder=4,
            label=label if number == 0 else None,
        )


def _crowded(ax: Axes, plot: ScalingPlot) -> None:
    """Mark where there are more ranks than this machine has cores for."""
    if plot.cores is None or plot.threads is None:
        return
    seats = plot.cores // plot.threads
    if max(point.ranks for point in plot.strong or plot.weak) > seats:
        ax.axvline(seats * 2**0.12, color=MUTED, linewidth=0.5, linestyle=(0, (2, 2)))
        ax.annotate(
            "cores shared",
            (seats * 2**0.12, 0),
            xycoords=("data", "axes fraction"),
            xytext=(2, 2),
            textcoords="offset points",
            color=INK,
            fontsize=6,
        )


def _legend(ax: Axes) -> None:
    ax.legend(
        loc="lower left",
        bbox_to_anchor=(-0.02, 1.0),
        ncols=2,
        borderaxespad=0.1,
        borderpad=0,
        handlelength=2.0,
        handletextpad=0.4,
        columnspacing=1.2,
    )


def _doublings(ranks: Sequence[float]) -> list[float]:
    found = [1.0]
    while found[-1] * 2 <= max(ranks):
        found.append(found[-1] * 2)
    return found

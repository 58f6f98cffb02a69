"""The figures, drawn for one column of a paper."""

from __future__ import annotations

import math
import statistics
from collections.abc import Sequence

from matplotlib.axes import Axes
from matplotlib.figure import Figure as Canvas
from matplotlib.lines import Line2D
from matplotlib.ticker import FixedFormatter, FixedLocator, MaxNLocator, NullLocator

from harness.report.captions import Figure
from harness.report.plots import (
    CurvePlot,
    ForestPlot,
    Line,
    MemoryPlot,
    ProfilePlot,
    RoundPlot,
    TargetPlot,
)
from harness.report.svg import (
    BAND,
    BASELINE,
    BASELINE_LIGHT,
    GRID,
    INK,
    MARK,
    METHOD,
    METHOD_LIGHT,
    MUTED,
    OTHERS,
    PAPER,
    WIDTH_IN,
    style,
    to_svg,
)
from harness.report.units import quantity, scale, significant
from harness.report.words import shorten

COLOUR = {"baseline": BASELINE, "method": METHOD}
LIGHT = {"baseline": BASELINE_LIGHT, "method": METHOD_LIGHT}
MARKER = {"baseline": "o", "method": "s"}
LINE = {"baseline": (0, (4, 1.2)), "method": "solid"}

# In inches.
ROW = 0.15
PANEL = 1.05
GAP = 0.62


def draw(figure: Figure) -> str:
    """Return the figure as SVG text."""
    with style():
        match figure.plot:
            case ForestPlot():
                canvas = _forest(figure.plot)
            case CurvePlot():
                canvas = _curves(figure.plot)
            case RoundPlot():
                canvas = _rounds(figure.plot)
            case MemoryPlot():
                canvas = _memory(figure.plot)
            case TargetPlot():
                canvas = _targets(figure.plot)
            case ProfilePlot():
                canvas = _profile(figure.plot)
        return to_svg(canvas, figure.name, figure.title, figure.alternative)


def _forest(plot: ForestPlot) -> Canvas:
    labels = _headed([(row.pair, row.measure) for row in plot.rows])
    canvas, ax = _list_axes(len(labels), left=0.33, right=0.70)
    places = _write_labels(canvas, ax, labels)
    values = [1.0]
    if plot.floor is not None:
        ends = (max(1 - plot.floor, 0.01), 1 + plot.floor)
        ax.axvspan(*ends, color=BAND, linewidth=0, zorder=0)
        values += ends
    ax.axvline(1, color=MUTED, linewidth=0.6, zorder=1)
    for row, y in zip(plot.rows, places, strict=True):
        _write(canvas, ax, 0.99, y, row.text, right=True, colour=INK if row.ends else MUTED)
        if row.ends is None:
            continue
        low, middle, high = row.ends
        values += [low, high, *row.published]
        colour = BASELINE if row.is_aa else METHOD
        ax.plot([low, high], [y, y], color=colour, linewidth=1.1, solid_capstyle="butt", zorder=3)
        ax.plot(middle, y, "o", color=colour, markerfacecolor=PAPER if row.is_aa else colour,
                markeredgewidth=0.8, zorder=4)  # fmt: skip
        for published in row.published:
            ax.plot(published, y, "D", markersize=3.6, markerfacecolor=PAPER,
                    markeredgecolor=MARK, markeredgewidth=0.9, zorder=5)  # fmt: skip
    _log_axis(ax, "x", values, pad=1.12)
    ax.set_xlabel("baseline / method (log scale)")
    return canvas


def _curves(plot: CurvePlot) -> Canvas:
    canvas, axes = _panels(len(plot.panels))
    for ax, panel in zip(axes, plot.panels, strict=True):
        for member in ("baseline", "method"):
            lines = [line for line in panel.lines if line.member == member]
            for line in lines:
                ax.plot(line.xs, line.ys, color=COLOUR[member], linewidth=0.5, alpha=0.45)
            for xs, ys in _medians(lines):
                ax.plot(xs, ys, color=COLOUR[member], linestyle=LINE[member], linewidth=1.3,
                        marker=MARKER[member] if len(xs) == 1 else None)  # fmt: skip
        if panel.target is not None:
            ax.axhline(panel.target, color=MARK, linewidth=0.7, linestyle=(0, (2, 2)))
            ax.annotate("target", (1, panel.target), xycoords=("axes fraction", "data"),
                        xytext=(0, 1.5), textcoords="offset points", ha="right", va="bottom",
                        color=MARK, fontsize=6)  # fmt: skip
        drawn = {line.member for line in panel.lines}
        second = "method" in drawn
        note = " (inherits)" if panel.inherited and not second else ""
        _panel_head(ax, panel.pair, (panel.names[0], panel.names[1] + note),
                    shown=("baseline" in drawn, second or panel.inherited),
                    markers=False)  # fmt: skip
        ax.set_ylabel(shorten(panel.metric, 22))
        ax.yaxis.set_major_locator(MaxNLocator(4))
        ax.grid(axis="y", color=GRID, linewidth=0.4)
        ax.margins(x=0.01, y=0.12)
    axes[-1].set_xlabel("meta-steps")
    return canvas


def _rounds(plot: RoundPlot) -> Canvas:
    canvas, axes = _panels(len(plot.panels))
    for ax, panel in zip(axes, plot.panels, strict=True):
        top = max(block.high for block in panel.blocks)
        factor, unit = scale(top, "s")
        for block in panel.blocks:
            colour = COLOUR[block.member]
            ax.plot([block.place] * 2, [block.low / factor, block.high / factor],
                    color=colour, linewidth=0.7, solid_capstyle="butt")  # fmt: skip
            ax.plot(block.place, block.median / factor, MARKER[block.member], color=colour,
                    markersize=3, markeredgewidth=0)  # fmt: skip
        members = {block.member for block in panel.blocks}
        _panel_head(ax, panel.pair, panel.names,
                    shown=("baseline" in members, "method" in members), markers=True)  # fmt: skip
        values = [end / factor for block in panel.blocks for end in (block.low, block.high)]
        _log_axis(ax, "y", values, pad=1.06)
        ax.set_ylabel(f"{unit} a step (log)")
        ax.grid(axis="y", color=GRID, linewidth=0.4)
        ax.xaxis.set_major_locator(MaxNLocator(8, integer=True, min_n_ticks=1))
        ax.margins(x=0.04)
    axes[-1].set_xlabel("block, in the order of measuring")
    return canvas


def _memory(plot: MemoryPlot) -> Canvas:
    labels = _headed([(row.pair, row.learner) for row in plot.rows])
    canvas, ax = _list_axes(len(labels), left=0.33, right=0.80)
    places = _write_labels(canvas, ax, labels)
    factor, unit = scale(max(row.above + (row.live or 0) for row in plot.rows), "bytes")
    for row, y in zip(plot.rows, places, strict=True):
        live = (row.live or 0) / factor
        ax.barh(y, live, height=0.62, color=LIGHT[row.member], linewidth=0)
        ax.barh(y, row.above / factor, left=live, height=0.62, color=COLOUR[row.member],
                linewidth=0)  # fmt: skip
        total = quantity(row.above + (row.live or 0), "bytes")
        _write(canvas, ax, 0.99, y, total if row.live is not None else f"> {total}", right=True)
    ax.set_xlim(left=0)
    ax.xaxis.set_major_locator(MaxNLocator(5))
    ax.set_xlabel(unit)
    return canvas


def _targets(plot: TargetPlot) -> Canvas:
    canvas, axes = _panels(len(plot.panels))
    for ax, panel in zip(axes, plot.panels, strict=True):
        factor, unit = scale(max(y for line in panel.lines for y in line.ys), "s")
        for line in panel.lines:
            ax.plot(line.xs, [y / factor for y in line.ys], color=COLOUR[line.member],
                    linestyle=LINE[line.member], marker=MARKER[line.member], markersize=2.8,
                    markeredgewidth=0)  # fmt: skip
        if panel.by_rule is not None:
            ax.axvline(panel.by_rule, color=MARK, linewidth=0.7, linestyle=(0, (2, 2)))
        members = {line.member for line in panel.lines}
        _panel_head(ax, panel.pair, panel.names,
                    shown=("baseline" in members, "method" in members), markers=True)  # fmt: skip
        ax.set_ylim(bottom=0)
        ax.set_ylabel(f"{unit} to target")
        ax.yaxis.set_major_locator(MaxNLocator(4))
        ax.xaxis.set_major_locator(MaxNLocator(6))
        ax.grid(axis="y", color=GRID, linewidth=0.4)
        ax.set_xlabel(f"target ({shorten(panel.metric, 30)})")
    return canvas


def _profile(plot: ProfilePlot) -> Canvas:
    canvas, (ax,) = _panels(1, height=1.5, head=0.13 * len(plot.steps) + 0.08)
    colours = (METHOD, MARK, *OTHERS, BASELINE)
    dashes = ("solid", (0, (4, 1.2)), (0, (1, 1)), (0, (5, 1, 1, 1)))
    last = max(tau for _, line in plot.steps for tau, _ in line)
    end = 1 + 1.08 * max(last - 1, 0.1)
    for number, (solver, line) in enumerate(plot.steps):
        taus = [tau for tau, _ in line] + [end]
        shares = [share for _, share in line] + [line[-1][1]]
        ax.step(taus, shares, where="post", color=colours[number % len(colours)], linewidth=1.3,
                linestyle=dashes[number % len(dashes)], label=shorten(solver, 52))  # fmt: skip
    ax.set_xlim(1, end)
    ax.set_ylim(-0.03, 1.05)
    ax.set_yticks([0, 0.5, 1], ["0", "0.5", "1"])
    ax.xaxis.set_major_locator(MaxNLocator(5))
    ax.grid(axis="y", color=GRID, linewidth=0.4)
    ax.set_xlabel("times the best learner's step time")
    ax.set_ylabel("share of workloads")
    ax.legend(loc="lower left", bbox_to_anchor=(0, 1.0), borderaxespad=0.2, borderpad=0,
              handlelength=2.2, labelspacing=0.25)  # fmt: skip
    return canvas


def _headed(rows: Sequence[tuple[str, str]]) -> list[tuple[str, bool]]:
    """Return the lines of a list with a heading wherever a new pair begins."""
    lines: list[tuple[str, bool]] = []
    previous = None
    for pair, label in rows:
        if pair != previous:
            lines.append((pair, True))
            previous = pair
        lines.append((label, False))
    return lines


def _list_axes(lines: int, left: float, right: float) -> tuple[Canvas, Axes]:
    below, above = 0.36, 0.04
    height = below + above + lines * ROW
    canvas = Canvas(figsize=(WIDTH_IN, height))
    ax = canvas.add_axes((left, below / height, right - left, lines * ROW / height))
    ax.set_ylim(lines - 0.5, -0.5)
    ax.set_yticks([])
    ax.spines["left"].set_visible(False)
    return canvas, ax


def _write_labels(canvas: Canvas, ax: Axes, lines: list[tuple[str, bool]]) -> list[float]:
    """Write headings and labels at the left; return the places of the rows that are no headings."""
    for y, (text, heading) in enumerate(lines):
        if heading:
            _write(canvas, ax, 0.0, y, shorten(text, 46), weight="bold")
        else:
            _write(canvas, ax, 0.02, y, shorten(text, 19))
    return [float(y) for y, (_, heading) in enumerate(lines) if not heading]


def _write(
    canvas: Canvas,
    ax: Axes,
    x: float,
    y: float,
    text: str,
    *,
    right: bool = False,
    colour: str = INK,
    weight: str = "normal",
) -> None:
    ax.annotate(text, (x, y), xycoords=("figure fraction", "data"), va="center_baseline",
                ha="right" if right else "left", color=colour, weight=weight,
                annotation_clip=False)  # fmt: skip


def _panels(number: int, height: float = PANEL, head: float = 0.34) -> tuple[Canvas, list[Axes]]:
    below = 0.36
    total = head + number * height + (number - 1) * GAP + below
    canvas = Canvas(figsize=(WIDTH_IN, total))
    axes = []
    for index in range(number):
        bottom = below + (number - 1 - index) * (height + GAP)
        axes.append(canvas.add_axes((0.13, bottom / total, 0.85, height / total)))
    return canvas, axes


def _panel_head(
    ax: Axes, pair: str, names: tuple[str, str], *, shown: tuple[bool, bool], markers: bool
) -> None:
    """Write the pair's name and a line that tells its members apart."""
    handles = [
        Line2D([], [], color=COLOUR[member], linewidth=0 if markers else 1.3,
               linestyle=LINE[member], marker=MARKER[member] if markers else None,
               markersize=3.2, markeredgewidth=0, label=shorten(name, 24))  # fmt: skip
        for member, name, seen in zip(("baseline", "method"), names, shown, strict=True)
        if seen
    ]
    ax.legend(handles=handles, loc="lower left", bbox_to_anchor=(-0.02, 1.0), ncols=2,
              borderaxespad=0.1, borderpad=0, handlelength=1.0 if markers else 2.0,
              handletextpad=0.4, columnspacing=1.2)  # fmt: skip
    ax.annotate(shorten(pair, 52), (0, 1), xycoords="axes fraction", xytext=(-1, 12),
                textcoords="offset points", weight="bold", va="bottom")  # fmt: skip


def _medians(lines: Sequence[Line]) -> list[tuple[list[float], list[float]]]:
    """Return the median over seeds at every step that all of them report."""
    if not lines:
        return []
    tables = [dict(zip(line.xs, line.ys, strict=False)) for line in lines]
    shared = sorted(set.intersection(*(set(table) for table in tables)))
    return [(shared, [statistics.median(table[x] for table in tables) for x in shared])]


def _log_axis(ax: Axes, which: str, values: Sequence[float], pad: float) -> None:
    """Set a logarithmic axis around the values, with ticks at round numbers."""
    low, high = min(values) / pad, max(values) * pad
    axis = ax.xaxis if which == "x" else ax.yaxis
    (ax.set_xscale if which == "x" else ax.set_yscale)("log")
    (ax.set_xlim if which == "x" else ax.set_ylim)(low, high)
    ticks = _round_ticks(low, high)
    axis.set_major_locator(FixedLocator(ticks))
    axis.set_major_formatter(FixedFormatter([_tick(tick) for tick in ticks]))
    axis.set_minor_locator(NullLocator())


def _round_ticks(low: float, high: float) -> list[float]:
    if high / low > 1e3:
        decades = range(math.ceil(math.log10(low)), math.floor(math.log10(high)) + 1)
        return [10.0**d for d in decades][:: max(1, len(decades) // 5)]
    steps = [m * 10.0**d for d in range(-9, 13) for m in (1, 2, 5)]
    ticks = [step for step in steps if low <= step <= high]
    if len(ticks) > 6:
        ticks = [tick for tick in ticks if f"{tick:e}"[0] == "1"]
    if len(ticks) >= 3:
        return ticks
    return [float(t) for t in MaxNLocator(4).tick_values(low, high) if low <= t <= high]


def _tick(value: float) -> str:
    return f"{value:g}" if 1e-4 <= value < 1e5 else significant(value, 1)

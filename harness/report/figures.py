"""The figures, drawn for one column of a paper."""

from __future__ import annotations

import statistics
from collections.abc import Sequence

from matplotlib.figure import Figure as Canvas
from matplotlib.ticker import MaxNLocator

from harness.declare.suite import MEMBERS
from harness.history.figure import history
from harness.report.axes import (
    COLOUR,
    LIGHT,
    LINE,
    MARKER,
    learner_style,
    learners_legend,
    list_axes,
    log_axis,
    name_ends,
    panel_head,
    panels,
    write,
)
from harness.report.captions import Figure
from harness.report.plots import (
    CurvePlot,
    ForestPlot,
    GrowthPlot,
    HistoryPlot,
    Line,
    MemoryPlot,
    ProfilePlot,
    RoundPlot,
    ScalingPlot,
    SizePlot,
    TargetPlot,
    VariantPlot,
)
from harness.report.svg import (
    BAND,
    BASELINE,
    GRID,
    INK,
    MARK,
    METHOD,
    MUTED,
    PAPER,
    style,
    to_svg,
)
from harness.report.units import quantity, scale
from harness.report.words import shorten
from harness.studies.ranks.figure import draw_scaling
from harness.studies.variants.figure import draw_variants

# More numbers than these would run into one another below an axis.
MOST_TICKS = 8


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
            case GrowthPlot():
                canvas = _growth(figure.plot)
            case SizePlot():
                canvas = _sizes(figure.plot)
            case TargetPlot():
                canvas = _targets(figure.plot)
            case ProfilePlot():
                canvas = _profile(figure.plot)
            case ScalingPlot():
                canvas = draw_scaling(figure.plot)
            case HistoryPlot():
                canvas = history(figure.plot)
            case VariantPlot():
                canvas = draw_variants(figure.plot)
        return to_svg(canvas, figure.name, figure.title, figure.alternative)


def _forest(plot: ForestPlot) -> Canvas:
    canvas, ax, places = list_axes([(r.pair, r.measure) for r in plot.rows], right=0.68)
    values = [1.0]
    if plot.floor is not None:
        ends = (max(1 - plot.floor, 0.01), 1 + plot.floor)
        ax.axvspan(*ends, color=BAND, linewidth=0, zorder=0)
        values += ends
    ax.axvline(1, color=MUTED, linewidth=0.6, zorder=1)
    for row, y in zip(plot.rows, places, strict=True):
        write(ax, 0.99, y, row.text, right=True, colour=INK if row.ends else MUTED)
        if row.ends is None:
            continue
        low, middle, high = row.ends
        values += [low, high, *row.published]
        colour = BASELINE if row.is_aa else METHOD
        ax.plot([low, high], [y, y], color=colour, linewidth=1.1, solid_capstyle="butt", zorder=3)
        ax.plot(
            middle,
            y,
            "o",
            color=colour,
            markerfacecolor=PAPER if row.is_aa else colour,
            markeredgewidth=0.8,
            zorder=4,
        )
        for published in row.published:
            ax.plot(
                published,
                y,
                "D",
                markersize=3.6,
                markerfacecolor=PAPER,
                markeredgecolor=MARK,
                markeredgewidth=0.9,
                zorder=5,
            )
    log_axis(ax, "x", values, pad=1.12)
    ax.set_xlabel("baseline / method (log scale)")
    return canvas


def _curves(plot: CurvePlot) -> Canvas:
    canvas, axes = panels(len(plot.panels))
    for ax, panel in zip(axes, plot.panels, strict=True):
        for member in MEMBERS:
            lines = [line for line in panel.lines if line.member == member]
            for line in lines:
                ax.plot(line.xs, line.ys, color=COLOUR[member], linewidth=0.5, alpha=0.45)
            for xs, ys in _medians(lines):
                ax.plot(
                    xs,
                    ys,
                    color=COLOUR[member],
                    linestyle=LINE[member],
                    linewidth=1.3,
                    marker=MARKER[member] if len(xs) == 1 else None,
                    zorder=3 if member == "baseline" else 2.5,
                )
        if panel.target is not None:
            ax.axhline(panel.target, color=MARK, linewidth=0.7, linestyle=(0, (1, 1.5)))
            ax.annotate(
                "target",
                (0, panel.target),
                xycoords=("axes fraction", "data"),
                xytext=(2, 1.5),
                textcoords="offset points",
                ha="left",
                va="bottom",
                color=MARK,
                fontsize=6,
            )
        drawn = {line.member for line in panel.lines}
        heir = panel.names[1] if panel.inherited and "method" not in drawn else None
        panel_head(ax, panel.pair, panel.names, drawn, markers=False, heir=heir)
        ax.set_ylabel(shorten(panel.metric, 22))
        ax.yaxis.set_major_locator(MaxNLocator(4))
        ax.grid(axis="y", color=GRID, linewidth=0.4)
        ax.margins(x=0.01, y=0.12)
    axes[-1].set_xlabel("meta-steps")
    return canvas


def _rounds(plot: RoundPlot) -> Canvas:
    canvas, axes = panels(len(plot.panels))
    for ax, panel in zip(axes, plot.panels, strict=True):
        top = max(block.high for block in panel.blocks)
        factor, unit = scale(top, "s")
        for block in panel.blocks:
            colour = COLOUR[block.member]
            ax.plot(
                [block.place] * 2,
                [block.low / factor, block.high / factor],
                color=colour,
                linewidth=0.7,
                solid_capstyle="butt",
            )
            ax.plot(
                block.place,
                block.median / factor,
                MARKER[block.member],
                color=colour,
                markersize=3,
                markeredgewidth=0,
            )
        members = {block.member for block in panel.blocks}
        panel_head(ax, panel.pair, panel.names, members, markers=True)
        values = [end / factor for block in panel.blocks for end in (block.low, block.high)]
        log_axis(ax, "y", values, pad=1.06)
        ax.set_ylabel(f"step time ({unit}, log)")
        ax.grid(axis="y", color=GRID, linewidth=0.4)
        ax.xaxis.set_major_locator(MaxNLocator(8, integer=True, min_n_ticks=1))
        ax.margins(x=0.04)
    axes[-1].set_xlabel("block, in the order of measuring")
    return canvas


def _memory(plot: MemoryPlot) -> Canvas:
    canvas, ax, places = list_axes([(r.pair, r.learner) for r in plot.rows], right=0.82)
    factor, unit = scale(max(row.above + (row.live or 0) for row in plot.rows), "bytes")
    for row, y in zip(plot.rows, places, strict=True):
        live = (row.live or 0) / factor
        ax.barh(y, live, height=0.62, color=LIGHT[row.member], linewidth=0)
        ax.barh(
            y, row.above / factor, left=live, height=0.62, color=COLOUR[row.member], linewidth=0
        )
        total = quantity(row.above + (row.live or 0), "bytes")
        write(ax, 0.99, y, total if row.live is not None else f"> {total}", right=True)
    ax.set_xlim(left=0)
    ax.xaxis.set_major_locator(MaxNLocator(5))
    ax.set_xlabel(unit)
    return canvas


def _growth(plot: GrowthPlot) -> Canvas:
    lines = [(line.learner, line.steps, line.peaks) for line in plot.lines]
    counts = sorted({float(steps) for line in plot.lines for steps in line.steps})
    return _peaks(lines, "inner steps (log scale)", counts if len(counts) <= MOST_TICKS else None)


def _sizes(plot: SizePlot) -> Canvas:
    lines = [(line.learner, line.parameters, line.peaks) for line in plot.lines]
    return _peaks(lines, "parameters (log scale)")


def _peaks(
    lines: Sequence[tuple[str, Sequence[int], Sequence[int]]],
    along: str,
    ticks: Sequence[float] | None = None,
) -> Canvas:
    """Draw every learner's peak bytes along what makes them grow."""
    canvas, (ax,) = panels(1, height=max(1.5, 0.14 * len(lines)), head=0.08)
    factor, unit = scale(max(max(peaks) for _, _, peaks in lines), "bytes")
    for number, (_, xs, peaks) in enumerate(lines):
        ys = [peak / factor for peak in peaks]
        ax.plot(xs, ys, **learner_style(number), marker="o", markersize=2.6)
    log_axis(ax, "x", [float(x) for _, xs, _ in lines for x in xs], pad=1.1, ticks=ticks)
    log_axis(ax, "y", [peak / factor for _, _, peaks in lines for peak in peaks], pad=1.1)
    ax.grid(axis="y", color=GRID, linewidth=0.4)
    ax.set_xlabel(along)
    ax.set_ylabel(f"peak bytes ({unit}, log)")
    ends = [(xs[-1], peaks[-1] / factor) for _, xs, peaks in lines]
    name_ends(ax, ends, [shorten(learner, 20) for learner, _, _ in lines])
    return canvas


def _targets(plot: TargetPlot) -> Canvas:
    canvas, axes = panels(len(plot.panels))
    for ax, panel in zip(axes, plot.panels, strict=True):
        factor, unit = scale(max(y for line in panel.lines for y in line.ys), "s")
        for line in panel.lines:
            ax.plot(
                line.xs,
                [y / factor for y in line.ys],
                color=COLOUR[line.member],
                linestyle=LINE[line.member],
                marker=MARKER[line.member],
                markersize=2.8,
                markeredgewidth=0,
            )
        if panel.by_rule is not None:
            ax.axvline(panel.by_rule, color=MARK, linewidth=0.7, linestyle=(0, (1, 1.5)))
        members = {line.member for line in panel.lines}
        panel_head(ax, panel.pair, panel.names, members, markers=True)
        ax.set_ylim(bottom=0)
        ax.set_ylabel(f"time to target ({unit})")
        ax.yaxis.set_major_locator(MaxNLocator(4))
        ax.xaxis.set_major_locator(MaxNLocator(6))
        ax.grid(axis="y", color=GRID, linewidth=0.4)
        ax.set_xlabel(f"target ({shorten(panel.metric, 30)})")
    return canvas


def _profile(plot: ProfilePlot) -> Canvas:
    canvas, (ax,) = panels(1, height=1.5, head=0.13 * len(plot.steps) + 0.08)
    last = max(tau for _, line in plot.steps for tau, _ in line)
    end = 1 + 1.08 * max(last - 1, 0.1)
    for number, (solver, line) in enumerate(plot.steps):
        taus = [tau for tau, _ in line] + [end]
        shares = [share for _, share in line] + [line[-1][1]]
        ax.step(
            taus,
            shares,
            where="post",
            **learner_style(number),
            label=shorten(solver, 52),
        )
    ax.set_xlim(1, end)
    ax.set_ylim(-0.03, 1.05)
    ax.set_yticks([0, 0.5, 1], ["0", "0.5", "1"])
    ax.xaxis.set_major_locator(MaxNLocator(5))
    ax.grid(axis="y", color=GRID, linewidth=0.4)
    ax.set_xlabel("times the best learner's step time")
    ax.set_ylabel("share of workloads")
    learners_legend(ax)
    return canvas


def _medians(lines: Sequence[Line]) -> list[tuple[list[float], list[float]]]:
    """Return the median over seeds at every step that all of them report."""
    if not lines:
        return []
    tables = [dict(zip(line.xs, line.ys, strict=False)) for line in lines]
    shared = sorted(set.intersection(*(set(table) for table in tables)))
    return [(shared, [statistics.median(table[x] for table in tables) for x in shared])]

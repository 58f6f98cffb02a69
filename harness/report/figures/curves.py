"""The figure of learning curves: every seed's validation quality, and their median."""

from __future__ import annotations

import statistics
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import ClassVar

from matplotlib.axes import Axes
from matplotlib.figure import Figure as Canvas
from matplotlib.ticker import MaxNLocator

from harness.declare.suite import MEMBERS, member_names
from harness.judge.evidence import Evidence
from harness.judge.judgement import Judgement
from harness.records.seen import CURVE
from harness.report.figures.axes import COLOUR, LIGHT, LINE, MARKER, panel_head, panels
from harness.report.figures.figure import Figure, Line, chunks, told
from harness.report.figures.svg import GRID, MARK
from harness.report.units import count, quantity, significant
from harness.report.words import shorten


@dataclass(frozen=True)
class Panel:
    pair: str
    names: tuple[str, str]
    lines: tuple[Line, ...]
    target: float | None
    metric: str
    inherited: bool


@dataclass(frozen=True)
class Curves(Figure):
    kind: ClassVar[str] = "curves"

    panels: tuple[Panel, ...]

    @property
    def title(self) -> str:
        return "Learning curves"

    @property
    def caption(self) -> str:
        text = "Validation quality: the median over seeds, in the band from the least to the most."
        if any(panel.target is not None for panel in self.panels):
            text += " The dotted line is the target that a rule sets from the baseline."
        return text

    @property
    def alternative(self) -> str:
        metric = self.panels[0].metric
        return f"Line plot of validation {metric} against meta-steps. " + told(
            f"{panel.pair}: the {panel.names[member == 'method']} reaches "
            f"{significant(statistics.median(ends))} after {quantity(last, 'steps')}"
            + (f", the median of {count(len(ends), 'seed')}" if len(ends) > 1 else "")
            for panel in self.panels
            for member in MEMBERS
            if (ends := [line.ys[-1] for line in panel.lines if line.member == member])
            for last in [max(line.xs[-1] for line in panel.lines if line.member == member)]
        )

    def draw(self) -> Canvas:
        canvas, axes = panels(len(self.panels))
        for ax, panel in zip(axes, self.panels, strict=True):
            _draw(ax, panel)
        axes[-1].set_xlabel("meta-steps")
        return canvas


def learning_curves(judgement: Judgement, evidence: Evidence) -> Iterator[Curves]:
    """Yield the validation curves of every pair that has any."""
    found = []
    for judged in judgement.pairs:
        mine = [found for m in MEMBERS for found in evidence.usable(judged.pair, CURVE, m)]
        lines = tuple(
            Line(record.member, tuple(map(float, seen.curve_steps)), seen.curve_quality)
            for record, seen in mine
        )
        if lines:
            found.append(
                Panel(
                    judged.pair.name,
                    member_names(judged.pair),
                    lines,
                    judged.target,
                    mine[0][0].metric or "quality",
                    judged.quality is not None and judged.quality.inherited,
                )
            )
    yield from map(Curves, chunks(found))


def _draw(ax: Axes, panel: Panel) -> None:
    for member in MEMBERS:
        lines = [line for line in panel.lines if line.member == member]
        for xs, lows, ys, highs in _over_seeds(lines):
            ax.fill_between(xs, lows, highs, color=LIGHT[member], alpha=0.5, linewidth=0)
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


def _over_seeds(lines: Sequence[Line]) -> list[tuple[list[float], ...]]:
    """Return steps that all seeds report, and the least, the median and the most over seeds."""
    if not lines:
        return []
    tables = [dict(zip(line.xs, line.ys, strict=False)) for line in lines]
    shared = sorted(set.intersection(*(set(table) for table in tables)))
    if not shared:
        return []
    found = [sorted(table[x] for table in tables) for x in shared]
    lows, medians, highs = zip(*((f[0], statistics.median(f), f[-1]) for f in found), strict=True)
    return [(shared, list(lows), list(medians), list(highs))]

"""The figure of learning curves: the median of validation quality over seeds, in a band."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import ClassVar

from matplotlib.axes import Axes
from matplotlib.figure import Figure as Canvas
from matplotlib.ticker import MaxNLocator

from harness.declare.pair import member_names
from harness.judge.judgement import Judgement
from harness.judge.quality.bands import Band
from harness.report.figures.axes import COLOUR, LIGHT, LINE, MARKER, panel_head, panels
from harness.report.figures.figure import Figure, chunks, told
from harness.report.figures.svg import GRID, MARK
from harness.report.units import count, quantity, significant
from harness.report.words import shorten


@dataclass(frozen=True)
class Panel:
    pair: str
    names: tuple[str, str]
    bands: tuple[Band, ...]
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
            f"{panel.pair}: the {panel.names[band.member == 'method']} reaches "
            f"{significant(band.last)} after {quantity(band.last_step, 'steps')}"
            + (f", the median of {count(band.seeds, 'seed')}" if band.seeds > 1 else "")
            for panel in self.panels
            for band in panel.bands
        )

    def draw(self) -> Canvas:
        canvas, axes = panels(len(self.panels))
        for ax, panel in zip(axes, self.panels, strict=True):
            _draw(ax, panel)
        axes[-1].set_xlabel("meta-steps")
        return canvas


def learning_curves(judgement: Judgement) -> Iterator[Curves]:
    """Yield the validation curves of every pair that has any."""
    found = [
        Panel(
            judged.pair.name,
            member_names(judged.pair),
            judged.bands,
            judged.target,
            judged.bands[0].metric or "quality",
            judged.quality is not None and judged.quality.inherited,
        )
        for judged in judgement.pairs
        if judged.bands
    ]
    yield from map(Curves, chunks(found))


def _draw(ax: Axes, panel: Panel) -> None:
    for band in panel.bands:
        if not band.steps:
            continue
        member, steps = band.member, list(map(float, band.steps))
        ax.fill_between(steps, band.lows, band.highs, color=LIGHT[member], alpha=0.5, linewidth=0)
        ax.plot(
            steps,
            band.medians,
            color=COLOUR[member],
            linestyle=LINE[member],
            linewidth=1.3,
            marker=MARKER[member] if len(steps) == 1 else None,
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
    drawn = {band.member for band in panel.bands}
    heir = panel.names[1] if panel.inherited and "method" not in drawn else None
    panel_head(ax, panel.pair, panel.names, drawn, markers=False, heir=heir)
    ax.set_ylabel(shorten(panel.metric, 22))
    ax.yaxis.set_major_locator(MaxNLocator(4))
    ax.grid(axis="y", color=GRID, linewidth=0.4)
    ax.margins(x=0.01, y=0.12)

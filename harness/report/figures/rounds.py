"""The figure of step times in the order of measuring, which would show a drift of the machine."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import ClassVar

from matplotlib.axes import Axes
from matplotlib.figure import Figure as Canvas
from matplotlib.ticker import MaxNLocator

from harness.declare.pair import MEMBERS, member_names
from harness.judge.judgement import Judgement
from harness.judge.noise.timed_blocks import BlockTime
from harness.report.figures.axes import COLOUR, MARKER, log_axis, panel_head, panels
from harness.report.figures.figure import Figure, chunks, told
from harness.report.figures.svg import GRID
from harness.report.units import count, quantity, scale


@dataclass(frozen=True)
class Panel:
    pair: str
    names: tuple[str, str]
    blocks: tuple[BlockTime, ...]


@dataclass(frozen=True)
class Rounds(Figure):
    kind: ClassVar[str] = "rounds"

    panels: tuple[Panel, ...]

    @property
    def title(self) -> str:
        return "Step times in the order of measurement"

    @property
    def caption(self) -> str:
        return (
            "The median step time of each block, and the span of its intervals, in the order of "
            "measurement. A drift of the machine would bend both lines alike."
        )

    @property
    def alternative(self) -> str:
        return "Plot of step times by block. " + told(
            f"{panel.pair}: {panel.names[member == 'method']} between {_span(medians)} in "
            f"{count(len(medians), 'block')}"
            for panel in self.panels
            for member in MEMBERS
            if (medians := [b.median for b in panel.blocks if b.member == member])
        )

    def draw(self) -> Canvas:
        canvas, axes = panels(len(self.panels))
        for ax, panel in zip(axes, self.panels, strict=True):
            _draw(ax, panel)
        axes[-1].set_xlabel("block, in the order of measurement")
        return canvas


def step_times(judgement: Judgement) -> Iterator[Rounds]:
    """Yield the step times of every block in the order in which the plan measured them."""
    found = [
        Panel(judged.pair.name, member_names(judged.pair), judged.block_times)
        for judged in judgement.pairs
        if judged.block_times
    ]
    yield from map(Rounds, chunks(found))


def _draw(ax: Axes, panel: Panel) -> None:
    factor, unit = scale(max(block.high for block in panel.blocks), "s")
    members = dict.fromkeys(block.member for block in panel.blocks)
    for member in members:
        own = [block for block in panel.blocks if block.member == member]
        places, colour = [block.place for block in own], COLOUR[member]
        # All at once: a panel of a long run has thousands of them.
        low, high = ([getattr(b, end) / factor for b in own] for end in ("low", "high"))
        ax.vlines(places, low, high, color=colour, linewidth=0.7)
        medians = [block.median / factor for block in own]
        ax.plot(places, medians, MARKER[member], color=colour, markersize=3, markeredgewidth=0)
    panel_head(ax, panel.pair, panel.names, members, markers=True)
    values = [end / factor for block in panel.blocks for end in (block.low, block.high)]
    log_axis(ax, "y", values, pad=1.06)
    ax.set_ylabel(f"step time ({unit}, log)")
    ax.grid(axis="y", color=GRID, linewidth=0.4)
    ax.xaxis.set_major_locator(MaxNLocator(8, integer=True, min_n_ticks=1))
    ax.margins(x=0.04)


def _span(values: list[float]) -> str:
    return f"{quantity(min(values), 's')} and {quantity(max(values), 's')}"

"""The figure of what a learner keeps beside the weights, over the steps of training."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import ClassVar

from matplotlib.axes import Axes
from matplotlib.figure import Figure as Canvas
from matplotlib.lines import Line2D

from harness.declare.point import words_of
from harness.report.figures.axes import learner_style, panels
from harness.report.figures.figure import MOST_PANELS, Figure, told
from harness.report.figures.svg import GRID
from harness.report.units import significant
from harness.report.words import shorten
from harness.studies.learned.judge import Learned

MOST_LINES = 6  # more can't be told apart; the table holds all


@dataclass(frozen=True)
class OverTime(Figure):
    kind: ClassVar[str] = "learned"

    panels: tuple[Learned, ...]

    @property
    def title(self) -> str:
        return "Numbers kept beside the weights"

    @property
    def caption(self) -> str:
        return (
            f"Numbers that {self.panels[0].learner} keeps beside its weights, over meta-steps: "
            "the median over seeds, at the first, the middle and the last setting of the sweep. "
            "The table holds the others."
        )

    @property
    def alternative(self) -> str:
        return "Line plot of numbers against meta-steps. " + told(
            f"{_where(panel)}: {line.name} goes from {significant(line.values[0])} to "
            f"{significant(line.values[-1])}"
            for panel in self.panels
            for line in panel.lines
            if line.name in self._names
        )

    def draw(self) -> Canvas:
        names = self._names
        legend = 0.13 * math.ceil(len(names) / 2) + 0.04
        canvas, axes = panels(len(self.panels), head=legend + 0.2)
        for ax, panel in zip(axes, self.panels, strict=True):
            _draw(ax, panel, names)
        axes[-1].set_xlabel("meta-steps")
        lines = [
            Line2D([], [], **learner_style(number), label=shorten(name, 28))
            for number, name in enumerate(names)
        ]
        canvas.legend(
            handles=lines,
            loc="upper left",
            ncols=2,
            borderaxespad=0.1,
            borderpad=0,
            handlelength=2.0,
            handletextpad=0.4,
            labelspacing=0.2,
            columnspacing=1.2,
        )
        return canvas

    @property
    def _names(self) -> list[str]:
        """The numbers that are drawn, each in the same way in every panel."""
        every = dict.fromkeys(line.name for panel in self.panels for line in panel.lines)
        return list(every)[:MOST_LINES]


def over_time(found: Sequence[Learned]) -> Iterator[OverTime]:
    """Yield a figure for every pair: of the first, the middle and the last of its points.

    Where no number moves there is nothing to draw.
    """
    moving = [each for each in found if any(line.moves for line in each.lines)]
    for pair in dict.fromkeys(each.pair for each in moving):
        mine = [each for each in moving if each.pair == pair]
        last = len(mine) - 1
        places = dict.fromkeys(round(last * n / (MOST_PANELS - 1)) for n in range(MOST_PANELS))
        yield OverTime(tuple(mine[place] for place in places))


def _where(panel: Learned) -> str:
    own = {name.removeprefix(f"{panel.member}."): value for name, value in panel.point.items()}
    return f"{panel.pair} {words_of(own)}".strip()


def _draw(ax: Axes, panel: Learned, names: Sequence[str]) -> None:
    for line in panel.lines:
        if line.name in names:
            ax.plot(line.steps, line.values, **learner_style(names.index(line.name)))
    ax.grid(axis="y", color=GRID, linewidth=0.4)
    ax.margins(x=0.01, y=0.12)
    ax.set_title(shorten(_where(panel), 58), loc="left", fontsize=7.5, weight="bold", pad=3)

"""The figure of what was learned beside the weights, over the steps of training."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import ClassVar

from matplotlib.axes import Axes
from matplotlib.figure import Figure as Canvas

from harness.declare.point import words_of
from harness.report.axes import headline, learner_style, legend_above, panels
from harness.report.figure import MOST_PANELS, Figure, told
from harness.report.svg import GRID
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
        return "What is learned beside the weights"

    @property
    def caption(self) -> str:
        return (
            f"Numbers that {self.panels[0].learner} learns beside its weights, over meta-steps: "
            "the median over seeds, at the first, the middle and the last setting of the sweep. "
            "The table holds the others."
        )

    @property
    def alternative(self) -> str:
        return "Line plot of learned numbers against meta-steps. " + told(
            f"{_where(panel)}: {line.name} goes from {significant(line.values[0])} to "
            f"{significant(line.values[-1])}"
            for panel in self.panels
            for line in panel.lines[:MOST_LINES]
        )

    def draw(self) -> Canvas:
        rows = -(-max(len(panel.lines[:MOST_LINES]) for panel in self.panels) // 2)
        canvas, axes = panels(len(self.panels), head=0.24 + 0.12 * rows)
        for ax, panel in zip(axes, self.panels, strict=True):
            _draw(ax, panel, first=ax is axes[0], rows=rows)
        axes[-1].set_xlabel("meta-steps")
        return canvas


def over_time(found: Sequence[Learned]) -> Iterator[OverTime]:
    """Yield a figure for every pair: of the first, the middle and the last of its points."""
    for pair in dict.fromkeys(each.pair for each in found):
        mine = [each for each in found if each.pair == pair]
        last = len(mine) - 1
        places = dict.fromkeys(round(last * n / (MOST_PANELS - 1)) for n in range(MOST_PANELS))
        yield OverTime(tuple(mine[place] for place in places))


def _where(panel: Learned) -> str:
    return f"{panel.pair} {words_of(panel.point)}".strip()


def _draw(ax: Axes, panel: Learned, first: bool, rows: int) -> None:
    for number, line in enumerate(panel.lines[:MOST_LINES]):
        ax.plot(line.steps, line.values, **learner_style(number), label=shorten(line.name, 24))
    ax.grid(axis="y", color=GRID, linewidth=0.4)
    ax.margins(x=0.01, y=0.12)
    if first:
        legend_above(ax, labelspacing=0.15)
        ax.annotate(
            shorten(_where(panel), 60),
            (0, 1),
            xycoords="axes fraction",
            xytext=(-1, 3 + 9 * rows),
            textcoords="offset points",
            weight="bold",
            va="bottom",
        )
    else:
        headline(ax, shorten(_where(panel), 60))

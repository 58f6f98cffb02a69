"""The figure of a grid: a heat map of ratios at every setting, with a panel for each target."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass
from typing import ClassVar

from matplotlib.axes import Axes
from matplotlib.figure import Figure as Canvas
from matplotlib.patches import Patch, Rectangle

from harness.declare.point import Point, words_of
from harness.judge.judgement import Judgement
from harness.report.axes import headline, legend_above
from harness.report.figure import Figure, told
from harness.report.svg import GRID, INK, MARK, METHOD, MUTED, WIDTH_IN
from harness.report.units import significant
from harness.report.words import shorten
from harness.studies.grid.finding import Arm, Bound, Cell, Finding

SIGNS: dict[Bound, str] = {"": "", "at least": "≥", "at most": "≤", "open": "~"}
HATCH = "////"
STRONGEST = 4.0  # the ratio, and its inverse, from which on a colour grows no deeper
DEEPEST = 0.75  # of a colour: what is written on it stays legible

# In inches.
CELL = 0.2
HEAD = 0.32
BELOW = 0.34
LEFT = 1.25


@dataclass(frozen=True)
class Square:
    """One setting at one target."""

    text: str  # the ratio, with a sign where it is but a bound; empty where neither got there
    ratio: float | None
    bound: Bound
    said: str


@dataclass(frozen=True)
class Panel:
    target: str
    squares: tuple[tuple[Square | None, ...], ...]  # by row and column


@dataclass(frozen=True)
class HeatMap(Figure):
    kind: ClassVar[str] = "grid"

    pair: str
    baseline: str
    method: str
    along: str
    metric: str
    rows: tuple[str, ...]
    columns: tuple[str, ...]
    panels: tuple[Panel, ...]

    @property
    def title(self) -> str:
        return "Steps to a target at every setting"

    @property
    def caption(self) -> str:
        return (
            f"Meta-steps of {self.baseline} over those of {self.method} to the same validation "
            f"{self.metric}, the median over seeds: above 1 the method is faster. Each panel is "
            f"one target. Hatched cells are censored: with ≥ some seeds of the baseline never got "
            f"there, with ≤ some of the method, with ~ some of both; × marks settings at which no "
            f"seed of either did."
        )

    @property
    def alternative(self) -> str:
        return f"Heat map, {self.pair}. " + told(
            f"target {panel.target}, {row}, {self.along} {column}: {square.said}"
            for panel in self.panels
            for row, squares in zip(self.rows, panel.squares, strict=True)
            for column, square in zip(self.columns, squares, strict=True)
            if square is not None
        )

    def draw(self) -> Canvas:
        height = len(self.rows) * CELL
        total = HEAD + len(self.panels) * (height + HEAD + BELOW) - HEAD + 0.1
        canvas = Canvas(figsize=(WIDTH_IN, total))
        for number, panel in enumerate(self.panels):
            bottom = total - HEAD - 0.1 - height - number * (height + HEAD + BELOW)
            width = WIDTH_IN - LEFT - 0.05
            ax = canvas.add_axes(
                (LEFT / WIDTH_IN, bottom / total, width / WIDTH_IN, height / total)
            )
            self._draw(ax, panel)
            if number == 0:
                _legend(ax)
            headline(ax, f"{shorten(self.pair, 28)}, target {panel.target}")
        ax.set_xlabel(self.along)
        return canvas

    def _draw(self, ax: Axes, panel: Panel) -> None:
        for y, squares in enumerate(panel.squares):
            for x, square in enumerate(squares):
                if square is not None:
                    _draw_square(ax, x, y, square)
        ax.set_xlim(-0.5, len(self.columns) - 0.5)
        ax.set_ylim(len(self.rows) - 0.5, -0.5)
        ax.set_xticks(range(len(self.columns)), self.columns)
        ax.set_yticks(range(len(self.rows)), [shorten(row, 26) for row in self.rows])
        ax.tick_params(length=0)
        for spine in ax.spines.values():
            spine.set_visible(False)


def heat_maps(judgement: Judgement) -> Iterator[HeatMap]:
    """Yield a heat map of every pair that was swept over several settings."""
    for judged in judgement.pairs:
        found: Finding | None = judged.studies.get("grid")
        if found is not None:
            pair = judged.pair
            rows = tuple(dict.fromkeys(_row(arm, cell) for arm in found.arms for cell in arm.cells))
            cells = [(_row(arm, cell), cell) for arm in found.arms for cell in arm.cells]
            columns = tuple(dict.fromkeys(str(cell.value) for _, cell in cells))
            placed = {(cell.target, row, str(cell.value)): _square(cell) for row, cell in cells}
            panels = tuple(
                Panel(
                    significant(target),
                    tuple(tuple(placed.get((target, r, c)) for c in columns) for r in rows),
                )
                for target in dict.fromkeys(found.targets)
            )
            names = pair.baseline, pair.method
            yield HeatMap(pair.name, *names, found.along, found.metric, rows, columns, panels)


def row_words(arm: Point, row: Point) -> str:
    """Name what a row of the grid sets, without the member that its own settings are of."""
    own = {name.partition(".")[2]: value for name, value in arm.items()}
    return words_of({**row, **own}) or "own settings"


def _row(arm: Arm, cell: Cell) -> str:
    return row_words(arm.settings, cell.row)


def _square(cell: Cell) -> Square:
    reached = (
        f"{cell.baseline.reached} of {cell.baseline.seeds} seeds of the baseline and "
        f"{cell.method.reached} of {cell.method.seeds} of the method got there"
    )
    if cell.neither or cell.ratio is None:
        return Square("", None, cell.bound, reached)
    text = f"{SIGNS[cell.bound]}{significant(cell.ratio, 2)}"
    return Square(text, cell.ratio, cell.bound, f"{text} ({reached})")


def _draw_square(ax: Axes, x: int, y: int, square: Square) -> None:
    colour, depth = GRID, 0.35
    if square.ratio is not None:
        colour = METHOD if square.ratio >= 1 else MARK
        depth = DEEPEST * min(1.0, abs(math.log(square.ratio)) / math.log(STRONGEST))
    place = (x - 0.48, y - 0.46)
    ax.add_patch(Rectangle(place, 0.96, 0.92, facecolor=colour, alpha=depth, linewidth=0))
    if square.bound:
        ax.add_patch(
            Rectangle(place, 0.96, 0.92, fill=False, hatch=HATCH, edgecolor=GRID, linewidth=0)
        )
    ax.text(
        x,
        y,
        square.text or "×",
        ha="center",
        va="center_baseline",
        color=INK if square.text else MUTED,
        fontsize=6.5,
    )


def _legend(ax: Axes) -> None:
    legend_above(
        ax,
        handles=[
            Patch(facecolor=METHOD, alpha=DEEPEST, label="method faster"),
            Patch(facecolor=MARK, alpha=DEEPEST, label="baseline faster"),
            Patch(fill=False, hatch=HATCH, edgecolor=MUTED, linewidth=0, label="censored"),
        ],
        ncols=3,
        handlelength=0.9,
        columnspacing=0.8,
    )

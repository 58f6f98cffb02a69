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
from harness.report.figures.figure import Figure, told
from harness.report.figures.svg import GRID, INK, MARK, METHOD, MUTED, WIDTH_IN
from harness.report.units import TIMES, significant
from harness.report.words import shorten
from harness.studies.grid.finding import Arm, Bound, Cell, Finding

SIGNS: dict[Bound, str] = {"": "", "at least": "\u2265", "at most": "\u2264", "open": "~"}
HATCH = "////"
STRONGEST = 4.0  # the ratio, and its inverse, from which on a colour grows no deeper
DEEPEST = 0.75  # of a colour: what is written on it stays legible

# In inches.
CELL = 0.2
HEAD = 0.22
LEGEND = 0.16
BELOW = 0.34
LEFT = 1.42


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
            f"Pair {self.pair}: meta-steps of {self.baseline} over those of {self.method} to the "
            f"same validation {self.metric}, the median over seeds: above 1 the method is faster. "
            "Each panel is one target. Hatched cells are censored: with \u2265 some seeds of the "
            "baseline never got there, with \u2264 some of the method, with ~ some of both; "
            f"{TIMES} marks settings at which no seed of either did."
        )

    @property
    def alternative(self) -> str:
        return f"Heat map, {self.pair}. " + told(
            f"{panel.target}, {row}, {self.along} {column}: {square.said}"
            for panel in self.panels
            for row, squares in zip(self.rows, panel.squares, strict=True)
            for column, square in zip(self.columns, squares, strict=True)
            if square is not None
        )

    def draw(self) -> Canvas:
        height = len(self.rows) * CELL
        total = LEGEND + len(self.panels) * (HEAD + height) + BELOW
        canvas = Canvas(figsize=(WIDTH_IN, total))
        width = WIDTH_IN - LEFT - 0.05
        for number, panel in enumerate(self.panels, 1):
            bottom = total - LEGEND - number * (HEAD + height)
            place = (LEFT / WIDTH_IN, bottom / total, width / WIDTH_IN, height / total)
            ax = canvas.add_axes(place)
            self._draw(ax, panel)
            ax.set_title(panel.target, loc="left", fontsize=7.5, weight="bold", pad=2)
            ax.tick_params(labelbottom=number == len(self.panels))
        ax.set_xlabel(self.along)
        canvas.legend(
            handles=_handles(),
            loc="upper left",
            ncols=3,
            borderaxespad=0.1,
            borderpad=0,
            handlelength=0.9,
            handletextpad=0.4,
            columnspacing=1.2,
        )
        return canvas

    def _draw(self, ax: Axes, panel: Panel) -> None:
        for y, squares in enumerate(panel.squares):
            for x, square in enumerate(squares):
                if square is not None:
                    _draw_square(ax, x, y, square)
        ax.set_xlim(-0.5, len(self.columns) - 0.5)
        ax.set_ylim(len(self.rows) - 0.5, -0.5)
        ax.set_xticks(range(len(self.columns)), self.columns)
        ax.set_yticks(range(len(self.rows)), [shorten(row, 32) for row in self.rows])
        ax.tick_params(length=0)
        ax.tick_params(axis="y", labelsize=6.5)
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
                    f"target {significant(target)}",
                    tuple(tuple(placed.get((target, r, c)) for c in columns) for r in rows),
                )
                for target in dict.fromkeys(found.targets)
            )
            names = pair.baseline, pair.method
            yield HeatMap(pair.name, *names, found.along, found.metric, rows, columns, panels)


def row_words(arm: Point, row: Point) -> str:
    """Name what a row of the grid sets, without the member that its own settings are of."""
    own = {name.partition(".")[2]: value for name, value in arm.items()}
    return " ".join(filter(None, (words_of(row), words_of(own))))


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
        square.text or TIMES,
        ha="center",
        va="center_baseline",
        color=INK if square.text else MUTED,
        fontsize=6.5,
    )


def _handles() -> list[Patch]:
    return [
        Patch(facecolor=METHOD, alpha=DEEPEST, label="method faster"),
        Patch(facecolor=MARK, alpha=DEEPEST, label="baseline faster"),
        Patch(fill=False, hatch=HATCH, edgecolor=MUTED, linewidth=0, label="censored"),
    ]

"""The figures of memory: bars of both members, and curves over inner steps and over sizes."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import ClassVar

from matplotlib.figure import Figure as Canvas
from matplotlib.ticker import MaxNLocator

from harness.report.figures.axes import (
    COLOUR,
    LIGHT,
    learner_style,
    list_axes,
    log_axis,
    name_ends,
    panels,
    write,
)
from harness.report.figures.figure import Figure, chunks, told
from harness.report.figures.svg import GRID
from harness.report.units import UNKNOWN, count, quantity, scale
from harness.report.words import shorten
from harness.studies.memory.judge import Finding, Growth, Sizes, Taken

MOST_BARS = 16

# More numbers than these would run into one another below an axis.
MOST_TICKS = 8


@dataclass(frozen=True)
class PeakMemory(Figure):
    kind: ClassVar[str] = "memory"

    rows: tuple[Taken, ...]

    @property
    def title(self) -> str:
        return "Peak memory"

    @property
    def caption(self) -> str:
        return (
            "Bytes alive at the start of a step (pale: state and data) and the peak above them "
            "during the step (full colour), from a separate pass."
        )

    @property
    def alternative(self) -> str:
        return "Bar chart of bytes. " + told(
            f"{row.pair}, {row.learner}: {quantity(row.above, 'bytes')} above "
            f"{quantity(row.live, 'bytes') if row.live is not None else UNKNOWN} at the start"
            for row in self.rows
        )

    def draw(self) -> Canvas:
        canvas, ax, places = list_axes([(r.pair, r.learner) for r in self.rows], right=0.82)
        factor, unit = scale(max(row.above + (row.live or 0) for row in self.rows), "bytes")
        for row, y in zip(self.rows, places, strict=True):
            live, above = (row.live or 0) / factor, row.above / factor
            ax.barh(y, live, height=0.62, color=LIGHT[row.member], linewidth=0)
            ax.barh(y, above, left=live, height=0.62, color=COLOUR[row.member], linewidth=0)
            total = quantity(row.above + (row.live or 0), "bytes")
            write(ax, 0.99, y, total if row.live is not None else f"> {total}", right=True)
        ax.set_xlim(left=0)
        ax.xaxis.set_major_locator(MaxNLocator(5))
        ax.set_xlabel(unit)
        return canvas


@dataclass(frozen=True)
class MemorySizes(Figure):
    kind: ClassVar[str] = "sizes"

    found: Sizes

    @property
    def title(self) -> str:
        return "Peak memory against model size"

    @property
    def caption(self) -> str:
        return (
            "Peak bytes during a step, above those alive at its start, on "
            f"{self.found.workload} for models of several sizes (setting {self.found.setting}). "
            "Both axes are logarithmic. Counts have no interval."
        )

    @property
    def alternative(self) -> str:
        return "Line plot of bytes against parameters. " + told(
            f"{line.learner}: {quantity(line.peaks[0], 'bytes')} at {line.parameters[0]} "
            f"parameters, {quantity(line.peaks[-1], 'bytes')} at {line.parameters[-1]}"
            for line in self.found.lines
        )

    def draw(self) -> Canvas:
        lines = [(line.learner, line.parameters, line.peaks) for line in self.found.lines]
        return _peaks(lines, "parameters (log scale)")


@dataclass(frozen=True)
class MemoryGrowth(Figure):
    kind: ClassVar[str] = "growth"

    found: Growth

    @property
    def title(self) -> str:
        return "Peak memory against inner steps"

    @property
    def caption(self) -> str:
        return (
            "Peak bytes during a step, above those alive at its start, on "
            f"{self.found.workload} for several numbers of inner steps. Both axes are "
            "logarithmic. Counts have no interval."
        )

    @property
    def alternative(self) -> str:
        return "Line plot of bytes against inner steps. " + told(
            f"{line.learner}: {quantity(line.peaks[0], 'bytes')} at "
            f"{count(line.steps[0], 'inner step')}, {quantity(line.peaks[-1], 'bytes')} at "
            f"{line.steps[-1]}"
            for line in self.found.lines
        )

    def draw(self) -> Canvas:
        lines = [(line.learner, line.steps, line.peaks) for line in self.found.lines]
        counts = sorted({float(steps) for line in self.found.lines for steps in line.steps})
        ticks = counts if len(counts) <= MOST_TICKS else None
        return _peaks(lines, "inner steps (log scale)", ticks)


def figures(found: Finding) -> Iterator[Figure]:
    yield from map(PeakMemory, chunks(found.taken, MOST_BARS))
    yield from map(MemorySizes, found.sizes)
    yield from map(MemoryGrowth, found.growths)


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

"""The table of how memory grows with inner steps: the figure's ends, as numbers."""

from __future__ import annotations

from collections.abc import Sequence

from harness.report.captions import Figure
from harness.report.plots import GrowthLine, GrowthPlot
from harness.report.table import Cell, Column, Group, Table, grouped_table
from harness.report.units import count, quantity


def growth_table(figures: Sequence[Figure]) -> Table | None:
    """Return the peak bytes of every learner that is drawn, and what an inner step adds to them."""
    plots = [figure.plot for figure in figures if isinstance(figure.plot, GrowthPlot)]
    return grouped_table(
        "growth",
        "Growth of memory",
        "Peak bytes above those at a step's start with the fewest and the most inner steps that "
        "were looked at, and the mean that an inner step adds between them. Counts, which have no "
        "interval.",
        (
            Column("Learner", 1.6),
            Column("Fewest steps", 1.0, numeric=True),
            Column("Most steps", 1.0, numeric=True),
            Column("A step adds", 1.0, numeric=True),
        ),
        [Group(tuple(_row(line) for line in plot.lines), plot.workload) for plot in plots],
    )


def _row(line: GrowthLine) -> tuple[Cell, ...]:
    return (
        Cell(line.learner),
        _at(line, 0),
        _at(line, -1),
        Cell(quantity(line.slope, "bytes")),
    )


def _at(line: GrowthLine, place: int) -> Cell:
    return Cell(quantity(line.peaks[place], "bytes"), f"at {count(line.steps[place], 'step')}")

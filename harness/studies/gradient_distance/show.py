"""Distances to exact gradients: a table by workload, and the cosines of all draws as dots."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, ClassVar

from matplotlib.figure import Figure as Canvas
from matplotlib.ticker import MaxNLocator

from harness.judge.judgement import Judgement
from harness.report.figures.axes import COLOUR, list_axes
from harness.report.figures.figure import Figure, chunks, told
from harness.report.figures.svg import GRID
from harness.report.section import Part
from harness.report.tables.table import Cell, Column, Group, Table, grouped_table
from harness.report.units import significant
from harness.studies.gradient_distance.judge import Distance, There

STUDY = "gradient_distance"
MOST_WORKLOADS = 5
"""In one figure."""


def said(judgement: Judgement) -> dict[str, Any]:
    """Return all that was found, for programs."""
    found = [dataclasses.asdict(there) for there in judgement.studies.get(STUDY, ())]
    return {STUDY: found} if found else {}


def parts(judgement: Judgement) -> Iterator[Part]:
    found: tuple[There, ...] = judgement.studies.get(STUDY, ())
    yield Part("Gradients", 51, tuple(map(Cosines, chunks(found, MOST_WORKLOADS))), (table(found),))


@dataclass(frozen=True)
class Cosines(Figure):
    """Each draw's cosine, learner by learner."""

    kind: ClassVar[str] = "cosines"

    found: tuple[There, ...]

    @property
    def title(self) -> str:
        return "Cosine to the exact gradient"

    @property
    def caption(self) -> str:
        return (
            "The cosine of the angle between a learner's meta-gradient and the exact one, a dot "
            "for each draw of weights and tasks. At 1 both point the same way."
        )

    @property
    def alternative(self) -> str:
        return "Dots on a scale from -1 to 1. " + told(
            f"{there.workload}, {each.learner}: median {significant(each.median_cosine)}, least "
            f"{significant(each.least_cosine)}"
            for there in self.found
            for each in there.learners
        )

    def draw(self) -> Canvas:
        rows = [(there.workload, each) for there in self.found for each in there.learners]
        canvas, ax, places = list_axes([(w, each.learner) for w, each in rows], right=0.97)
        for (_, each), y in zip(rows, places, strict=True):
            heights = [y] * len(each.cosines)
            ax.plot(each.cosines, heights, ".", color=COLOUR["method"], markersize=3, alpha=0.6)
        ax.set_xlim(-1.05, 1.05)
        ax.xaxis.set_major_locator(MaxNLocator(5))
        ax.grid(axis="x", color=GRID, linewidth=0.4)
        ax.set_xlabel("cosine to the exact gradient")
        return canvas


def table(found: tuple[There, ...]) -> Table | None:
    """Return every learner's cosines and errors, on each workload."""
    return grouped_table(
        STUDY,
        "Distance to the exact gradient",
        "The cosine of the angle to the family's exact meta-gradient and the error relative to "
        "it, over draws of weights and tasks in float64. A gradient of zero has no direction and "
        "so no cosine.",
        (
            Column("Learner", 1.8),
            Column("Median cosine", 0.9, numeric=True),
            Column("Least cosine", 0.9, numeric=True),
            Column("Median error", 0.9, numeric=True),
            Column("Largest error", 0.9, numeric=True),
        ),
        [Group(tuple(map(_row, there.learners)), there.workload) for there in found],
    )


def _row(each: Distance) -> tuple[Cell, ...]:
    zeros = each.draws - len(each.cosines)
    note = f"{zeros} of {each.draws} draws have no direction" if zeros else ""
    figures = each.median_cosine, each.least_cosine, each.median_error, each.largest_error
    return (Cell(each.learner, note), *(Cell(significant(figure)) for figure in figures))

"""What memory a step takes: figures, and the growth with inner steps as numbers."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator, Sequence
from typing import Any

from harness.judge.judgement import Judgement
from harness.report.section import SPEED, Part
from harness.report.tables.table import Cell, Column, Group, Table, grouped_table
from harness.report.units import count, quantity
from harness.studies.memory.figure import figures
from harness.studies.memory.judge import Finding, Growth, GrowthLine


def said(judgement: Judgement) -> dict[str, Any]:
    """Return all that was found, for programs."""
    return {"memory": dataclasses.asdict(judgement.studies["memory"])}


def parts(judgement: Judgement) -> Iterator[Part]:
    found: Finding = judgement.studies["memory"]
    yield Part(SPEED, 12, tuple(figures(found)), (growth_table(found.growths),))


def growth_table(growths: Sequence[Growth]) -> Table | None:
    """Return the peak bytes of every learner that is drawn, and what an inner step adds to them."""
    return grouped_table(
        "growth",
        "Growth of peak memory",
        "Peak bytes during a step, above those alive at its start, with the fewest and the most "
        "inner steps measured, and the mean increase per inner step. Counts have no interval.",
        (
            Column("Learner", 1.6),
            Column("Fewest steps", 1.0, numeric=True),
            Column("Most steps", 1.0, numeric=True),
            Column("Per step", 1.0, numeric=True),
        ),
        [Group(tuple(map(_row, growth.lines)), growth.workload) for growth in growths],
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

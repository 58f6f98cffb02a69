"""What a learner keeps beside the weights: the figure, and where it began and ended."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator
from typing import Any

from harness.declare.point import words_of
from harness.judge.judgement import Judgement
from harness.report.section import ACCURACY, Part
from harness.report.tables.table import Cell, Column, Group, Table, grouped_table
from harness.report.units import count, significant
from harness.studies.learned.figure import over_time
from harness.studies.learned.judge import Learned, Line


def said(judgement: Judgement) -> dict[str, Any]:
    """Return all that was kept, for programs."""
    found: tuple[Learned, ...] = judgement.studies.get("learned", ())
    return {"learned": [dataclasses.asdict(each) for each in found]} if found else {}


def parts(judgement: Judgement) -> Iterator[Part]:
    found: tuple[Learned, ...] = judgement.studies.get("learned", ())
    yield Part(ACCURACY, 36, tuple(over_time(found)), (learned_table(found),))


def learned_table(found: tuple[Learned, ...]) -> Table | None:
    """Return where every number began and ended."""
    return grouped_table(
        "learned",
        "Numbers kept beside the weights",
        "What a learner learns or counts beside its weights: the median over seeds at the first "
        "evaluation and at the last one, where brackets hold the span of all seeds.",
        (
            Column("Number", 2.0),
            Column("First", 1.0, numeric=True),
            Column("Last [span]", 1.6, numeric=True),
        ),
        [
            Group(
                tuple(map(_row, each.lines)),
                f"{each.pair}, {each.learner} {words_of(each.point)}".strip(),
                f"{count(each.seeds, 'seed')}, {count(each.lines[0].steps[-1], 'meta-step')}.",
            )
            for each in found
        ],
    )


def _row(line: Line) -> tuple[Cell, ...]:
    span = f"[{significant(line.low)}, {significant(line.high)}]"
    return (
        Cell(line.name),
        Cell(significant(line.values[0]), f"after {count(line.steps[0], 'step')}"),
        Cell(f"{significant(line.values[-1])} {span}"),
    )

"""The table of tuning: every setting of both members, and how many seeds are judged at it."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator
from typing import Any

from harness.declare.point import words_of
from harness.judge.judgement import Judgement, PairJudgement
from harness.report.section import ACCURACY, Part
from harness.report.tables.table import Cell, Column, Group, Table, grouped_table
from harness.report.units import UNKNOWN, significant
from harness.studies.tuning.judge import AS_IT_IS, Finding


def parts(judgement: Judgement) -> Iterator[Part]:
    yield Part(ACCURACY, 36, tables=(tuning_table(judgement),))


def said(judgement: Judgement) -> dict[str, Any]:
    return {
        "tuning": {
            judged.pair.name: dataclasses.asdict(finding) for judged, finding in _found(judgement)
        }
    }


def tuning_table(judgement: Judgement) -> Table | None:
    """Return validation and test quality of every setting, and which were chosen."""
    return grouped_table(
        "tuning",
        "Tuned settings",
        "Quality of both members at every setting, the mean over seeds. In each seed a member is "
        "judged at the setting that the other seeds' validation tasks choose for it; the last "
        "column counts these seeds. The verdicts list the gain of the chosen settings. Steps: "
        "the median over seeds until the baseline's target by rule, at the setting that most seeds "
        "have; a dash: fewer than half of them got there.",
        (
            Column("Setting", 2.6),
            Column("Validation", 1.0, numeric=True),
            Column("Test", 1.0, numeric=True),
            Column("Steps", 0.8, numeric=True),
            Column("Chosen", 0.8, numeric=True),
        ),
        [_group(judged, finding) for judged, finding in _found(judgement)],
    )


def _found(judgement: Judgement) -> Iterator[tuple[PairJudgement, Finding]]:
    for judged in judgement.pairs:
        if (finding := judged.studies.get("tuning")) is not None:
            yield judged, finding


def _group(judged: PairJudgement, finding: Finding) -> Group:
    rows = tuple(
        (
            Cell(words_of(each.settings) or AS_IT_IS, each.member),
            Cell(significant(each.valid)),
            Cell(significant(each.test)),
            Cell(UNKNOWN if each.steps is None else f"{each.steps:g}"),
            Cell(f"{each.chosen} of {finding.seeds}" if each.chosen else UNKNOWN),
        )
        for each in finding.settings
    )
    return Group(rows, judged.pair.name, f"{finding.metric}, target {significant(finding.target)}")

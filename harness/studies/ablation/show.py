"""The table of what a part of a learner adds: one learner twice, with and without it."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator
from typing import Any

from harness.declare.pair import Pair, with_settings, workload_words
from harness.judge.judgement import Judgement, PairJudgement
from harness.report.section import ACCURACY, Part
from harness.report.tables.gradient_tables import withheld
from harness.report.tables.table import Cell, Column, Group, Table, grouped_table
from harness.report.units import signed, significant, with_bounds
from harness.report.words import basis


def parts(judgement: Judgement) -> Iterator[Part]:
    yield Part(ACCURACY, 30, tables=(parts_table(judgement),))


def parts_table(judgement: Judgement) -> Table | None:
    """Return the difference in quality of every pair of one learner under two settings."""
    found: dict[str, list[PairJudgement]] = {}
    for judged in judgement.pairs:
        if is_part(judged):
            found.setdefault(judged.pair.differ, []).append(judged)
    return grouped_table(
        "parts",
        "What a part adds",
        "A learner with one part against the same learner without it, trained with the same seeds "
        "on the same batches: the mean quality on test tasks, and the mean paired difference with "
        "its 95 % interval. The interval is over seeds, and also over test tasks where all seeds "
        "share them or there is only one seed. Above 0 the part helps.",
        (
            Column("Workload", 1.6),
            Column("Learner", 1.5),
            Column("Without", 0.7, numeric=True),
            Column("With", 0.7, numeric=True),
            Column("Adds [95 %]", 1.6, numeric=True),
        ),
        [
            Group(tuple(_row(judged) for judged in pairs), f"What {differ} adds")
            for differ, pairs in found.items()
        ],
        in_summary=True,
    )


def is_part(judged: PairJudgement) -> bool:
    """Say whether a pair tells what a part of its learner adds to the quality."""
    pair = judged.pair
    same = pair.baseline == pair.method and pair.ranks == 1 and not pair.is_aa
    return same and judged.gain is not None and withheld(judged) is None


def said(judgement: Judgement) -> dict[str, Any]:
    """Return the same for programs."""
    return {"parts": [_said(judged) for judged in judgement.pairs if is_part(judged)]}


def _said(judged: PairJudgement) -> dict[str, Any]:
    gain = judged.gain
    assert gain is not None  # is_part asks for it
    return {
        "pair": judged.pair.name,
        "part": judged.pair.differ,
        "learner": judged.pair.method,
        "settings": judged.pair.settings,
        "workload": judged.pair.workload,
        "with": judged.pair.method_settings,
        "without": judged.pair.baseline_settings,
        "adds": dataclasses.asdict(gain.interval) if gain.interval else None,
        "seeds": gain.rounds,
        "reason": gain.reason,
    }


def _row(judged: PairJudgement) -> tuple[Cell, ...]:
    gain = judged.gain
    assert gain is not None  # is_part asks for it
    adds = Cell("not measured", gain.reason or "")
    if gain.interval is not None:
        text = signed(with_bounds(gain.interval), gain.interval.estimate)
        adds = Cell(text, basis(gain.measure, gain.interval))
    return (
        Cell(workload_words(judged.pair)),
        Cell(_learner(judged.pair)),
        Cell(significant(gain.baseline)),
        Cell(significant(gain.method)),
        adds,
    )


def _learner(pair: Pair) -> str:
    """Name the learner with the settings that both members have."""
    both = {
        name: value
        for name, value in pair.method_settings.items()
        if pair.baseline_settings.get(name) == value
    }
    return with_settings(pair.method, both)

"""Verdicts on a pair that was measured at the points of a sweep say which of them each is of."""

from __future__ import annotations

import dataclasses

from harness.report.tables.verdict_table import verdict_table
from tests.judge.builders import AA, PAIR, checks, claim, judged, timed, without

SWEPT = dataclasses.replace(PAIR, passes=("check", "step"), sweep={"inner_steps": (1, 2)})


def test_every_row_names_its_point_and_an_absent_one_says_what_is_missing_there() -> None:
    records = checks(SWEPT) + timed(AA, 0.25, 0.25)
    for steps in (1, 2):
        records += [
            dataclasses.replace(each, block=f"{each.block}@{steps}")
            for each in timed(SWEPT, point={"inner_steps": steps})
        ]
    gone = without(records, member="method", point={"inner_steps": 2})
    table = verdict_table((claim(),), judged(gone, pairs=(SWEPT, AA)))
    assert table is not None
    (group,) = table.groups
    assert [row[0].note.partition(";")[0] for row in group.rows] == [
        "at inner_steps=1",
        "at inner_steps=2",
    ]
    measured, absent = (row[2] for row in group.rows)
    assert measured.text.startswith("2.5")
    assert (absent.text, absent.note) == (
        "not measured",
        "step of the method at inner_steps=2: not in the records",
    )

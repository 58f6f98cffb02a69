"""The methods section tells of what the run did, and of nothing else."""

from __future__ import annotations

import dataclasses

import pytest

from harness.judge.judge import judge
from harness.judge.statistics import Bounds
from harness.report.methods import HOW, methods_table
from tests.judge.builders import AA, PAIR, manifest, whole

SAID_BY_ITSELF = {Bounds.ONE, Bounds.ALIKE}
TOGETHER = "2026-01-02T03:04:05+00:00"


def told(*, in_turns: bool | None) -> dict[str, str]:
    records = [
        each
        if in_turns is None or each.measured != "step"
        else dataclasses.replace(each, in_turns=in_turns, together=f"{TOGETHER} {each.round}")
        for each in whole(PAIR)
    ]
    made = manifest(records, pairs=(PAIR, AA))
    table = methods_table(made, judge(made, records), [])
    assert table is not None
    return {what.text: how.text for group in table.groups for what, how in group.rows}


def test_every_kind_of_interval_is_explained_where_its_name_does_not_say_all():
    assert set(Bounds) == HOW.keys() | SAID_BY_ITSELF


def test_a_run_in_turns_tells_of_turns_and_of_the_interval_that_it_used():
    found = told(in_turns=True)
    assert "take turns at their steps" in found["Round"]
    assert "neighbouring turns" in found["Ratio"]
    assert "Block" not in found
    assert any("signed-rank test" in how for how in found.values())
    assert not any("bootstrap" in how for how in found.values())


@pytest.mark.parametrize("in_turns", [False, None])
def test_a_run_in_whole_blocks_tells_of_blocks(in_turns: bool | None):
    found = told(in_turns=in_turns)
    assert "the median interval counts" in found["Block"]
    assert "Round" not in found

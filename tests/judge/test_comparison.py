"""Two runs are compared by their ratios, and only where that means something."""

from __future__ import annotations

import dataclasses

from harness.judge.comparison import Comparison, compare_runs
from harness.records.record import Record
from tests.judge.builders import manifest, whole


def compared(after: list[Record], **probes: object) -> Comparison:
    before = whole()
    then, now = manifest(before), manifest(after)
    now = dataclasses.replace(now, probes=now.probes | probes)
    return compare_runs(then, before, now, after)


def words(comparison: Comparison, measure: str = "step_time") -> set[str]:
    return {c.word for c in comparison.changes if c.measure == measure}


def test_a_run_is_the_same_as_itself():
    comparison = compared(whole())
    assert words(comparison) == {"same"}
    assert comparison.exit_code == 0


def test_a_slower_method_is_worse_and_a_faster_one_better():
    name = whole()[0].pair
    slower, faster = _retimed(name, 1.3), _retimed(name, 0.7)
    assert "worse" in words(compared(slower))
    assert compared(slower).exit_code == 1
    assert "better" in words(compared(faster))
    assert compared(faster).exit_code == 0


def test_a_machine_that_slows_both_members_changes_nothing():
    both = [
        dataclasses.replace(r, seconds=tuple(s * 2 for s in r.seconds)) if r.seconds else r
        for r in whole()
    ]
    assert words(compared(both)) == {"same"}


def test_times_are_not_compared_across_environments_and_the_difference_is_named():
    comparison = compared(whole(), cpu="another one")
    assert words(comparison) == {"not compared"}
    assert comparison.exit_code == 5
    assert any(line.startswith("cpu: ") for line in comparison.environment)
    assert "another one" in comparison.to_text()


def test_runs_that_share_nothing_are_told_so():
    comparison = compared([])
    assert comparison.exit_code == 4
    assert "Nothing was measured in both runs." in comparison.to_text()


def _retimed(pair: str, factor: float) -> list[Record]:
    return [
        dataclasses.replace(r, seconds=tuple(s * factor for s in r.seconds))
        if r.seconds and r.member == "method" and r.pair == pair
        else r
        for r in whole()
    ]

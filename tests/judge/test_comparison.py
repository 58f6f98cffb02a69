"""Runs are compared by their ratios, and only where that means something."""

from __future__ import annotations

import dataclasses
import json

import pytest

from harness.judge.comparison import Compared, Comparison, compare_all
from harness.judge.judge import judge
from harness.judge.judged_run import JudgedRun
from harness.records.manifest import Manifest
from harness.records.record import Record
from harness.records.seen import Times
from harness.report.compared import as_json, as_text, compose_comparison
from tests.judge.builders import (
    AA,
    PAIR,
    changed,
    checks,
    counts,
    curves,
    manifest,
    timed,
    whole,
    without,
)
from tests.records.made import altered


def side(name: str, about: Manifest, records: list[Record]) -> JudgedRun:
    return JudgedRun(name, about, judge(about, records))


def both(after: list[Record], before: list[Record] | None = None, **probes: object) -> Compared:
    before = whole() if before is None else before
    then, now = manifest(before), manifest(after)
    now = dataclasses.replace(now, probes=now.probes | probes)
    return compare_all(side("first", then, before), side("second", now, after))


def compared(
    after: list[Record], before: list[Record] | None = None, **probes: object
) -> Comparison:
    ((_, comparison),) = both(after, before, **probes).others
    return comparison


def words(comparison: Comparison, measure: str = "step_time") -> set[str]:
    return {c.word for c in comparison.changes if c.measure == measure and c.pair == PAIR.name}


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
        altered(r, seconds=tuple(s * 2 for s in r.seen.seconds)) if isinstance(r.seen, Times) else r
        for r in whole()
    ]
    assert words(compared(both)) == {"same"}


def test_times_are_not_compared_across_environments_and_the_difference_is_named():
    found = both(whole(), cpu="another one")
    ((_, comparison),) = found.others
    assert words(comparison) == {"not compared"}
    assert found.exit_code == comparison.exit_code == 5
    assert any(line.startswith("cpu: ") for line in comparison.environment)
    assert "another one" in as_text(found)


def test_runs_that_share_nothing_are_told_so():
    found = both([])
    assert found.exit_code == 4
    assert "Nothing was measured in both runs." in as_text(found)


def quick(factor: float = 1.0, rounds: int = 2) -> list[Record]:
    """Return a run of nothing but times, of six rounds if not said otherwise."""
    twins = timed(AA, 0.25, 0.25, rounds=rounds)
    return checks(PAIR) + twins + timed(PAIR, method=0.1 * factor, rounds=rounds)


def test_too_few_rounds_decide_nothing():
    found = both(quick(2.0), quick())
    assert words(found.others[0][1]) == {"too few rounds"}
    assert found.exit_code == 3
    assert "too few rounds: both runs need 8 rounds" in as_text(found)
    assert words(compared(quick(2.0, rounds=4), quick())) == {"too few rounds"}
    assert words(compared(quick(2.0, rounds=4), quick(rounds=4))) == {"worse"}


def test_counts_need_no_rounds():
    before, after = (quick() + counts(PAIR, method=each) for each in (1000, 1001))
    comparison = compared(after, before)
    assert words(comparison, "peak_bytes") == {"worse"}
    assert comparison.exit_code == 1
    assert compared(before, before).exit_code == 0


@pytest.mark.parametrize("silent", [0, 1])
def test_times_are_not_judged_where_the_noise_is_unknown(silent: int):
    runs = [quick(rounds=4), quick(2.0, rounds=4)]
    runs[silent] = without(runs[silent], pair=AA.name)
    found = both(runs[1], runs[0])
    assert words(found.others[0][1]) == {"noise unknown"}
    assert found.exit_code == 3
    assert f"no baseline beside itself in the {('first', 'second')[silent]} run" in as_text(found)


@pytest.mark.parametrize("noisy", [0, 1])
def test_a_change_must_clear_the_larger_noise_floor(noisy: int):
    runs = [quick(rounds=4), quick(1.1, rounds=4)]
    assert words(compared(runs[1], runs[0])) == {"worse"}
    runs[noisy] = without(runs[noisy], pair=AA.name) + timed(AA, 0.25, 0.25, noise=0.8)
    assert words(compared(runs[1], runs[0])) == {"same"}
    assert words(compared(runs[0], runs[1])) == {"same"}


def test_a_baseline_against_itself_is_never_judged():
    slower = without(whole(), pair=AA.name) + timed(AA, 0.25, 0.5)
    comparison = compared(slower)
    assert {c.word for c in comparison.changes if c.pair == AA.name} == {"A/A"}
    assert comparison.exit_code == 0


def test_a_gradient_that_is_no_longer_right_comes_before_all_else():
    broken = changed(_retimed(PAIR.name, 2.0), {"passed": False}, measured="check", member="method")
    found = both(broken, cpu="another one")
    assert found.exit_code == 6
    line = "passed before and fails now, the gradient check of fast at ways=2"
    assert as_text(found).splitlines().count(line) == 1
    assert json.loads(as_json(found))["exit_code"] == 6


def test_a_gradient_that_was_wrong_before_is_no_news():
    broken = changed(quick(rounds=4), {"passed": False}, measured="check", member="method")
    comparison = compared(broken, broken)
    assert comparison.mismatches == ()
    assert words(comparison) == set()  # what is withheld is no ratio
    assert comparison.exit_code == 4


def test_more_bytes_are_worse_even_on_another_machine():
    more = changed(whole(), {"peak_bytes": 1001}, measured="memory", member="method")
    assert compared(more, cpu="another one").exit_code == 1


@pytest.mark.parametrize("cpu", ["the same", "another one"])
def test_runs_that_share_no_pair_have_nothing_to_compare_on_any_machine(cpu: str):
    others = [dataclasses.replace(each, name=f"other-{each.name}") for each in (PAIR, AA)]
    records = timed(others[0]) + timed(others[1])
    before, after = manifest(whole()), manifest(records, pairs=others)
    before = dataclasses.replace(before, probes={**before.probes, "cpu": "the same"})
    after = dataclasses.replace(after, probes={**after.probes, "cpu": cpu})
    found = compare_all(side("first", before, whole()), side("second", after, records))
    assert found.exit_code == 4
    assert json.loads(as_json(found))["exit_code"] == 4
    assert as_text(found).endswith("Nothing was compared: the runs share no pair.\n")


def test_runs_that_share_nothing_from_different_machines_are_from_different_machines():
    assert compared([], cpu="another one").exit_code == 5


@pytest.mark.parametrize(
    ("change", "named"),
    [
        ({"settings": {"filters": 64}}, "settings: none, then filters=64"),
        ({"workload": "others"}, "workload: toys, then others"),
    ],
)
def test_pairs_that_share_nothing_but_a_name_are_not_compared(change: dict, named: str):
    other = dataclasses.replace(PAIR, **change)
    now = manifest(whole(), pairs=(other, AA))
    found = compare_all(side("first", manifest(whole()), whole()), side("second", now, whole()))
    assert words(found.others[0][1]) == {"not compared"}
    assert f"not compared: the pair is not the same in both: {named}" in as_text(found)


def test_trainings_of_other_lengths_are_not_compared_but_times_are():
    then = without(whole(), measured="curve") + curves(PAIR, gain=lambda seed: 0.1 + seed / 100)
    now = manifest(then)
    suite = dataclasses.replace(
        now.suite, protocol=dataclasses.replace(now.suite.protocol, curve_steps=9)
    )
    now = dataclasses.replace(now, suite=suite)
    found = compare_all(side("first", manifest(then), then), side("second", now, then))
    comparison = found.others[0][1]
    assert words(comparison) == {"same"}
    assert words(comparison, "quality_gain") == {"not compared"}
    assert "not compared: the trainings are not the same: curve_steps: 200, then 9" in as_text(
        found
    )


def test_a_gain_that_is_lost_is_worse():
    gained = without(whole(), measured="curve") + curves(PAIR, gain=lambda seed: 0.1 + seed / 100)
    lost = without(whole(), measured="curve") + curves(PAIR, gain=lambda seed: -0.1 - seed / 100)
    assert words(compared(lost, gained), "quality_gain") == {"worse"}
    assert words(compared(gained, lost), "quality_gain") == {"better"}


def test_several_runs_are_set_beside_the_first_and_the_gravest_decides():
    every = [side(name, manifest(records), records) for name, records in THREE.items()]
    found = compare_all(*every)
    assert [words(comparison) for _, comparison in found.others] == [{"same"}, {"worse"}]
    assert found.exit_code == 1
    line = next(line for line in as_text(found).splitlines() if "step_time" in line)
    assert line.index("same") < line.index("worse")
    told = json.loads(as_json(found))
    assert [each["run"] for each in told["runs"]] == [*THREE]
    assert [each["exit_code"] for each in told["comparisons"]] == [0, 1]
    changes = compose_comparison(found).table("changes")
    assert changes is not None
    assert [column.head for column in changes.columns[1:]] == [*THREE]


def _retimed(pair: str, factor: float) -> list[Record]:
    return [
        altered(r, seconds=tuple(s * factor for s in r.seen.seconds))
        if isinstance(r.seen, Times) and r.member == "method" and r.pair == pair
        else r
        for r in whole()
    ]


THREE = {"first": whole(), "again": whole(), "slower": _retimed(PAIR.name, 1.3)}

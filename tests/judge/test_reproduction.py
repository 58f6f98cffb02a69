"""A reproduction holds figures to each other, on any machine, and says which do not agree."""

from __future__ import annotations

import dataclasses
import json

import pytest

from harness.judge.judge import judge
from harness.judge.judged_run import JudgedRun
from harness.judge.reproduction import Reproduction, reproduction
from harness.records.record import Record
from harness.report.reproduced import as_json, as_text, compose_reproduction
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

CLOCK = ("pair", "step_time", "", "")


def side(name: str, records: list[Record], **about: object) -> JudgedRun:
    plan = manifest(records, **about)
    return JudgedRun(name, plan, judge(plan, records))


@pytest.fixture(scope="module")
def first() -> JudgedRun:
    return side("first", whole(), probes={"cpu": "one", "gpus": 0})


def held(first: JudgedRun, records: list[Record], **about: object) -> Reproduction:
    return reproduction(first, side("second", records, **{"probes": {"cpu": "other"}} | about))


def words(found: Reproduction) -> dict[tuple[str, str, str, str], str]:
    return {(f.pair, f.measure, f.member, f.point): f.word for f in found.figures}


def test_the_same_figures_agree_on_another_machine_and_noise_is_no_figure(first):
    found = held(first, whole())
    assert set(words(found).values()) == {"agrees"}
    assert {"ratio", "count", "accuracy"} == {figure.kind for figure in found.figures}
    assert not [name for name in words(found) if name[0] == AA.name]
    assert found.exit_code == 0
    assert ["CPU", "one", "other"] in [line.split() for line in as_text(found).splitlines()]
    assert "Reproduced: everything that could be compared agrees." in as_text(found)


@pytest.mark.parametrize("method", [0.07, 0.14])
def test_a_ratio_that_lies_apart_differs_either_way(first, method):
    found = held(first, whole(method=method))
    assert words(found)[CLOCK] == "differs"
    assert found.exit_code == 1


def test_a_machine_that_is_twice_as_fast_gives_the_same_ratios(first):
    found = held(first, whole(baseline=0.125, method=0.05))
    assert words(found)[CLOCK] == "agrees"


def test_counts_must_be_equal_on_both_sides_even_where_their_ratio_is(first):
    found = held(first, without(whole(), measured="memory") + counts(PAIR, 8000, 2000)[::2])
    assert words(found)["pair", "peak_bytes", "baseline", ""] == "differs"
    assert words(found)["pair", "flops", "baseline", ""] == "agrees"
    assert found.exit_code == 1
    line = next(line for line in as_text(found).splitlines() if "peak memory of the base" in line)
    assert "4,000 bytes" in line
    assert "8,000 bytes" in line


def trained(gain: float) -> list[Record]:
    return without(whole(), measured="curve") + curves(PAIR, gain=lambda seed: gain + seed / 100)


def test_accuracies_agree_if_their_intervals_overlap():
    before = side("first", trained(0.1))
    method = ("pair", "accuracy", "method", "")
    assert words(held(before, trained(0.1)))[method] == "agrees"
    other = words(held(before, trained(-0.3)))
    assert other[method] == "differs"
    assert other["pair", "accuracy", "baseline", ""] == "agrees"
    assert other["pair", "quality_gain", "", ""] == "differs"


def test_too_few_rounds_leave_it_undecided(first):
    found = held(first, whole(rounds=1))
    assert words(found)[CLOCK] == "undecided"
    assert found.exit_code == 3
    assert found.verdicts[0].before == "met"
    assert found.verdicts[0].after == "inconclusive"


def test_what_was_not_measured_again_is_said(first):
    found = held(first, without(whole(), measured="step", pair=PAIR.name))
    assert words(found)[CLOCK] == "not compared"
    assert "not compared: the second run has no such figure" in as_text(found)
    assert held(first, []).exit_code == 4


def test_a_gradient_that_is_wrong_here_comes_first(first):
    found = held(first, changed(whole(), {"passed": False}, measured="check", member="method"))
    assert found.exit_code == 6
    assert "Passed before and fails now: the gradient check of fast at ways=2." in as_text(found)


def test_another_plan_is_told(first):
    assert held(first, whole()).plan is None
    found = held(first, without(whole(), measured="memory"), plan_hash="1" * 16)
    assert found.plan is not None
    assert found.plan.startswith("2 of the ")
    assert f"The plans differ: {found.plan}." in as_text(found)


def test_programs_and_pages_are_told_the_same(first):
    found = held(first, checks(PAIR) + timed(PAIR) + timed(AA, 0.25, 0.25))
    told = json.loads(as_json(found))
    assert [each["run"] for each in told["runs"]] == ["first", "second"]
    assert told["runs"][1]["probes"] == {"cpu": "other"}
    assert len(told["figures"]) == len(found.figures)
    assert told["exit_code"] == found.exit_code
    content = compose_reproduction(found)
    names = {table.name for section in content.sections for table in section.tables}
    assert names == {"agreement", "verdicts-of-both", "machines"}


def test_a_withheld_pair_has_no_figures(first):
    broken = changed(whole(), {"passed": False}, measured="check", member="method")
    assert not reproduction(side("first", broken), first).figures
    assert dataclasses.asdict(first.judgement.pairs[0])["withheld"] is None

"""What a part of a learner adds: the paired difference of it with and without, over seeds."""

from __future__ import annotations

import dataclasses
import json

import pytest

from harness.declare.pair import Pair
from harness.studies.ablation.show import parts_table
from tests.judge.builders import PAIR, checks, curve, curves, judged, manifest
from tests.report.composing import claims_json, compose

PART = Pair(
    "frozen-or-not",
    "fast",
    "fast",
    "toys",
    "the engine",
    ("curve",),
    settings={"size": 2},
    baseline_settings={"frozen": True, "radius": 0.1},
    method_settings={"radius": 0.1},
)
GAINS = {0: 0.01, 1: 0.02, 2: 0.03}
# Student's at 95 % with two degrees of freedom.
HALF = 4.3027 * 0.01 / 3**0.5


def test_it_is_the_mean_paired_difference_with_a_95_percent_interval_over_seeds() -> None:
    # Seeds differ by far more than the part adds, which only pairing can see through.
    records = [
        curve(PART, member, test=[0.3 * seed + gain, 0.3 * seed - 0.1 + gain], seed=seed)
        for seed in GAINS
        for member, gain in (("baseline", 0.0), ("method", GAINS[seed]))
    ]
    (found,) = judged(records, pairs=(PART,), claims=(), verdicts=False).pairs
    assert found.gain is not None
    assert found.gain.interval is not None
    assert found.gain.interval.estimate == pytest.approx(0.02)
    assert found.gain.interval.low == pytest.approx(0.02 - HALF, abs=1e-6)
    assert found.gain.interval.high == pytest.approx(0.02 + HALF, abs=1e-6)
    assert (found.gain.rounds, found.gain.interval.n) == (3, 3)


def test_a_difference_is_turned_where_lower_is_better() -> None:
    records = [dataclasses.replace(r, higher_is_better=False) for r in curves(PART, 0.02)]
    (found,) = judged(records, pairs=(PART,), claims=(), verdicts=False).pairs
    assert found.gain is not None
    assert found.gain.interval is not None
    assert found.gain.interval.estimate == pytest.approx(-0.02)


def test_every_pair_of_one_learner_has_a_row_under_what_differs() -> None:
    other = dataclasses.replace(PART, name="other", workload="games")
    records = curves(PART, GAINS.__getitem__) + curves(other, -0.02)
    judgement = judged(records, pairs=(PART, other), claims=(), verdicts=False)
    table = parts_table(judgement)
    assert table is not None
    (group,) = table.groups
    assert group.title == "What the engine adds"
    rows = [[cell.text.replace("\u00a0", " ") for cell in row] for row in group.rows]
    gained = "+0.0200 [-0.0048, 0.0448]"
    assert rows[0] == ["toys (size=2)", "fast (radius=0.1)", "0.810", "0.830", gained]
    assert rows[1][4].startswith("-0.0")
    assert group.rows[0][4].note.replace("\u00a0", " ") == "3 seeds"


def test_a_single_seed_says_that_it_speaks_for_its_tasks_alone() -> None:
    records = curves(PART, lambda seed: 0.01, seeds=(0,))
    table = parts_table(judged(records, pairs=(PART,), claims=(), verdicts=False))
    assert table is not None
    assert "tasks of one seed" in table.groups[0].rows[0][4].note


def test_a_part_that_was_not_measured_says_why() -> None:
    records = [r for r in curves(PART) if r.member == "baseline"]
    table = parts_table(judged(records, pairs=(PART,), claims=(), verdicts=False))
    assert table is not None
    assert table.groups[0].rows[0][4].text == "not measured"
    assert table.groups[0].rows[0][4].note


def test_two_learners_and_a_pair_whose_check_failed_are_no_part() -> None:
    checked = dataclasses.replace(PART, passes=("check", "curve"))
    records = checks(checked, (True, False)) + curves(checked, 0.02) + curves(PAIR, 0.02)
    assert parts_table(judged(records, pairs=(checked, PAIR))) is None


def test_it_is_in_the_report_and_in_the_file_for_programs() -> None:
    records = curves(PART, GAINS.__getitem__)
    about = {"pairs": (PART,), "claims": (), "verdicts": False}
    judgement, run = judged(records, **about), manifest(records, **about)
    assert compose(run, records, judgement).table("parts") is not None
    (part,) = json.loads(claims_json(run, judgement))["parts"]
    assert (part["pair"], part["part"], part["seeds"]) == ("frozen-or-not", "the engine", 3)
    assert part["adds"]["estimate"] == pytest.approx(0.02)
    assert part["without"] == {"frozen": True, "radius": 0.1}


def test_a_member_that_no_pair_had_checked_is_not_counted_as_a_check_that_fails() -> None:
    """Without settings the learner is checked, under another pair."""
    part = dataclasses.replace(PART, method_settings={})
    checked = dataclasses.replace(PAIR, passes=("check", "curve"), claims=())
    records = checks(checked) + curves(checked) + curves(part)
    about = {"pairs": (checked, part), "claims": (), "verdicts": False}
    judgement = judged(records, **about)
    assert [check.passed for check in judgement.pairs[1].checks] == [None, True]
    content = compose(manifest(records, **about), records, judgement)
    assert content.closing.replace("\u00a0", " ") == "2 of 2 gradient checks hold."

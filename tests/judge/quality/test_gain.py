"""A claim that quality is better: judged by the paired gain over seeds, where no clock ran too."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Callable, Sequence
from typing import Any

import pytest

from harness.declare.claims import Claim, Reading
from harness.declare.suite import Suite
from harness.judge.judge import judge
from harness.judge.judgement import Judgement, Verdict
from harness.records.manifest import Manifest
from harness.records.record import Record
from tests.judge.builders import (
    PAIR,
    SEEDS,
    changed,
    checks,
    claim,
    curve,
    curves,
    manifest,
    timed,
    warnings_of,
)
from tests.report.composing import claims_json, compose

CLAIM = dataclasses.replace(
    claim(),
    readings=(
        Reading("better", "a point better", 0.01, "quality_gain", "ours"),
        Reading("time", "twice as fast", 2.0, "step_time"),
    ),
)
HELD = dataclasses.replace(PAIR, passes=("check", "curve"), baseline_settings={"share": 0.5})


def run_of(records: Sequence[Record], claimed: Claim = CLAIM, **about: Any) -> Manifest:
    known = {"verdicts": False, "quality_verdicts": True} | about
    suite = Suite("toys", "Made up", (HELD,), **known)
    made = manifest(records, pairs=(HELD,), claims=(claimed,))
    return dataclasses.replace(made, suite=suite)


def judged(records: Sequence[Record], **about: Any) -> Judgement:
    return judge(run_of(records, **about), records)


def only(records: Sequence[Record], **about: Any) -> Verdict:
    (verdict,) = judged(records, **about).pairs[0].verdicts
    return verdict


def around(middle: float, spread: float = 0.001) -> Callable[[int], float]:
    return lambda seed: middle + spread * (seed - 1)


@pytest.mark.parametrize(
    ("gain", "word"),
    [
        (around(0.02), "met"),
        (around(0.01), "consistent"),
        (around(0.005), "smaller"),
        (around(0.0), "none"),
        (around(-0.02), "reversed"),
        (around(0.005, 0.01), "inconclusive"),
    ],
)
def test_the_words_are_those_of_the_table(gain: Callable[[int], float], word: str) -> None:
    verdict = only(checks(HELD) + curves(HELD, gain))
    assert verdict.word == word
    assert verdict.measure == "quality_gain"
    assert verdict.ratio is not None
    assert verdict.ratio.estimate == pytest.approx(gain(1))


def test_a_gain_that_hangs_on_which_examples_a_test_set_has_is_not_shown() -> None:
    """Every seed gains .05, but by .6 on half of the examples what it loses by .5 on the others."""
    before = [0.2, 0.8] * 10
    after = [0.8, 0.3] * 10
    records = checks(HELD) + [
        curve(HELD, member, test=[q + 0.001 * seed for q in test], seed=seed)
        for seed in SEEDS
        for member, test in (("baseline", before), ("method", after))
    ]
    assert only(records).word == "met"
    shared = only(changed(records, {"held_out_shared": True}, measured="curve"))
    assert shared.word == "inconclusive"
    assert shared.ratio is not None
    assert shared.ratio.low < 0 < shared.ratio.high


def test_no_reading_of_time_is_judged_beside_it() -> None:
    verdict = only(checks(HELD) + curves(HELD, 0.02) + timed(HELD))
    assert verdict.measure == "quality_gain"


def test_without_leave_a_suite_without_verdicts_gives_none() -> None:
    records = checks(HELD) + curves(HELD, 0.02)
    assert judged(records, quality_verdicts=False).pairs[0].verdicts == ()


def test_a_suite_with_verdicts_gives_both() -> None:
    found = judged(checks(HELD) + curves(HELD, 0.02), verdicts=True).pairs[0].verdicts
    assert [(v.measure, v.word) for v in found] == [
        ("quality_gain", "met"),
        ("step_time", "inconclusive"),
    ]


def test_two_seeds_are_too_few() -> None:
    verdict = only(checks(HELD) + curves(HELD, around(0.02), seeds=SEEDS[:2]))
    assert verdict.word == "inconclusive"
    assert "over 2 seeds, but a verdict on quality needs at least 3 seeds" in verdict.reason


def test_many_tasks_of_one_seed_are_not_many_seeds() -> None:
    verdict = only(checks(HELD) + curves(HELD, 0.02, seeds=(0,)))
    assert verdict.word == "inconclusive"
    assert "over 1 seed," in verdict.reason


def test_a_failed_check_makes_it_invalid_and_shows_no_gain() -> None:
    verdict = only(checks(HELD, (True, False)) + curves(HELD, 0.02))
    assert (verdict.word, verdict.ratio) == ("invalid", None)


def test_an_absent_curve_is_named() -> None:
    records = [r for r in checks(HELD) + curves(HELD) if r.measured == "check"]
    verdict = only(records)
    assert verdict.word == "inconclusive"
    assert verdict.ratio is None


def test_the_report_prints_gain_baseline_and_word_where_nothing_was_timed() -> None:
    records = checks(HELD) + curves(HELD, around(0.02))
    run = run_of(records)
    judgement = judge(run, records)
    content = compose(run, records, judgement)
    assert content.title == "Published gains in quality of meta-learning, measured again"
    assert content.verdicts is not None
    (group,) = content.verdicts.groups
    assert "fast against plain (share=0.5) on toys" in group.note
    assert "Brackets" not in group.note
    measured = group.rows[0][content.verdicts.index("Measured [95 %]")]
    assert measured.text.startswith("0.020")
    assert measured.note.replace("\u00a0", " ") == "quality gained, 3 seeds"
    assert group.rows[0][1].text == "no figure"
    assert group.rows[0][-1].text == "met"
    (line,) = content.claims
    assert "0.02" in line.tallies[0].said
    (told,) = json.loads(claims_json(run, judgement))["verdicts"]
    assert told["ratio"]["estimate"] == pytest.approx(0.02)
    assert "No timed pass" not in told["reason"]


def test_a_suite_that_times_nothing_is_not_called_too_short() -> None:
    (warning,) = warnings_of(judged(checks(HELD) + curves(HELD, 0.02)))
    assert warning == "suite toys does not judge speed: it times nothing"


def test_chosen_pairs_keep_the_leave_to_judge() -> None:
    assert run_of(checks(HELD)).suite.only((HELD.name,)).quality_verdicts

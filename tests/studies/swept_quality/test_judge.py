"""Quality along a sweep: judged at each point, and in the mean over all of them."""

from __future__ import annotations

import dataclasses
import json
from typing import Any

import pytest

from harness.declare.claims import Claim, Reading
from harness.declare.pair import MEMBERS, Pair
from harness.declare.passes import Seen
from harness.declare.protocol import Protocol
from harness.declare.suite import Suite
from harness.judge.judge import judge
from harness.judge.judgement import Judgement
from harness.records.manifest import Manifest
from harness.records.record import Record
from harness.studies.swept_quality.show import QualityAlong, along, table
from tests.judge.builders import checks, record
from tests.records.made import make_manifest
from tests.report.composing import claims_json, compose

PAIR = Pair(
    "half",
    "plain",
    "fast",
    "toys",
    "what is kept",
    passes=("check",),
    claims=("better", "everywhere"),
    sweep={"kept": (0.5, 0.25)},
    swept=("curve",),
)
CLAIMS = tuple(
    Claim(name, "Paper", "here", "It is better", (reading,), "known")
    for name, reading in (
        ("better", Reading("mean", "in the mean", 0.05, "swept_gain")),
        ("everywhere", Reading("each", "at each", 0.05, "quality_gain")),
    )
)
GAINS = {0.5: 0.1, 0.25: -0.02}


def curves(pair: Pair = PAIR, seeds: tuple[int, ...] = (0, 1, 2)) -> list[Record[Seen]]:
    """Return curves whose method gains what its point says, a bit more with every seed."""
    found = []
    for kept, gain in GAINS.items():
        for seed in seeds:
            for member in MEMBERS:
                quality = kept + (gain + 0.001 * seed) * (member == "method")
                one = record(
                    pair,
                    "curve",
                    member,
                    seed,
                    point={"kept": kept},
                    curve_steps=(1, 2),
                    curve_quality=(0.1, quality),
                    test_quality=(quality - 0.1, quality + 0.1),
                )
                at = one.block.replace("curve", f"curve@kept={kept}")
                found.append(dataclasses.replace(one, block=at))
    return found


def run(records: list[Record[Seen]], pair: Pair = PAIR) -> tuple[Manifest, Judgement]:
    suite = Suite(
        "toys", "Made up", (pair,), Protocol(seeds=3), verdicts=False, quality_verdicts=True
    )
    plan = tuple(each.block for each in records)
    manifest = make_manifest(suite=suite, claims=CLAIMS, plan=plan, seeds=(0, 1, 2))
    return manifest, judge(manifest, records)


@pytest.fixture
def whole() -> tuple[list[Record[Seen]], Manifest, Judgement]:
    records = checks(PAIR) + curves()
    return records, *run(records)


def test_each_point_and_the_mean_over_them_are_judged(whole: Any) -> None:
    _, _, judgement = whole
    (judged,) = judgement.pairs
    found = judged.studies["swept_quality"]
    assert [at.point for at in found.points] == [{"kept": 0.5}, {"kept": 0.25}]
    assert [at.gain.estimate for at in found.points] == pytest.approx([0.101, -0.019])
    assert found.mean.interval.estimate == pytest.approx(0.041)
    assert (found.mean.baseline, found.mean.method) == pytest.approx((0.375, 0.416))
    words = {(v.claim, v.point.get("kept")): v.word for v in judged.verdicts}
    assert words == {
        ("better", None): "smaller",
        ("everywhere", 0.5): "met",
        ("everywhere", 0.25): "reversed",
    }


def test_a_seed_that_lacks_a_point_has_no_part_in_the_mean() -> None:
    records = checks(PAIR) + [
        each
        for each in curves()
        if (each.seed, each.member, each.point.get("kept")) != (2, "method", 0.25)
    ]
    mean = run(records)[1].pairs[0].studies["swept_quality"].mean
    assert mean.rounds == 2
    assert mean.interval.estimate == pytest.approx(0.0405)


def test_a_point_that_failed_leaves_no_mean() -> None:
    records = checks(PAIR) + [
        dataclasses.replace(each, status="failed", reason="it broke", seen=None)
        if each.member == "method" and each.point == {"kept": 0.25}
        else each
        for each in curves()
    ]
    (judged,) = run(records)[1].pairs
    found = judged.studies["swept_quality"]
    assert found.points[1].gain is None
    assert found.mean.interval is None
    word, reason = next((v.word, v.reason) for v in judged.verdicts if v.claim == "better")
    assert word == "inconclusive"
    assert "(at kept=0.25)" in reason


def test_nothing_is_shown_of_a_pair_whose_check_failed() -> None:
    manifest, judgement = run(checks(PAIR, (True, False)) + curves())
    assert "swept_quality" not in judgement.pairs[0].studies
    assert {v.word for v in judgement.pairs[0].verdicts} == {"invalid"}
    assert table(judgement) is None
    text = claims_json(manifest, judgement)
    assert "swept_quality" not in json.loads(text)


def test_the_report_shows_a_line_for_each_learner_and_all_points(whole: Any) -> None:
    records, manifest, judgement = whole
    (figure,) = along(judgement)
    assert isinstance(figure, QualityAlong)
    assert {line.learner: [x for x, _ in line.reached] for line in figure.lines} == {
        "plain": [0.25, 0.5],
        "fast": [0.25, 0.5],
    }
    content = compose(manifest, records, judgement)
    assert "swept-quality" in [each.name for each in content.figures]
    shown = content.table("swept_quality")
    assert shown is not None
    (group,) = shown.groups
    assert [row[0].text for row in group.rows] == ["kept=0.5", "kept=0.25", "mean over the sweep"]
    said = json.loads(claims_json(manifest, judgement))["swept_quality"]
    assert said[0]["pair"] == "half"


def test_settings_that_are_no_numbers_are_in_the_table_alone() -> None:
    pair = dataclasses.replace(PAIR, sweep={"kept": ("some", "few")})
    records = checks(pair) + [
        dataclasses.replace(each, point={"kept": "some" if each.point["kept"] == 0.5 else "few"})
        for each in curves(pair)
    ]
    _, judgement = run(records, pair)
    assert list(along(judgement)) == []
    assert table(judgement) is not None


def test_a_pair_without_a_sweep_is_none_of_it() -> None:
    pair = dataclasses.replace(PAIR, sweep=(), swept=(), passes=("check", "curve"))
    judgement = run(checks(pair), pair)[1]
    assert "swept_quality" not in judgement.pairs[0].studies

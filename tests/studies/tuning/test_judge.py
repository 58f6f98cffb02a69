"""Both sides tuned: what is chosen, by which tasks, and what the chosen settings gain."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable

import pytest

from harness.declare.pair import MEMBERS, Pair
from harness.declare.passes import Seen
from harness.declare.point import Point
from harness.judge.judgement import Judgement
from harness.records.record import Record
from harness.studies.tuning.judge import Finding
from harness.studies.tuning.show import said, tuning_table
from tests.judge.builders import PAIR, checks, claim, curve, judged

CLAIM = claim("tuned_gain", 0.02)
SWEPT = dataclasses.replace(
    PAIR,
    passes=("check",),
    swept=("curve",),
    sweep={"rate": (1, 2), "method.clusters": (2, 4)},
)
SEEDS = range(4)
Quality = Callable[[str, Point, int], tuple[float, float]]
"""Validation and test quality of a member at a point in a seed."""


def run(quality: Quality, pair: Pair = SWEPT, higher: bool = True) -> Judgement:
    records: list[Record[Seen]] = checks(pair)
    for member in MEMBERS:
        seen = {str(part): part for part in (pair.part_of(member, p) for p in pair.points)}
        for point in seen.values():
            for seed in SEEDS:
                valid, test = quality(member, point, seed)
                tests = [test - 0.05, test, test + 0.05]
                about = {"point": point, "higher_is_better": higher}
                records.append(curve(pair, member, (0.1, valid, valid), tests, seed, **about))
    return judged(records, pairs=(pair,), claims=(CLAIM,), verdicts=True)


def found(judgement: Judgement) -> Finding:
    finding = judgement.pairs[0].studies["tuning"]
    assert isinstance(finding, Finding)
    return finding


def chosen(judgement: Judgement) -> dict[tuple[str, str], int]:
    return {
        (each.member, " ".join(map(str, each.settings.values()))): each.chosen
        for each in found(judgement).settings
        if each.chosen
    }


def test_each_side_has_its_own_best_rate_and_the_method_its_own_clusters() -> None:
    def quality(member: str, point: Point, seed: int) -> tuple[float, float]:
        if member == "baseline":
            return (0.7, 0.70 + 0.01 * seed) if point["rate"] == 1 else (0.6, 0.9)
        best = point == {"rate": 2, "method.clusters": 4}
        return (0.8, 0.75 + 0.01 * seed) if best else (0.5, 0.95)

    judgement = run(quality)
    assert chosen(judgement) == {("baseline", "1"): 4, ("method", "2 4"): 4}
    gain = found(judgement).gain
    assert gain.interval is not None
    assert gain.interval.estimate == pytest.approx(0.05)
    assert (gain.baseline, gain.method) == (pytest.approx(0.715), pytest.approx(0.765))
    (verdict,) = judgement.pairs[0].verdicts
    assert (verdict.word, verdict.measure) == ("met", "tuned_gain")
    assert "the method method.clusters=4 rate=2 in 4 of 4" in verdict.reason


def test_a_seed_has_no_part_in_choosing_what_it_is_judged_at() -> None:
    lucky = 0

    def quality(member: str, point: Point, seed: int) -> tuple[float, float]:
        if member == "method" and point == {"rate": 2, "method.clusters": 4} and seed == lucky:
            return 9.0, 9.0  # one training's luck, with all of its tasks
        return 0.7, 0.7

    judgement = run(quality)
    assert found(judgement).gain.method == pytest.approx(0.7)
    # The other seeds are misled and are judged there; it is judged at the first of equals.
    assert chosen(judgement) == {("baseline", "1"): 4, ("method", "1 2"): 1, ("method", "2 4"): 3}


def test_where_lower_is_better_the_lowest_is_chosen_and_a_fall_is_a_gain() -> None:
    def quality(member: str, point: Point, seed: int) -> tuple[float, float]:
        rate, clusters = float(point["rate"]), float(point.get("method.clusters", 0))
        return -rate - clusters, -rate - clusters - 0.1 * seed

    judgement = run(quality, higher=False)
    assert chosen(judgement) == {("baseline", "2"): 4, ("method", "2 4"): 4}
    gain = found(judgement).gain
    assert gain.interval is not None
    assert gain.interval.estimate == pytest.approx(4)


def test_a_setting_without_a_curve_of_every_seed_is_not_chosen() -> None:
    pair = dataclasses.replace(SWEPT, sweep={"rate": (1, 2)})
    records = checks(pair)
    for member in MEMBERS:
        for rate in (1, 2):
            for seed in SEEDS:
                gone = {"status": "not finite", "reason": "it diverged"}
                about = gone if rate == 2 and seed == 3 else {}
                one = curve(pair, member, (0.1, 0.4 * rate), seed=seed, point={"rate": rate})
                records.append(
                    dataclasses.replace(one, **about, **({"seen": None} if about else {}))
                )
    judgement = judged(records, pairs=(pair,), claims=(CLAIM,))
    assert chosen(judgement) == {("baseline", "1"): 4, ("method", "1"): 4}


def test_a_run_that_cannot_choose_says_why() -> None:
    one = dataclasses.replace(SWEPT, sweep={"rate": (1, 2)})
    records = checks(one) + [curve(one, m, point={"rate": 1}) for m in MEMBERS]
    (verdict,) = judged(records, pairs=(one,), claims=(CLAIM,)).pairs[0].verdicts
    assert verdict.word == "inconclusive"
    assert "One seed cannot both choose and judge" in verdict.reason
    (verdict,) = judged(checks(one), pairs=(one,), claims=(CLAIM,)).pairs[0].verdicts
    assert "curve of the baseline: not in the records" in verdict.reason.lower()


def test_nothing_is_said_of_a_pair_whose_claims_do_not_ask_or_whose_check_failed() -> None:
    quality: Quality = lambda member, point, seed: (0.7, 0.7)  # noqa: E731
    assert tuning_table(run(quality)) is not None
    pair = dataclasses.replace(SWEPT, claims=())
    unasked = judged(checks(pair), pairs=(pair,), claims=())
    assert "tuning" not in unasked.pairs[0].studies
    assert tuning_table(unasked) is None
    failed = checks(SWEPT, (True, False))
    curves = [
        curve(
            SWEPT,
            m,
            seed=s,
            point={"rate": 1, **({} if m == "baseline" else {"method.clusters": 2})},
        )
        for m in MEMBERS
        for s in SEEDS
    ]
    withheld = judged(failed + curves, pairs=(SWEPT,), claims=(CLAIM,))
    assert "tuning" not in withheld.pairs[0].studies
    assert said(withheld) == {"tuning": {}}


def test_the_table_shows_every_setting_of_both_sides_and_counts_the_seeds() -> None:
    judgement = run(lambda member, point, seed: (0.7 + (point["rate"] == 2) / 10, 0.7))
    table = tuning_table(judgement)
    assert table is not None
    (group,) = table.groups
    assert [(row[0].note, row[0].text) for row in group.rows] == [
        ("baseline", "rate=1"),
        ("baseline", "rate=2"),
        ("method", "method.clusters=2 rate=1"),
        ("method", "method.clusters=4 rate=1"),
        ("method", "method.clusters=2 rate=2"),
        ("method", "method.clusters=4 rate=2"),
    ]
    assert [row[-1].text for row in group.rows] == ["–", "4 of 4", "–", "–", "4 of 4", "–"]
    # The target is what the baseline held at its best setting; at rate 1 nobody gets there.
    assert group.note == "accuracy, target 0.800"
    assert [row[3].text for row in group.rows] == ["–", "20", "–", "–", "20", "20"]
    told = said(judgement)["tuning"]["pair"]
    assert [each["chosen"] for each in told["settings"]] == [0, 4, 0, 0, 4, 0]

"""Reference convergence: a baseline is held to what is published of it, before any verdict."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence

import pytest

from harness.declare.convergence import ConvergencePoint
from harness.declare.pair import Pair
from harness.judge.judgement import Judgement
from harness.judge.quality.convergence import Convergence, Outcome
from tests.judge.builders import (
    AA,
    PAIR,
    Record,
    changed,
    checks,
    claim,
    curve,
    judged,
    timed,
    trajectories,
)

POINT = ConvergencePoint("somebody", 0.9, 100, "their paper, table 1")
PROVEN = [*checks(PAIR), *trajectories(PAIR), *timed(AA, 0.25, 0.25), *timed(PAIR)]
TASKS = (-0.02, -0.01, 0.0, 0.01, 0.02)


def trained(
    quality: float,
    *,
    validation: Sequence[float] = (0.3, 0.5, 0.6, 0.7, 0.8),
    every: int = 20,
    seeds: Sequence[int] = (0, 1, 2),
    spread: float = 0.001,
    pair: Pair = PAIR,
) -> list[Record]:
    """Train the baseline; its validation quality was looked at every so many steps."""
    steps = tuple(every * (place + 1) for place in range(len(validation)))
    return [
        curve(
            pair,
            "baseline",
            validation,
            [quality + spread * (seed - 1) + task for task in TASKS],
            seed,
            curve_steps=steps,
        )
        for seed in seeds
    ]


def judgement_of(
    records: Sequence[Record], point: ConvergencePoint = POINT, **about: object
) -> Judgement:
    told = changed([*PROVEN, *records], {"converges": point}, member="baseline", pair="pair")
    return judged(told, **about)


def found_of(records: Sequence[Record], point: ConvergencePoint = POINT) -> Convergence:
    (found,) = judgement_of(records, point).convergence
    return found


@pytest.mark.parametrize(
    ("records", "outcome"),
    [
        (trained(0.9), Outcome.REACHED),
        (trained(0.895), Outcome.REACHED),  # a percentage point may be missing
        (trained(0.9, every=10), Outcome.REACHED),  # in half of the steps
        (trained(0.85), Outcome.MISSED),
        (trained(0.85, every=10), Outcome.TOO_SHORT),
        (trained(0.92, every=1), Outcome.TOO_SOON),  # in five of a hundred steps
        (trained(0.92, validation=(0.95, 0.95, 0.9), every=4), Outcome.TOO_SOON),
        (trained(0.92, validation=(0.95, 0.3, 0.9), every=4), Outcome.REACHED),  # not sustained
        (trained(0.89, spread=0.02), Outcome.UNDECIDED),
        (trained(0.85, seeds=[1]), Outcome.MISSED),  # by the tasks of one seed
        ([], Outcome.UNMEASURED),
    ],
)
def test_every_outcome(records: list[Record], outcome: Outcome) -> None:
    assert found_of(records).outcome is outcome


@pytest.mark.parametrize(
    "records", [trained(0.85), trained(0.92, every=1)], ids=["missed", "too soon"]
)
def test_a_baseline_that_is_not_the_published_one_makes_every_verdict_invalid(
    records: list[Record],
) -> None:
    judgement = judgement_of(records)
    verdicts = judgement.pairs[0].verdicts
    assert verdicts
    for verdict in verdicts:
        assert verdict.word == "invalid"
        assert "plain reached accuracy" in verdict.reason
        assert "somebody published 0.9 in 100" in verdict.reason
    assert judgement.warnings[0].startswith("reference convergence")
    assert judgement.warnings[0].endswith("every verdict on it is invalid")


@pytest.mark.parametrize(
    ("records", "told"),
    [
        (trained(0.9), None),
        (trained(0.85, every=10), "not trained far enough to tell"),
        (trained(0.89, spread=0.02), "undecided"),
        ([], "not measured"),
    ],
)
def test_any_other_leaves_the_verdict_with_a_word_of_caution(
    records: list[Record], told: str | None
) -> None:
    judgement = judgement_of(records)
    assert judgement.pairs[0].verdicts[0].word == "met"
    warnings = [each for each in judgement.warnings if "reference convergence" in each]
    assert len(warnings) == (told is not None)
    assert told is None or told in warnings[0]


def test_a_quality_gained_over_it_is_invalid_too() -> None:
    records = [*trained(0.7), *(curve(PAIR, "method", seed=seed) for seed in range(3))]
    of_quality = claim("quality_gain", 0.01)
    judgement = judgement_of(records, claims=[of_quality])
    assert {verdict.word for verdict in judgement.pairs[0].verdicts} == {"invalid"}


def test_what_could_not_be_tested_stays_so() -> None:
    judgement = judgement_of(trained(0.7), claims=[claim(needs=("gpus=1",))])
    assert judgement.pairs[0].verdicts[0].word == "not testable here"


def test_a_published_interval_says_how_much_may_be_missing() -> None:
    wide = dataclasses.replace(POINT, half_width=0.06)
    assert found_of(trained(0.85), wide).outcome is Outcome.REACHED
    narrow = dataclasses.replace(POINT, half_width=0.001)
    assert found_of(trained(0.895), narrow).outcome is Outcome.MISSED


def test_where_lower_is_better_it_is_turned_round() -> None:
    falling = (0.9, 0.6, 0.4, 0.3, 0.2)
    point = dataclasses.replace(POINT, quality=0.2)
    for quality, outcome in ((0.19, Outcome.REACHED), (0.3, Outcome.MISSED)):
        losses = changed(PROVEN + trained(quality, validation=falling), {"higher_is_better": False})
        told = changed(losses, {"converges": point}, member="baseline", pair="pair")
        (found,) = judged(told).convergence
        assert found.outcome is outcome


def test_one_training_serves_every_pair_of_the_same_baseline_on_the_same_tasks() -> None:
    judgement = judged(changed([*PROVEN, *trained(0.8)], {"converges": POINT}, member="baseline"))
    (found,) = judgement.convergence
    assert set(found.pairs) == {"pair", "aa"}
    assert found.steps == 100


def test_a_training_that_failed_is_no_training() -> None:
    failed = changed(trained(0.9), {"status": "not finite", "reason": "NaN"})
    found = found_of(failed)
    assert found.outcome is Outcome.UNMEASURED
    assert found.reason == "not finite: NaN"


def test_at_points_of_a_sweep_each_is_held_to_its_own() -> None:
    pair = dataclasses.replace(PAIR, sweep={"rate": (1, 2)})
    records = [
        dataclasses.replace(each, point={"rate": rate}, settings=f"rate={rate}", block=block)
        for rate, quality in ((1, 0.9), (2, 0.8))
        for each in [*timed(pair), *trained(quality, pair=pair)]
        for block in [each.block.replace(each.measured, f"{each.measured}@rate={rate}")]
    ]
    told = changed(
        [*checks(pair), *timed(AA, 0.25, 0.25), *records],
        {"converges": POINT},
        member="baseline",
        pair="pair",
    )
    judgement = judged(told, pairs=[pair, AA])
    words = {verdict.point["rate"]: verdict.word for verdict in judgement.pairs[0].verdicts}
    assert words == {1: "inconclusive", 2: "invalid"}


def test_where_lower_is_better_the_margin_is_a_share() -> None:
    point = dataclasses.replace(POINT, quality=50.0)
    records = changed(trained(50.4, spread=0.0), {"higher_is_better": False})
    assert found_of(records, point).outcome is Outcome.REACHED


def test_a_figure_may_be_of_some_learners_alone() -> None:
    point = dataclasses.replace(POINT, learners=("reference_maml",))
    assert point.concerns("reference_maml")
    assert not point.concerns("hand_tuned")
    assert POINT.concerns("hand_tuned")

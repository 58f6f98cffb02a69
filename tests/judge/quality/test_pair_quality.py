"""Test quality of both members, held to the margin that a claim states."""

from __future__ import annotations

import dataclasses

import pytest

from harness.judge.judgement import PairJudgement, Quality
from harness.records.record import Record
from tests.judge.builders import (
    AA,
    PAIR,
    changed,
    checks,
    claim,
    counts,
    curve,
    curves,
    judged,
    timed,
    trajectories,
)

PARTED = [*checks(PAIR), *trajectories(PAIR, apart=0.1)]


def pair_of(curves_of_both: list[Record], **about: object) -> PairJudgement:
    records = PARTED + timed(AA, 0.25, 0.25) + timed(PAIR) + curves_of_both
    return judged(records, **about).pairs[0]


def quality_of(curves_of_both: list[Record], **about: object) -> Quality:
    quality = pair_of(curves_of_both, **about).quality
    assert quality is not None
    return quality


def slightly(seed: int) -> float:
    return -0.004 + 0.0005 * seed


class TestQuality:
    def test_keeps_tasks_and_seeds_apart(self) -> None:
        quality = quality_of(curves(PAIR, slightly))
        assert quality.baseline == pytest.approx(0.81)
        assert quality.method == pytest.approx(0.8065)
        assert quality.over_tasks is not None
        assert quality.over_seeds is not None
        assert (quality.over_tasks.n, quality.over_seeds.n) == (60, 3)
        assert quality.method_over_tasks is not None
        assert quality.method_over_tasks.estimate == pytest.approx(0.8065)

    def test_of_a_test_set_counts_its_examples_once(self) -> None:
        told = changed(curves(PAIR, slightly), {"held_out_shared": True})
        quality = quality_of(told)
        assert quality.over_tasks is not None
        assert quality.method_over_tasks is not None
        assert (quality.over_tasks.n, quality.method_over_tasks.n) == (20, 20)
        assert "over 3 seeds and the test tasks they share: the method" in quality.reason

    def test_of_a_test_set_is_so_by_any_block_of_the_workload(self) -> None:
        records = PARTED + timed(AA, 0.25, 0.25) + timed(PAIR) + curves(PAIR, slightly)
        told = changed(records, {"held_out_shared": True}, pair="aa")
        for given, tasks in ((records, 60), (told, 20)):
            quality = judged(given).pairs[0].quality
            assert quality is not None
            assert quality.over_tasks is not None
            assert quality.over_tasks.n == tasks

    def test_that_hangs_on_which_examples_there_are_is_undecided(self) -> None:
        """Every seed loses alike, but on one example in four as much as it gains on another."""
        before = [0.0, 1.0, 1.0, 0.0] * 5
        after = [1.0, 0.0, 1.0, 0.0] * 5
        found = [
            curve(PAIR, member, test=test, seed=seed)
            for seed in range(3)
            for member, test in (("baseline", before), ("method", after))
        ]
        assert quality_of(found).not_worse is True
        assert quality_of(changed(found, {"held_out_shared": True})).not_worse is None

    def test_that_is_within_the_margin_is_not_worse(self) -> None:
        quality = quality_of(curves(PAIR, slightly))
        assert (quality.not_worse, quality.margin) == (True, 0.01)
        assert "not worse over 3 seeds: the method gains -0.0035" in quality.reason

    def test_that_is_beyond_the_margin_makes_the_verdict_invalid(self) -> None:
        found = pair_of(curves(PAIR, lambda seed: slightly(seed) - 0.1))
        assert found.quality is not None
        assert found.quality.not_worse is False
        assert found.verdicts[0].word == "invalid"
        assert "Worse over 3 seeds" in found.verdicts[0].reason

    def test_that_seeds_disagree_on_is_undecided_and_leaves_the_word_open(self) -> None:
        found = pair_of(curves(PAIR, lambda seed: 0.05 * (seed - 1)))
        assert found.quality is not None
        assert found.quality.not_worse is None
        assert found.verdicts[0].word == "inconclusive"

    def test_is_unknown_while_the_method_has_none(self) -> None:
        quality = quality_of([curve(PAIR, "baseline")])
        assert (quality.method, quality.not_worse) == (None, None)
        assert quality.reason == "curve of the method: not in the records"

    def test_is_unknown_where_tasks_cannot_be_paired(self) -> None:
        unequal = [curve(PAIR, "baseline"), curve(PAIR, "method", test=(0.8, 0.9))]
        quality = quality_of(unequal)
        assert quality.not_worse is None
        assert "cannot be paired" in quality.reason

    def test_is_paired_by_seed(self) -> None:
        records = [r for r in curves(PAIR, slightly) if (r.member, r.seed) != ("method", 1)]
        quality = quality_of(list(reversed(records)))
        assert quality.not_worse is True
        assert "over 2 seeds, 1 of one member alone left out" in quality.reason

    def test_of_one_seed_says_that_it_speaks_for_that_seed_alone(self) -> None:
        assert "over the tasks of a single seed" in quality_of(curves(PAIR, seeds=(0,))).reason

    @pytest.mark.parametrize(
        "bad",
        [
            {"test_quality": (0.5, float("nan"))},
            {"test_quality": ()},
            {"curve_quality": (0.5,)},
            {"curve_steps": (10, 20, 20, 40, 50)},
            {"metric": None},
        ],
    )
    def test_leaves_out_a_curve_that_nobody_measured_so(self, bad: dict[str, object]) -> None:
        records = changed(curves(PAIR, slightly), bad, member="method", seed=2)
        found = pair_of(records)
        assert found.quality is not None
        assert "over 2 seeds" in found.quality.reason
        assert [failure.status for failure in found.failures] == ["unusable"]

    def test_is_none_where_nothing_was_trained(self) -> None:
        assert judged(counts(PAIR)).pairs[0].quality is None


class TestMargin:
    def test_is_each_claims_own(self) -> None:
        pair = dataclasses.replace(PAIR, claims=("strict", "lenient"))
        both = (claim(name="strict", margin=0.001), claim(name="lenient", margin=0.05))
        found = pair_of(curves(PAIR, slightly), pairs=(pair, AA), claims=both)
        assert [verdict.word for verdict in found.verdicts] == ["invalid", "met"]

    def test_that_is_shown_is_the_strictest(self) -> None:
        pair = dataclasses.replace(PAIR, claims=("strict", "lenient"))
        both = (claim(name="strict", margin=0.001), claim(name="lenient", margin=0.05))
        assert quality_of(curves(PAIR), pairs=(pair, AA), claims=both).margin == 0.001

    def test_of_a_pair_without_claims_is_one_percentage_point(self) -> None:
        pair = dataclasses.replace(PAIR, claims=())
        assert quality_of(curves(PAIR), pairs=(pair, AA)).margin == 0.01

    def test_is_a_share_of_the_baseline_where_lower_is_better(self) -> None:
        loss = {"metric": "squared error", "higher_is_better": False}
        worse = [
            curve(PAIR, member, seed=seed, test=[scale * (40.0 + seed + task) for task in range(9)])
            for seed in range(3)
            for member, scale in (("baseline", 1.0), ("method", 1.005))
        ]
        quality = quality_of(changed(worse, loss))
        assert quality.margin == pytest.approx(0.45)
        assert (quality.higher_is_better, quality.not_worse) == (False, True)
        assert quality_of(changed(worse, loss), claims=(claim(margin=1e-3),)).not_worse is False

    def test_of_nothing_decides_nothing(self) -> None:
        loss = {"higher_is_better": False, "test_quality": (0.0, 0.0)}
        quality = quality_of(changed(curves(PAIR), loss))
        assert quality.not_worse is None
        assert "margin must be above 0" in quality.reason

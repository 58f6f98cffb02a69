"""When the baseline's learning curve stands for the method's."""

from __future__ import annotations

import dataclasses
import random

import pytest

from harness.judge.judgement import PairJudgement
from harness.judge.quality.inheritance import TOLERANCE, curves_equal, inherits
from harness.records.record import Record
from tests.judge.builders import (
    PAIR,
    changed,
    checks,
    curve,
    curves,
    evidence,
    judged,
    timed,
    trajectories,
    whole,
    without,
)


def pair_of(records: list[Record]) -> PairJudgement:
    return judged(records).pairs[0]


class TestTrajectories:
    def test_that_differ_by_rounding_are_equal(self) -> None:
        found = curves_equal(evidence(trajectories(PAIR, apart=1e-8)), PAIR)
        assert (found.equal, found.steps) == (True, 5)
        assert found.worst == pytest.approx(1e-8)
        assert "over 5 steps in float64" in found.reason

    @pytest.mark.parametrize(("part", "equal"), [(0.9, True), (1.1, False)])
    def test_are_held_to_the_tolerance(self, part: float, equal: bool) -> None:
        assert (
            curves_equal(evidence(trajectories(PAIR, apart=part * TOLERANCE)), PAIR).equal is equal
        )

    def test_that_agree_in_losses_but_not_in_weights_differ(self) -> None:
        records = trajectories(PAIR)
        prints = (9.0, -1.0, 0.001, 4.0, 7.1)
        found = curves_equal(
            evidence(changed(records, {"fingerprint": prints}, member="method")), PAIR
        )
        assert found.equal is False
        assert found.worst == pytest.approx(0.1 / 9)

    def test_are_not_parted_by_a_projection_that_passes_through_zero(self) -> None:
        prints = (9.0, -1.0, 0.001 + 1e-8, 4.0, 7.0)
        records = changed(trajectories(PAIR), {"fingerprint": prints}, member="method")
        assert curves_equal(evidence(records), PAIR).equal is True

    def test_that_end_in_zero_are_equal_if_both_do(self) -> None:
        zeros = {"losses": (1.0, 0.0), "fingerprint": (0.0, 0.0)}
        assert curves_equal(evidence(changed(trajectories(PAIR), zeros)), PAIR).worst == 0.0

    def test_of_different_lengths_differ(self) -> None:
        short = {"losses": (3.0,), "fingerprint": (9.0,)}
        found = curves_equal(evidence(changed(trajectories(PAIR), short, member="method")), PAIR)
        assert found.equal is False
        assert "1 and 5 steps" in found.reason

    def test_of_which_one_is_absent_prove_nothing(self) -> None:
        lost = {"status": "failed", "reason": "no memory", "losses": None}
        found = curves_equal(evidence(changed(trajectories(PAIR), lost, member="method")), PAIR)
        assert found.equal is None
        assert "failed, no memory" in found.reason

    @pytest.mark.parametrize("bad", [float("nan"), float("inf")])
    def test_that_hold_no_numbers_prove_nothing(self, bad: float) -> None:
        records = changed(trajectories(PAIR), {"losses": (3.0, 2.5, 2.0, 1.5, bad)})
        assert curves_equal(evidence(records), PAIR).equal is None

    def test_of_other_seeds_prove_nothing(self) -> None:
        records = changed(trajectories(PAIR), {"seed": 7}, member="method")
        assert curves_equal(evidence(records), PAIR).equal is None

    def test_take_the_worst_of_all_seeds(self) -> None:
        far = [
            dataclasses.replace(r, seed=1, block=r.block.replace("seed0", "seed1"))
            for r in trajectories(PAIR, apart=1e-3)
        ]
        assert curves_equal(evidence(trajectories(PAIR) + far), PAIR).worst == pytest.approx(
            1e-3, rel=0.01
        )

    def test_are_compared_alike_in_any_order(self) -> None:
        records = trajectories(PAIR, apart=3e-7)
        backwards = list(reversed(records))
        assert curves_equal(evidence(records), PAIR) == curves_equal(evidence(backwards), PAIR)


class TestInheriting:
    def test_takes_an_exact_method_a_passed_check_and_equal_trajectories(self) -> None:
        proof = inherits(evidence(checks(PAIR) + trajectories(PAIR)), PAIR)
        assert proof is not None
        assert proof.equal is True

    @pytest.mark.parametrize("label", ["InTheLimit", "Approximate"])
    def test_is_not_for_methods_that_are_not_exact(self, label: str) -> None:
        assert (
            inherits(evidence(checks(PAIR, equivalence=label) + trajectories(PAIR)), PAIR) is None
        )

    def test_is_not_for_a_method_whose_check_failed_or_is_absent(self) -> None:
        assert inherits(evidence(checks(PAIR, (True, False)) + trajectories(PAIR)), PAIR) is None
        assert inherits(evidence(trajectories(PAIR)), PAIR) is None

    def test_is_not_for_trajectories_that_part(self) -> None:
        assert inherits(evidence(checks(PAIR) + trajectories(PAIR, apart=1e-3)), PAIR) is None

    def test_is_decided_alike_while_a_run_goes_on_and_after_it(self) -> None:
        records = whole()
        random.Random(1).shuffle(records)
        proof = inherits(
            evidence([r for r in records if r.measured in ("check", "trajectory")]), PAIR
        )
        assert proof == inherits(evidence(records), PAIR)
        assert proof == pair_of(whole()).curves


class TestInherited:
    def test_quality_is_the_baselines_and_is_not_worse(self) -> None:
        quality = pair_of(whole()).quality
        assert quality is not None
        assert (quality.inherited, quality.not_worse) == (True, True)
        assert (quality.baseline, quality.method) == (pytest.approx(0.81), None)
        assert "inherits the baseline's quality: over 5 steps" in quality.reason

    def test_steps_to_a_target_are_the_baselines_and_seconds_the_methods_own(self) -> None:
        records = without(whole(), measured="step", pair="pair") + timed(PAIR, noise=0.0)
        rule = next(t for t in pair_of(records).studies["targets"] if t.by_rule)
        assert (rule.baseline_steps, rule.method_steps) == (40, 40)
        assert (rule.baseline_seconds, rule.method_seconds) == (pytest.approx(10), pytest.approx(4))
        assert rule.method_reached == rule.baseline_reached == "3 of 3"

    def test_quality_gives_way_to_curves_that_were_measured(self) -> None:
        records = without(whole(), measured="curve") + curves(PAIR, gain=-0.2)
        quality = pair_of(records).quality
        assert quality is not None
        assert (quality.inherited, quality.not_worse) == (False, False)

    def test_quality_does_not_hide_a_curve_that_failed(self) -> None:
        broken = {"status": "not finite", "reason": "the result holds NaN"}
        records = changed(whole(), broken, measured="curve", member="method", seed=1)
        found = pair_of(records)
        assert found.quality is not None
        assert (found.quality.inherited, found.quality.not_worse) == (False, None)
        assert found.verdicts[0].word == "inconclusive"

    def test_quality_needs_no_curve_of_the_baselines_yet(self) -> None:
        quality = pair_of(without(whole(), measured="curve")).quality
        assert quality is not None
        assert (quality.baseline, quality.inherited, quality.not_worse) == (None, True, True)

    def test_curves_are_not_claimed_where_trajectories_part(self) -> None:
        records = without(whole(), measured="trajectory") + trajectories(PAIR, apart=0.1)
        found = pair_of(records)
        assert found.curves is not None
        assert found.curves.equal is False
        assert found.quality is not None
        assert found.quality.inherited is False

    def test_curves_are_unknown_to_a_pair_without_trajectories(self) -> None:
        pair = dataclasses.replace(PAIR, passes=("check", "step", "curve"))
        records = checks(pair) + timed(pair) + [curve(pair, "baseline")]
        assert judged(records, pairs=(pair,)).pairs[0].curves is None

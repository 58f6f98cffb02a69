"""Ratios pair what belongs together, and say why there is none."""

from __future__ import annotations

import dataclasses

import pytest

from harness.judge.judge import judge
from tests.judge.builders import (
    AA,
    PAIR,
    ROUNDS,
    SEEDS,
    changed,
    checks,
    counts,
    judged,
    manifest,
    pair_of,
    passed,
    timed,
    whole,
    without,
)
from tests.records.made import altered


class TestRatios:
    def test_take_the_median_of_a_block_and_then_of_the_rounds(self) -> None:
        ratio = passed(timed(PAIR, 0.3, 0.1, noise=0.0)).ratio("step_time")
        assert ratio is not None
        assert ratio.interval is not None
        assert (ratio.baseline, ratio.method) == (0.3, 0.1)
        assert ratio.interval.estimate == pytest.approx(3.0)
        assert ratio.rounds == len(SEEDS) * ROUNDS

    def test_pair_a_round_with_its_own_even_if_one_is_missing(self) -> None:
        records = [
            altered(found, seconds=(2.0**found.round * each,))
            for found in timed(PAIR, noise=0.0)
            for each in [3.0 if found.member == "baseline" else 1.0]
        ]
        records = without(records, member="method", seed=1, round=2)
        ratio = passed(records).ratio("step_time")
        assert ratio is not None
        assert ratio.interval is not None
        assert (ratio.interval.low, ratio.interval.high) == (3.0, 3.0)
        assert ratio.rounds == len(SEEDS) * ROUNDS - 1

    def test_of_counts_are_points_that_ask_for_no_noise(self) -> None:
        found = passed(counts(PAIR))
        memory = found.ratio("peak_bytes")
        assert memory is not None
        assert memory.interval is not None
        assert (memory.interval.low, memory.interval.estimate, memory.interval.high) == (4, 4, 4)
        assert (memory.interval.method, memory.unit, memory.rounds) == ("counted", "bytes", 1)
        assert [r.measure for r in found.ratios] == ["peak_bytes", "flops", "backward_passes"]

    def test_of_a_count_that_is_zero_are_none(self) -> None:
        ratio = passed(counts(PAIR, method=0)).ratio("peak_bytes")
        assert ratio is not None
        assert ratio.interval is None
        assert "is 0" in (ratio.reason or "")

    def test_leave_out_what_was_not_counted(self) -> None:
        uncounted = changed(counts(PAIR), {"backward_passes": None}, measured="operations")
        found = passed(uncounted)
        assert found.ratio("backward_passes") is None
        assert found.ratio("flops") is not None

    @pytest.mark.parametrize("bad", [(), (0.0,), (-1.0, 1.0), (float("nan"),), (float("inf"),)])
    def test_leave_out_a_block_whose_seconds_no_clock_gives(self, bad: tuple[float, ...]) -> None:
        spoilt = {"block": "pair/step/method/seed0/round0"}
        found = passed(changed(timed(PAIR), {"seconds": bad}, **spoilt))
        assert found.ratios[0].rounds == len(SEEDS) * ROUNDS - 1
        assert [(f.status, f.blocks) for f in found.failures] == [("unusable", 1)]

    def test_of_a_method_that_gave_nothing_say_why(self) -> None:
        broken = {"status": "not finite", "reason": "the result holds NaN"}
        records = changed(whole(), broken, member="method", measured="step", pair="pair")
        found = pair_of(records)
        ratio = found.ratio("step_time")
        assert ratio is not None
        assert (ratio.interval, ratio.method) == (None, None)
        assert ratio.baseline == pytest.approx(0.25, rel=0.01)
        assert "not finite, the result holds NaN" in (ratio.reason or "")
        (failure,) = found.failures
        assert (failure.member, failure.measured, failure.blocks) == ("method", "step", 12)
        assert found.verdicts[0].word == "inconclusive"
        assert "holds NaN" in found.verdicts[0].reason

    def test_let_the_other_pairs_finish(self) -> None:
        other = dataclasses.replace(PAIR, name="other", workload="games")
        broken = {"status": "died", "reason": "killed"}
        records = changed(whole(), broken, pair="pair", measured="step") + timed(other)
        judgement = judged(records, pairs=(PAIR, other, AA))
        ratio = judgement.pairs[1].ratio("step_time")
        assert ratio is not None
        assert ratio.interval is not None

    def test_take_the_good_record_of_a_block_that_was_measured_again(self) -> None:
        records = whole()
        first = next(r for r in records if r.measured == "step" and r.pair == "pair")
        died = altered(first, status="died", reason="killed")
        about = manifest(records)
        assert judge(about, [died, *records]).pairs == judge(about, records).pairs
        assert judge(about, [*records, died]).pairs == judge(about, records).pairs

    def test_take_the_later_of_two_good_records(self) -> None:
        records = counts(PAIR)
        again = changed(records, {"peak_bytes": 2000}, measured="memory", member="method")
        memory = judged(checks(PAIR) + records + again).pairs[0].ratio("peak_bytes")
        assert memory is not None
        assert memory.method == 2000

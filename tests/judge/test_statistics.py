from __future__ import annotations

import math

import numpy as np
import pytest

from harness.judge.statistics import (
    MIN_ROUNDS,
    Interval,
    PairedInterval,
    aa_holds,
    geometric_mean,
    noise_floor,
    paired_ratio,
    performance_profile,
)


def interval(low: float, estimate: float, high: float, n: int = 12) -> Interval:
    return Interval(estimate, low, high, n, "made up")


def keyed(values: list[float]) -> dict[tuple[str, int, int], float]:
    return {("pair", number % 3, number // 3): value for number, value in enumerate(values)}


TIMES = [1.0, 1.1, 0.9, 1.3, 1.05, 0.97, 1.02, 1.2, 0.99, 1.15]


class TestInterval:
    @pytest.mark.parametrize("position", range(3))
    @pytest.mark.parametrize("bad", [math.nan, math.inf, -math.inf])
    def test_refuses_what_is_not_a_finite_number(self, position: int, bad: float) -> None:
        ends = [1.0, 1.0, 1.0]
        ends[position] = bad
        with pytest.raises(ValueError, match="finite"):
            interval(ends[0], ends[1], ends[2])

    @pytest.mark.parametrize("ends", [(2, 1, 3), (1, 4, 3), (3, 2, 1)])
    def test_refuses_bounds_out_of_order(self, ends: tuple[float, float, float]) -> None:
        with pytest.raises(ValueError, match="in order"):
            interval(*ends)

    def test_refuses_to_rest_on_nothing(self) -> None:
        with pytest.raises(ValueError, match="at least one observation"):
            interval(1, 1, 1, n=0)


class TestPairedRatio:
    def test_is_the_median_of_the_ratios_and_not_the_ratio_of_the_medians(self) -> None:
        baseline = {1: 2.0, 2: 30.0, 3: 4.0}
        method = {1: 1.0, 2: 10.0, 3: 8.0}
        assert paired_ratio(baseline, method).estimate == 2.0  # of 2, 3 and 0.5

    def test_exceeds_one_where_the_method_takes_less_time(self) -> None:
        assert paired_ratio(keyed([2.0] * 9), keyed([1.0] * 9)).estimate == 2.0

    def test_pairs_by_key_and_not_by_position(self) -> None:
        baseline = keyed([10.0 * time for time in TIMES])
        method = dict(reversed(keyed(TIMES).items()))
        ratio = paired_ratio(baseline, method)
        assert (ratio.low, ratio.estimate, ratio.high) == pytest.approx((10, 10, 10))

    def test_cancels_what_a_round_does_to_both(self) -> None:
        drift = [2.0**number for number in range(10)]
        baseline = keyed([3 * factor for factor in drift])
        ratio = paired_ratio(baseline, keyed(drift))
        assert (ratio.low, ratio.high) == (3, 3)

    def test_owns_up_to_values_without_a_partner(self) -> None:
        baseline = {1: 2.0, 2: 2.0, 3: 2.0}
        ratio = paired_ratio(baseline, {2: 1.0, 3: 1.0, 4: 1.0, 5: 1.0})
        assert (ratio.n, ratio.only_baseline, ratio.only_method, ratio.dropped) == (2, 1, 2, 3)

    def test_refuses_members_that_share_no_key(self) -> None:
        with pytest.raises(ValueError, match="1 values of the baseline and 2 of the method"):
            paired_ratio({1: 1.0}, {2: 1.0, 3: 1.0})

    @pytest.mark.parametrize("bad", [0.0, -1.0, math.nan, math.inf])
    def test_names_the_key_of_a_time_that_is_none(self, bad: float) -> None:
        with pytest.raises(ValueError, match=r"\('pair', 1, 0\)"):
            paired_ratio(keyed([1.0, 1.0, 1.0]), keyed([1.0, bad, 1.0]))

    def test_bootstraps_with_bias_correction(self) -> None:
        ratio = paired_ratio(keyed(TIMES), keyed([1.0] * 10))
        assert ratio.method == "BCa bootstrap"
        assert ratio.low < ratio.estimate < ratio.high

    def test_repeats_itself_for_the_same_seed_in_any_order(self) -> None:
        values = np.exp(np.random.default_rng(1).normal(size=24)).round(3).tolist()
        ones = keyed([1.0] * 24)
        shuffled = dict(sorted(keyed(values).items(), key=lambda item: item[1]))
        assert paired_ratio(keyed(values), ones, seed=4) == paired_ratio(shuffled, ones, seed=4)

    def test_takes_samples_that_begin_and_end_alike_for_what_they_are(self) -> None:
        ratio = paired_ratio(keyed([1.0, 2.0, 3.0, 4.0, 1.0]), keyed([1.0] * 5))
        assert ratio.low < ratio.high

    @pytest.mark.parametrize("tie", [1 / 35, 1 / 47])
    def test_keeps_the_estimate_inside_although_bounds_are_rounded(self, tie: float) -> None:
        ratios = [tie / 2, *[tie] * 9, 2 * tie, 3 * tie, 4 * tie]
        ratio = paired_ratio(keyed(ratios), keyed([1.0] * 13))
        assert ratio.low <= ratio.estimate == tie <= ratio.high

    def test_leaves_the_global_generator_alone(self) -> None:
        before = repr(np.random.get_state())  # noqa: NPY002
        paired_ratio(keyed(TIMES), keyed([1.0] * 10))
        assert repr(np.random.get_state()) == before  # noqa: NPY002

    def test_gives_identical_ratios_no_width_and_says_why(self) -> None:
        ratio = paired_ratio(keyed([1.5] * 8), keyed([1.0] * 8))
        assert (ratio.low, ratio.high, ratio.method) == (1.5, 1.5, "identical values")

    def test_says_that_one_round_has_no_interval(self) -> None:
        ratio = paired_ratio({1: 3.0}, {1: 2.0})
        assert (ratio.low, ratio.high, ratio.n) == (1.5, 1.5, 1)
        assert ratio.method == "one value, no interval"

    def test_falls_back_to_percentiles_where_bca_is_degenerate_and_says_so(self) -> None:
        # Leaving out any one value leaves the median, so the jackknife has no spread.
        ratios = [1.0, 1.1, 1.2, 1.2, 1.2, 1.2, 1.3, 1.4]
        ratio = paired_ratio(keyed(ratios), keyed([1.0] * 8))
        assert ratio.method.startswith("percentile bootstrap")
        assert (ratio.low, ratio.high) == pytest.approx((1.1, 1.3))
        at_90 = paired_ratio(keyed(ratios), keyed([1.0] * 8), confidence=0.9)
        assert (at_90.low, at_90.high) == pytest.approx((1.15, 1.25))

    def test_is_wider_at_a_higher_confidence(self) -> None:
        ones = keyed([1.0] * 10)
        narrow = paired_ratio(keyed(TIMES), ones, confidence=0.5)
        wide = paired_ratio(keyed(TIMES), ones, confidence=0.99)
        assert wide.low < narrow.low < narrow.high < wide.high

    @pytest.mark.parametrize("confidence", [0, 1, 95])
    def test_refuses_a_confidence_that_is_no_share(self, confidence: float) -> None:
        with pytest.raises(ValueError, match="between 0 and 1"):
            paired_ratio(keyed(TIMES), keyed(TIMES), confidence=confidence)

    def test_can_stand_wherever_an_interval_can(self) -> None:
        assert issubclass(PairedInterval, Interval)


class TestGeometricMean:
    def test_balances_a_doubling_against_a_halving(self) -> None:
        mean = geometric_mean([interval(2, 2, 2), interval(0.5, 0.5, 0.5)])
        assert (mean.low, mean.estimate, mean.high) == pytest.approx((1, 1, 1))

    def test_of_one_workload_is_that_workload(self) -> None:
        only = interval(1.1, 1.2, 1.4)
        assert geometric_mean([only]) is only

    def test_narrows_with_the_root_of_the_number_of_workloads(self) -> None:
        mean = geometric_mean([interval(2 / 1.2, 2, 2 * 1.1)] * 4)
        assert mean.low == pytest.approx(2 / 1.2**0.5)
        assert mean.high == pytest.approx(2 * 1.1**0.5)

    def test_rests_on_the_poorest_workload(self) -> None:
        assert geometric_mean([interval(1, 1, 1, n=20), interval(1, 1, 1, n=5)]).n == 5

    def test_refuses_no_workload_and_a_ratio_that_reaches_zero(self) -> None:
        with pytest.raises(ValueError, match="at least one"):
            geometric_mean([])
        with pytest.raises(ValueError, match="above 0"):
            geometric_mean([interval(1, 1, 1), interval(0, 1, 2)])


class TestPerformanceProfile:
    def test_counts_each_solver_within_tau_of_the_best(self) -> None:
        times = {"a": {"x": 1.0, "y": 4.0}, "b": {"x": 2.0, "y": 2.0}}
        profile = performance_profile(times, [1, 2])
        assert profile.shares == {"a": (0.5, 1.0), "b": (0.5, 1.0)}

    def test_never_counts_a_failure_as_solved(self) -> None:
        times: dict[str, dict[str, float | None]] = {
            "a": {"x": None, "y": 1.0},
            "b": {"x": 5.0, "y": 1.0},
        }
        assert performance_profile(times, [1, 1e9]).shares["a"] == (0.5, 0.5)

    def test_counts_its_denominator_from_the_data(self) -> None:
        times: dict[str, dict[str, float | None]] = {
            "a": {"x": 1.0, "y": 1.0},
            "b": {"x": 1.0, "y": None, "z": None},
        }
        profile = performance_profile(times, [1])
        assert profile.problems == 3
        assert profile.shares == {"a": (2 / 3,), "b": (1 / 3,)}

    def test_survives_a_problem_that_nobody_solved(self) -> None:
        times: dict[str, dict[str, float | None]] = {"a": {"x": None}}
        assert performance_profile(times, [1]).shares == {"a": (0.0,)}

    @pytest.mark.parametrize("taus", [[], [0.5, 1], [math.nan]])
    def test_refuses_a_tau_that_is_no_multiple_of_the_best(self, taus: list[float]) -> None:
        with pytest.raises(ValueError, match="tau"):
            performance_profile({"a": {"x": 1.0}}, taus)

    def test_refuses_nothing_and_times_that_are_none(self) -> None:
        empty: dict[str, dict[str, float]] = {"a": {}}
        with pytest.raises(ValueError, match="at least one solver"):
            performance_profile(empty, [1])
        with pytest.raises(ValueError, match="positive"):
            performance_profile({"a": {"x": 0.0}}, [1])


class TestNoiseFloor:
    @pytest.mark.parametrize(
        ("low", "high", "floor"), [(0.98, 1.01, 0.02), (0.99, 1.03, 0.03), (1.01, 1.04, 0.04)]
    )
    def test_is_the_larger_distance_from_one(self, low: float, high: float, floor: float) -> None:
        assert noise_floor(interval(low, low, high)) == pytest.approx(floor)

    def test_holds_where_the_interval_covers_one(self) -> None:
        assert aa_holds(interval(0.98, 1.0, 1.01))
        assert aa_holds(interval(1.0, 1.0, 1.0))
        assert not aa_holds(interval(1.001, 1.01, 1.02))
        assert not aa_holds(interval(0.98, 0.99, 0.999))

    def test_does_not_hold_on_too_few_rounds(self) -> None:
        assert aa_holds(interval(0.9, 1, 1.1, n=MIN_ROUNDS))
        assert not aa_holds(interval(0.9, 1, 1.1, n=MIN_ROUNDS - 1))

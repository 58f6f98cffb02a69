from __future__ import annotations

import math

import pytest

from harness.judge.quality.crossing import (
    Crossing,
    logrank,
    survival,
    target_by_rule,
    target_range,
    time_to_target,
)

CURVES = [[(1, 0.2), (2, best), (3, best)] for best in (0.6, 0.8, 0.9)]

RISING = [(0, 0.2), (10, 0.5), (20, 0.7), (30, 0.8), (40, 0.9)]


def reached(*times: float) -> list[Crossing]:
    return [Crossing(time, reached=True) for time in times]


def censored(*times: float) -> list[Crossing]:
    return [Crossing(time, reached=False) for time in times]


class TestTimeToTarget:
    def test_is_the_first_of_the_evaluations_that_hold(self) -> None:
        assert time_to_target(RISING, 0.65) == Crossing(20, reached=True)

    def test_passes_over_a_crossing_that_is_taken_back(self) -> None:
        curve = [(0, 0.1), (1, 0.9), (2, 0.1), (3, 0.9), (4, 0.9)]
        assert time_to_target(curve, 0.8) == Crossing(3, reached=True)
        assert time_to_target(curve, 0.8, sustained=1) == Crossing(1, reached=True)
        assert time_to_target(curve, 0.8, sustained=3) == Crossing(4, reached=False)

    def test_censors_a_crossing_that_the_end_leaves_unconfirmed(self) -> None:
        assert time_to_target(RISING, 0.9) == Crossing(40, reached=False)

    def test_counts_meeting_the_target_exactly(self) -> None:
        assert time_to_target(RISING, 0.8) == Crossing(30, reached=True)

    def test_falls_where_lower_is_better(self) -> None:
        curve = [(0, 3.0), (1, 2.0), (2, 1.0), (3, 0.9)]
        assert time_to_target(curve, 1.0, higher_is_better=False) == Crossing(2, reached=True)

    @pytest.mark.parametrize("higher_is_better", [True, False])
    def test_a_run_that_diverged_is_censored(self, higher_is_better: bool) -> None:
        curve = [(0, 0.5), (1, math.nan), (2, math.nan)]
        crossing = time_to_target(curve, 0.5, higher_is_better=higher_is_better)
        assert crossing == Crossing(2, reached=False)

    @pytest.mark.parametrize("curve", [[], [(1, 0.5), (1, 0.5)], [(2, 0.5), (1, 0.5)]])
    def test_refuses_steps_that_do_not_increase(self, curve: list[tuple[float, float]]) -> None:
        with pytest.raises(ValueError, match="increasing steps"):
            time_to_target(curve, 0.5)

    def test_refuses_a_target_or_a_hold_that_means_nothing(self) -> None:
        with pytest.raises(ValueError, match="nan"):
            time_to_target(RISING, math.nan)
        with pytest.raises(ValueError, match="at least one evaluation"):
            time_to_target(RISING, 0.5, sustained=0)


class TestSurvival:
    def test_is_the_plain_share_where_all_arrive(self) -> None:
        curve = survival(reached(10, 20, 30, 40))
        assert curve.times == (10, 20, 30, 40)
        assert curve.shares == pytest.approx((0.25, 0.5, 0.75, 1))
        assert (curve.median, curve.share_reached) == (20, 1)

    def test_neither_drops_a_censored_run_nor_takes_it_for_infinite(self) -> None:
        # At 30 one of two runs still watched arrives: half of the 0.75 that had not. Dropping the
        # censored ones would give 1 here, taking them for infinite 0.5.
        curve = survival([*reached(10, 30), *censored(20, 40)])
        assert curve.shares == pytest.approx((0.25, 0.25, 0.625, 0.625))
        assert curve.median == 30
        assert (curve.reached, curve.runs) == (2, 4)

    def test_has_no_median_where_fewer_than_half_arrive(self) -> None:
        assert survival([*reached(10), *censored(50, 50)]).median is None

    def test_has_a_median_where_exactly_half_arrive(self) -> None:
        for half in (1, 3, 12):  # with 12 the product of fractions falls short of one half
            runs = [*reached(*range(1, half + 1)), *censored(*[99] * half)]
            assert survival(runs).median == half

    def test_of_none_that_arrive_is_flat(self) -> None:
        curve = survival(censored(50, 50))
        assert set(curve.shares) == {0}
        assert (curve.median, curve.share_reached) == (None, 0)

    def test_of_no_run_is_refused(self) -> None:
        with pytest.raises(ValueError, match="at least one run"):
            survival([])


class TestLogrank:
    def test_tells_early_from_late(self) -> None:
        early, late = reached(*range(1, 9)), reached(*range(11, 19))
        p_value = logrank(early, late)
        assert p_value is not None
        assert p_value < 0.001
        assert logrank(late, early) == pytest.approx(p_value)

    def test_sees_no_difference_in_equal_groups(self) -> None:
        runs = [*reached(1, 5, 9), *censored(12)]
        assert logrank(runs, runs) == pytest.approx(1)

    def test_counts_censored_runs_as_evidence(self) -> None:
        without = logrank(reached(1, 2, 3, 4), reached(2, 5))
        with_them = logrank(reached(1, 2, 3, 4), [*reached(2, 5), *censored(50, 50, 50)])
        assert without is not None
        assert with_them is not None
        assert with_them < without

    def test_does_not_know_where_nobody_arrives_or_a_group_is_empty(self) -> None:
        assert logrank(censored(9), censored(9)) is None
        assert logrank([], reached(1)) is None
        assert logrank(reached(1), []) is None


class TestTargetByRule:
    def test_is_the_median_over_seeds_of_the_best(self) -> None:
        curves = [[(1, 0.1), (2, best), (3, best)] for best in (0.9, 0.5, 0.7)]
        assert target_by_rule(curves) == 0.7

    def test_takes_the_best_that_was_sustained(self) -> None:
        lucky = [(1, 0.5), (2, 0.9), (3, 0.6), (4, 0.6)]
        assert target_by_rule([lucky]) == 0.6
        assert target_by_rule([lucky], sustained=1) == 0.9

    def test_takes_the_least_where_lower_is_better(self) -> None:
        curves = [[(1, 5.0), (2, best), (3, best + 1)] for best in (1.0, 2.0, 3.0)]
        assert target_by_rule(curves, higher_is_better=False) == 3.0

    def test_passes_over_results_that_are_no_number(self) -> None:
        assert target_by_rule([[(1, 0.5), (2, 0.6), (3, math.nan), (4, 0.9)]]) == 0.5

    def test_refuses_to_set_a_target_from_nothing(self) -> None:
        with pytest.raises(ValueError, match="at least one curve"):
            target_by_rule([])
        with pytest.raises(ValueError, match="2 finite results on end"):
            target_by_rule([[(1, 0.5), (2, math.nan)]])


class TestTargetRange:
    def test_leads_from_half_way_through_the_target_to_the_best_of_any_seed(self) -> None:
        targets = target_range(CURVES)
        assert targets == pytest.approx((0.5, 0.56, 0.62, 0.68, 0.74, 0.8, 0.85, 0.9))
        assert target_by_rule(CURVES) in targets

    def test_runs_downwards_where_lower_is_better(self) -> None:
        curves = [[(1, 5.0), (2, best), (3, best)] for best in (1.0, 2.0, 3.0)]
        targets = target_range(curves, higher_is_better=False)
        assert targets == pytest.approx((3.5, 3.2, 2.9, 2.6, 2.3, 2.0, 1.5, 1.0))

    def test_of_a_baseline_that_never_improves_is_one_target(self) -> None:
        assert target_range([[(1, 0.5), (2, 0.5), (3, 0.1)]]) == (0.5,)
        assert target_range([[(1, 0.9), (2, 0.5), (3, 0.5)]]) == (0.5,)

    def test_begins_at_a_number_although_the_first_result_is_none(self) -> None:
        assert target_range([[(1, math.nan), (2, 0.5), (3, 0.5)]]) == (0.5,)

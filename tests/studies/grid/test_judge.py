"""The judge of a grid: what is chosen by half of the seeds, judged apart, and how far rates go."""

from __future__ import annotations

import dataclasses

import pytest

from harness.declare.passes import Seen
from harness.declare.point import Point
from harness.judge.choosing import halves
from harness.judge.judgement import Observed, PairJudgement
from harness.judge.statistics import Bounds
from harness.judge.trace import trace
from harness.records.record import Record
from tests.judge.builders import AA, evidence, timed
from tests.studies.grid.runs import (
    DIVERGED,
    EVERY,
    LARGER,
    LAST,
    NEVER,
    SEEDS,
    SWEPT,
    UP_TO,
    always,
    arm_of,
    finding_of,
    pair_of,
    trained,
    word,
)

EVEN, ODD = SEEDS[::2], SEEDS[1::2]


def slow_at_large_rates(point: Point, seed: int) -> int:
    """Get there early at small rates, late at the middle one, and never at the largest."""
    return {0.1: 6, 1.0: 12, 4.0: NEVER}[float(point["inner_lr"])]


def reason(judged: PairJudgement, reading: str) -> str:
    (verdict,) = (verdict for verdict in judged.verdicts if verdict.reading == reading)
    return verdict.reason


TIMES = dataclasses.replace(
    SWEPT, name="times", passes=("step",), claims=(), sweep={"depth": (1, 2)}
)


def steps_timed(noise: float) -> list[Record[Seen]]:
    """Time steps at both depths; the method's take twice as long."""
    return [
        dataclasses.replace(r, point=point, block=f"{r.block}@{point}")
        for point in TIMES.points
        for r in timed(TIMES, 0.25, 0.5, noise=noise)
    ]


class TestCells:
    def test_are_one_for_each_point_and_target_with_the_steps_of_both(self):
        arm = arm_of(trained(slow_at_large_rates, always(4)))
        assert len(arm.cells) == 6 * len(finding_of(trained(always(4), always(4))).targets)
        cell = next(c for c in arm.cells if c.value == 1.0 and c.row == {"depth": 2})
        assert (cell.baseline.steps, cell.method.steps, cell.ratio) == (120, 40, 3.0)
        assert (cell.baseline.reached, cell.baseline.seeds, cell.bound) == (16, 16, "")

    def test_count_a_seed_that_never_got_there_as_far_as_it_was_trained(self):
        arm = arm_of(trained(slow_at_large_rates, always(4)))
        cell = next(c for c in arm.cells if c.value == 4.0)
        assert (cell.baseline.steps, cell.baseline.reached) == (None, 0)
        assert (cell.ratio, cell.bound) == (LAST * EVERY / 40, "at least")

    def test_count_a_training_that_came_to_no_number_like_one_that_never_got_there(self):
        def breaks(point: Point, seed: int) -> int:
            return DIVERGED if point["inner_lr"] == 4.0 and seed < 5 else 8

        records = trained(breaks, always(4))
        protocol_steps = 200  # of the builders' manifest
        cell = next(c for c in arm_of(records).cells if c.value == 4.0)
        assert (cell.baseline.reached, cell.baseline.seeds, cell.baseline.diverged) == (11, 16, 5)
        assert cell.bound == "at least"
        assert cell.ratio == 2.0
        lone = trained(breaks, always(4), seeds=(0,))
        cell = next(c for c in arm_of(lone).cells if c.value == 4.0)
        assert cell.ratio == protocol_steps / 40

    def test_say_which_side_is_but_a_bound(self):
        def half(point: Point, seed: int) -> int:
            return NEVER if seed % 2 else 8

        bounds = {
            (always(8), always(4)): "",
            (half, always(4)): "at least",
            (always(8), half): "at most",
            (half, half): "open",
        }
        for (baseline, method), bound in bounds.items():
            assert {c.bound for c in arm_of(trained(baseline, method)).cells} == {bound}

    def test_have_seconds_only_where_a_step_was_timed_whatever_takes_no_time(self):
        times = dataclasses.replace(
            SWEPT,
            name="times",
            passes=("step",),
            claims=(),
            settings={"inner_lr": 7.0, "depth": 2},
            sweep=(),
        )
        records = trained(always(8), always(4)) + timed(times, 0.25, 0.5, noise=0.0)
        arm = arm_of(records, others=(times,), verdicts=False)
        timed_rows = {bool(c.baseline.seconds) for c in arm.cells if c.row == {"depth": 2}}
        others = {c.baseline.seconds for c in arm.cells if c.row == {"depth": 1}}
        assert (timed_rows, others) == ({True}, {None})
        cell = next(c for c in arm.cells if c.row == {"depth": 2})
        assert (cell.baseline.seconds, cell.method.seconds) == (20.0, 20.0)


class TestTargets:
    def test_are_set_at_the_baseline_s_own_best_setting_and_shared_by_all(self):
        def best_at_one(point: Point, seed: int) -> int:
            return 6 if point == {"depth": 2, "inner_lr": 1.0} else NEVER

        found = finding_of(trained(best_at_one, always(4)))
        assert found.best_baseline == {"depth": 2, "inner_lr": 1.0}
        start, top = 0.2, 0.9
        owed = [start + part * (top - start) for part in (0.3, 0.5, 0.7, 0.9, 1)]
        assert found.targets == pytest.approx(owed)

    def test_are_not_set_where_most_trainings_came_to_no_number(self):
        judged = pair_of(trained(always(DIVERGED), always(4)))
        assert "grid" not in judged.studies
        assert word(judged, "best") == "inconclusive"
        assert "In most seeds no training of the baseline gave a finite result" in reason(
            judged, "best"
        )

    def test_need_a_curve_of_the_baseline(self):
        records = [
            r
            for r in trained(always(8), always(4))
            if (r.measured, r.member) != ("curve", "baseline")
        ]
        assert "Curve of the baseline: not in the records" in reason(pair_of(records), "best")


class TestTheBestSetting:
    def test_is_the_one_where_the_method_is_most_ahead(self):
        judged = pair_of(trained(slow_at_large_rates, always(4)))
        best = judged.studies["grid"].arms[0].best
        assert {choice.method["inner_lr"] for choice in best.choices} == {4.0}
        assert best.ratio.interval.estimate == LAST * EVERY / 40
        assert best.ratio.observed[0] == Observed(0, None, LAST * EVERY, 40)
        assert best.late == ("baseline",)
        assert word(judged, "best") == "met"

    def test_is_not_one_where_the_method_does_not_get_there(self):
        def gives_up(point: Point, seed: int) -> int:
            return NEVER if point["inner_lr"] == 4.0 else 6

        best = arm_of(trained(slow_at_large_rates, gives_up)).best
        assert {choice.method["inner_lr"] for choice in best.choices} == {1.0}
        assert best.ratio.interval.estimate == 2.0

    def test_is_judged_by_seeds_that_had_no_part_in_the_choice(self):
        """Each half of the seeds is lucky at a rate of its own, and pays for it in the other."""

        def lucky(point: Point, seed: int) -> int:
            if point["inner_lr"] == 0.1:
                return 4 if seed in EVEN else 16
            if point["inner_lr"] == 1.0:
                return 4 if seed in ODD else 16
            return NEVER

        judged = pair_of(trained(always(8), lucky))
        best = judged.studies["grid"].arms[0].best
        for choice in best.choices:
            assert not set(choice.chosen_by) & set(choice.judged_by)
            own = {0.1: EVEN, 1.0: ODD}[choice.method["inner_lr"]]
            assert choice.chosen_by == own
        assert best.ratio.interval.estimate == 0.5
        assert best.ratio.rounds == len(SEEDS)
        assert word(judged, "best") == "reversed"

    def test_of_two_alike_is_the_first(self):
        best = arm_of(trained(always(8), always(4))).best
        assert {tuple(choice.method.items()) for choice in best.choices} == {
            (("depth", 1), ("inner_lr", 0.1))
        }

    def test_is_withheld_where_the_method_gets_there_nowhere(self):
        judged = pair_of(trained(always(8), always(NEVER)))
        assert judged.studies["grid"].arms[0].best.ratio.interval is None
        assert word(judged, "best") == "inconclusive"
        assert "At no setting did half of the choosing seeds" in reason(judged, "best")

    def test_takes_two_seeds_at_least(self):
        judged = pair_of(trained(always(8), always(4), seeds=(0,)))
        assert "A single seed cannot both choose and judge" in reason(judged, "best")

    def test_is_no_gain_with_the_sides_swapped(self):
        ahead = pair_of(trained(always(8), always(4)))
        behind = pair_of(trained(always(4), always(8)))
        assert [word(each, "best") for each in (ahead, behind)] == ["met", "reversed"]

    def test_says_what_was_chosen(self):
        told = reason(pair_of(trained(slow_at_large_rates, always(4))), "best")
        assert "Chosen, with its target: depth=1 inner_lr=4.0 at 0.41." in told

    def test_gives_no_word_of_gain_where_test_quality_is_lost(self):
        records = trained(always(8), always(4))
        worse = [
            dataclasses.replace(
                r,
                seen=dataclasses.replace(r.seen, test_quality=(0.1,) * 6),  # type: ignore[type-var]
            )
            if r.measured == "curve" and r.member == "method"
            else r
            for r in records
        ]
        assert word(pair_of(worse), "best") == "invalid"

    def test_has_its_seconds_derived_where_every_step_was_timed(self):
        found = steps_timed(noise=0.0)
        records = trained(always(8), always(2))
        assert arm_of(records).best.seconds is None
        arm = arm_of(records + found, others=(TIMES,), verdicts=False)
        assert arm.best.seconds.estimate == pytest.approx(4.0 * 0.5)
        assert arm.best.seconds.low <= 2.0 <= arm.best.seconds.high


class TestOwnBest:
    def test_races_each_at_the_setting_of_its_fewest_steps(self):
        def other_way(point: Point, seed: int) -> int:
            return {0.1: NEVER, 1.0: 12, 4.0: 3}[float(point["inner_lr"])]

        judged = pair_of(trained(slow_at_large_rates, other_way))
        own = judged.studies["grid"].arms[0].own_best
        (choice, _) = own.choices
        assert (choice.baseline["inner_lr"], choice.method["inner_lr"]) == (0.1, 4.0)
        assert own.ratio.interval.estimate == 2.0
        assert word(judged, "own") == "met"

    def test_may_be_no_gain_where_the_best_setting_is_one(self):
        judged = pair_of(trained(slow_at_large_rates, always(6)))
        assert (word(judged, "best"), word(judged, "own")) == ("met", "none")

    def test_is_lost_by_a_method_that_gets_there_nowhere(self):
        judged = pair_of(trained(always(8), always(NEVER)))
        own = judged.studies["grid"].arms[0].own_best
        assert (own.late, own.ratio.method) == (("method",), None)
        assert own.ratio.interval.estimate == 80 / (LAST * EVERY)
        assert word(judged, "own") == "reversed"


class TestTheLargestValue:
    def test_is_the_one_at_which_most_seeds_train(self):
        def further(point: Point, seed: int) -> int:
            return NEVER if point["inner_lr"] == 4.0 and seed < 9 else 6

        arm = arm_of(trained(slow_at_large_rates, further))
        assert arm.largest is not None
        whole = arm.largest.reaches[0]
        assert (whole.row, whole.baseline, whole.method) == (None, 1.0, 1.0)
        arm = arm_of(trained(slow_at_large_rates, always(6)))
        assert arm.largest is not None
        assert [r.row for r in arm.largest.reaches] == [None, {"depth": 1}, {"depth": 2}]
        assert {r.method for r in arm.largest.reaches} == {4.0}

    def test_makes_a_ratio_by_seed_of_the_method_s_over_the_baseline_s(self):
        judged = pair_of(trained(slow_at_large_rates, always(6)))
        found = judged.studies["grid"].arms[0].largest
        assert found.ratio.interval.estimate == 4.0
        assert found.ratio.observed[0] == Observed(0, None, 1.0, 4.0)
        assert word(judged, "rate") == "met"

    def test_is_traced_as_what_it_is(self):
        records = trained(slow_at_large_rates, always(6))
        judged = pair_of(records)
        found = judged.studies["grid"].arms[0]
        known = evidence(records, pairs=(SWEPT, AA), claims=(UP_TO, LARGER))
        told = [trace(judged, r, known).estimator for r in (found.largest.ratio, found.best.ratio)]
        assert told == [
            "what most seeds reach, method over baseline",
            "median over seeds of baseline over method",
        ]

    def test_at_the_end_of_the_grid_is_a_bound_that_denies_no_claim(self):
        same = pair_of(trained(always(8), always(6)))
        assert word(same, "rate") == "inconclusive"
        why = "most seeds of the method train at the greatest value of the grid"
        assert why in reason(same, "rate")
        ahead = pair_of(trained(slow_at_large_rates, always(6)))
        assert list(ahead.studies["grid"].arms[0].largest.bounds) == ["baseline"]
        ended = pair_of(trained(slow_at_large_rates, slow_at_large_rates))
        assert word(ended, "rate") == "none"

    def test_of_a_method_that_trains_nowhere_is_no_gain(self):
        judged = pair_of(trained(slow_at_large_rates, always(NEVER)))
        found = judged.studies["grid"].arms[0].largest
        assert list(found.bounds) == ["method"]
        assert found.reaches[0].method is None
        assert word(judged, "rate") == "reversed"

    def test_leaves_out_seeds_that_were_not_trained_at_every_point(self):
        records = [
            r
            for r in trained(slow_at_large_rates, always(6))
            if not (r.measured == "curve" and r.seed == 3 and r.point.get("inner_lr") == 4.0)
        ]
        found = arm_of(records).largest
        assert found is not None
        assert found.ratio.rounds == len(SEEDS) - 1
        assert "method" not in found.bounds

    def test_is_not_asked_of_a_setting_that_has_one_value(self):
        lone = dataclasses.replace(SWEPT, sweep={"depth": (1, 2)}, settings={"inner_lr": 1.0})
        judged = pair_of(trained(always(8), always(4), lone), lone)
        assert judged.studies["grid"].arms[0].largest is None
        assert "only one value" in reason(judged, "rate")


class TestArms:
    PAIR = dataclasses.replace(
        SWEPT,
        sweep={"inner_lr": (0.1, 1.0), "method.at_test": ("alone", "damped")},
        claims=("up-to",),
    )

    def test_are_methods_of_their_own_that_share_the_baseline(self):
        def at(point: Point, seed: int) -> int:
            return 4 if point["method.at_test"] == "damped" else 16

        records = trained(always(8), at, self.PAIR)
        assert sum(r.member == "baseline" and r.measured == "curve" for r in records) == 32
        judged = pair_of(records, self.PAIR)
        found = {
            arm.settings["method.at_test"]: arm.best.ratio.interval.estimate
            for arm in judged.studies["grid"].arms
        }
        assert found == {"alone": 0.5, "damped": 2.0}
        best = [v for v in judged.verdicts if v.reading == "best"]
        assert [(v.point["method.at_test"], v.word) for v in best] == [
            ("alone", "reversed"),
            ("damped", "met"),
        ]


def test_a_pair_without_a_sweep_of_curves_has_no_grid():
    plain = dataclasses.replace(SWEPT, sweep=(), claims=())
    assert "grid" not in pair_of(trained(always(8), always(4), plain), plain).studies


def test_halves_judge_all_and_never_their_own_choice():
    for seeds in ((0, 1), (3, 1, 2), SEEDS):
        parted = halves(seeds)
        assert sorted(s for _, judging in parted for s in judging) == sorted(seeds)
        assert all(not set(choosing) & set(judging) for choosing, judging in parted)
    assert halves([4]) == ()


def test_a_sweep_that_nobody_asks_about_as_a_grid_is_none():
    pair = dataclasses.replace(SWEPT, claims=())
    judged = pair_of(trained(always(4), always(4), pair), pair)
    assert "grid" not in judged.studies


class TestSeconds:
    def test_have_an_interval_of_seeds_and_of_rounds(self):
        found = steps_timed(noise=0.05)

        def uneven(point: Point, seed: int) -> int:
            return 8 if seed % 2 else 6

        arm = arm_of(trained(uneven, always(2)) + found, others=(TIMES,), verdicts=False)
        seconds = arm.best.seconds
        assert seconds is not None
        steps = arm.best.ratio.interval
        assert seconds.method == Bounds.SEEDS_AND_ROUNDS
        # Seeds alone give the spread of the steps; the rounds of step times widen it.
        assert seconds.high / seconds.low > steps.high / steps.low
        assert seconds.estimate == pytest.approx(steps.estimate * 0.5, rel=0.1)

"""The time left is learnt from what blocks took, and guessed for what is like none of them."""

from __future__ import annotations

import pytest

from harness.config import RunConfig
from harness.declare.pair import Pair
from harness.declare.protocol import Protocol
from harness.declare.suite import Suite
from harness.measure.budget import Budget
from harness.measure.estimate import Estimate as EstimateWith
from harness.records.seen import Times
from tests.measure.test_progress import PAIRS, REGISTRY, Estimate, plan

PASSES = tuple(REGISTRY.passes)
EVERY = (Pair("p", "a", "b", "w", "", PASSES), Pair("aa", "a", "a", "w", "", ("step", "curve")))
STUDIED = plan(Suite("s", "S", EVERY, Protocol(seeds=2, rounds=3)), RunConfig())


def of(pair: str, measured: str, member: str = "method"):
    return [b for b in STUDIED if (b.pair.name, b.measured, b.member) == (pair, measured, member)]


STEPS = of("p", "step")


def alike(seconds):
    return pytest.approx((seconds, seconds))


class TestTheEstimate:
    def test_of_nothing_is_no_time(self):
        assert Estimate([]).seconds == (0, 0)

    def test_is_a_guess_for_every_block_before_any_was_seen(self):
        assert all(Estimate([block]).seconds[0] > 0 for block in STUDIED)
        total = Estimate(STUDIED).seconds
        each = [Estimate([block]).seconds for block in STUDIED]
        assert total == pytest.approx([sum(ends) for ends in zip(*each, strict=True)])

    def test_of_rounds_is_from_the_first_that_may_decide_to_the_last(self):
        many = plan(Suite("s", "S", EVERY[:1], Protocol(seeds=2, rounds=30)), RunConfig())
        estimate = Estimate([b for b in many if (b.measured, b.member) == ("step", "twin")])
        low, high = estimate.seconds
        assert high / low == pytest.approx(60 / 8)

    def test_of_what_comes_after_the_rounds_leaves_these_out(self):
        after = [block for block in STUDIED if block.measured == "curve"]
        estimate = Estimate([*STEPS, *after])
        low, high = Estimate(after).seconds
        assert estimate.after_rounds == pytest.approx((low * high) ** 0.5)
        assert Estimate(STEPS).after_rounds == 0

    def test_learns_nothing_from_what_was_left_out(self):
        estimate = Estimate(STEPS)
        estimate.saw(STEPS[0], 0.0, STEPS[0].record("skipped", skip="decided", reason="enough"))
        assert estimate.seconds == Estimate(STEPS[1:]).seconds

    def test_leaves_out_what_was_seen(self):
        estimate = Estimate(STEPS)
        for n, block in enumerate(STEPS, start=1):
            estimate.saw(block, 10.0, block.record("ok"))
            assert estimate.seconds == alike(10.0 * (len(STEPS) - n))

    def test_lies_between_the_least_and_the_most_that_its_like_took(self):
        estimate = Estimate(STEPS)
        for block, seconds in zip(STEPS, (8.0, 12.0, 9.0), strict=False):
            estimate.saw(block, seconds, block.record("ok"))
        assert estimate.seconds == pytest.approx((8.0 * 3, 12.0 * 3))

    def test_of_a_sweep_is_that_of_each_point_once_it_was_seen(self):
        swept = Pair("p", "a", "b", "w", "", ("step",), sweep={"width": (1, 2)})
        blocks = [
            block
            for block in plan(Suite("s", "S", (swept,), Protocol(seeds=1, rounds=3)), RunConfig())
            if block.member == "method"
        ]
        estimate, took = Estimate(blocks), {1: 2.0, 2: 40.0}
        for seen, block in enumerate(blocks, start=1):
            estimate.saw(block, took[block.point["width"]], block.record("ok"))
            left = sum(took[other.point["width"]] for other in blocks[seen:])
            if seen >= len(took):  # until then one stands for the other
                assert estimate.seconds == alike(left)

    def test_of_many_is_not_led_by_one_that_took_long(self):
        many = plan(Suite("s", "S", PAIRS[:1], Protocol(seeds=9)), RunConfig())
        alike_ones = [block for block in many if block.member == "baseline"]
        estimate = Estimate(alike_ones)
        for block, seconds in zip(alike_ones, (600.0, 10.0, 9.0, 11.0, 10.0, 12.0), strict=False):
            estimate.saw(block, seconds, block.record("ok"))
        low, high = estimate.seconds
        assert 3 * 9.0 <= low < high < 3 * 13.0

    def test_corrects_the_guess_for_a_pass_by_what_was_seen_of_it_elsewhere(self):
        (other, *_) = of("p", "step", "baseline")
        guess = Estimate([other]).seconds[0]
        estimate = Estimate([*STEPS, other])
        estimate.saw(STEPS[0], 100.0 * guess, STEPS[0].record("failed"))
        estimate.saw(STEPS[1], 50.0 * guess, STEPS[1].record("failed"))
        blocks = len(STEPS) - 2 + 1
        assert estimate.seconds == pytest.approx((50.0 * guess * blocks, 100.0 * guess * blocks))

    def test_takes_a_step_s_seconds_from_the_trajectory_until_it_is_timed(self):
        (training, *_), (start, *_) = (
            of("p", "curve", "baseline"),
            of("p", "trajectory", "baseline"),
        )
        estimate = Estimate([start, training])
        steps, twice = training.protocol.curve_steps, 2 * start.protocol.trajectory_steps
        estimate.saw(start, 0.5 + 3.0 * twice, start.record("ok"))
        assert 3.0 * steps <= estimate.seconds[0] < 3.5 * steps

    def test_of_rounds_ends_with_the_budget(self):
        patient, short = (EstimateWith(STEPS, REGISTRY.passes, (), Budget(s)) for s in (1e6, 1.0))
        assert short.seconds[1] <= 1.0 < patient.seconds[0]

    def test_takes_an_unknown_step_to_be_like_those_of_other_learners(self):
        (training, *_), (timed, *_) = of("p", "curve"), of("aa", "step")
        estimate = Estimate([timed, training])
        estimate.saw(timed, 3.0, timed.record("ok").holding(Times((2.0, 2.0))))
        steps = training.protocol.curve_steps
        assert 2.0 * steps <= estimate.seconds[1] < 2.5 * steps

    def test_expects_a_training_to_take_the_steps_that_were_timed_before(self):
        (training, *_), (timed, *_) = of("aa", "curve"), of("aa", "step")
        estimate = Estimate([timed, training])
        estimate.saw(timed, 3.0, timed.record("ok").holding(Times((2.0, 2.0, 9.0))))
        low, high = estimate.seconds
        assert low == high
        steps = training.protocol.curve_steps
        assert 2.0 * steps <= low < 2.5 * steps

    def test_expects_a_training_to_take_the_steps_of_its_own_point(self):
        swept = Pair("p", "a", "b", "w", "", ("step", "curve"), sweep={"width": (1, 9)})
        every = plan(Suite("s", "S", (swept,), Protocol(seeds=1, rounds=1)), RunConfig())
        at = {(b.measured, b.point["width"]): b for b in every if b.member == "method"}
        training = at["curve", 1]
        estimate = Estimate([at["step", 1], at["step", 9], training])
        for width, step_s in ((1, 2.0), (9, 50.0)):
            block = at["step", width]
            estimate.saw(block, 3.0, block.record("ok").holding(Times((step_s, step_s))))
        steps = training.protocol.curve_steps
        assert 2.0 * steps <= estimate.seconds[0] < 2.5 * steps

    def test_expects_a_step_by_half_of_the_threads_to_take_up_to_twice_as_long(self):
        config = RunConfig(threads=2, jobs=2)
        planned = plan(Suite("s", "S", EVERY, Protocol()), config)
        timed, training = (
            next(b for b in planned if b.id == of("aa", measured)[0].id)
            for measured in ("step", "curve")
        )
        estimate = Estimate([timed, training])
        estimate.saw(timed, 3.0, timed.record("ok").holding(Times((2.0, 2.0))))
        low, high = estimate.seconds
        # Two of them go on at once.
        assert high == pytest.approx(2 * low, rel=0.05)
        assert 2.0 * training.protocol.curve_steps <= high

    def test_expects_a_block_that_took_no_time_to_take_none_again(self):
        estimate = Estimate(STEPS)
        estimate.saw(STEPS[0], 0.0, STEPS[0].record("ok"))
        assert estimate.seconds == (0, 0)

    def test_takes_no_longer_for_many_blocks_seen_than_for_few(self):
        """Cost lies in the kinds of blocks, which rounds and seeds do not add to."""
        long = plan(Suite("s", "S", EVERY, Protocol(seeds=5, rounds=100)), RunConfig())
        assert len(long) > 10 * len(STUDIED)
        assert len(Estimate(long)._left) == len(Estimate(STUDIED)._left)

    @pytest.mark.parametrize(
        ("measured", "longer"),
        [
            ("check", {"check_examples": 1000}),
            ("trajectory", {"trajectory_steps": 1000}),
            ("curve", {"curve_steps": 10_000}),
            ("curve", {"curve_tasks": 100_000}),
            ("step", {"intervals": 1000}),
            ("adaptation", {"interval_s": 60.0}),
        ],
    )
    def test_is_longer_for_a_longer_protocol(self, measured, longer):
        usual, long = (
            next(
                block
                for block in plan(Suite("s", "S", EVERY, Protocol(**changes)), RunConfig())
                if block.measured == measured
            )
            for changes in ({}, longer)
        )
        assert Estimate([long]).seconds[0] > 2 * Estimate([usual]).seconds[0]

    @pytest.mark.parametrize(
        ("measured", "longer"),
        [("variants", {"train_steps": 10_000}), ("variant_times", {"calls": 1000})],
    )
    def test_is_longer_for_longer_settings_of_a_study(self, measured, longer):
        usual, long = (
            next(
                block
                for block in plan(Suite("s", "S", EVERY, study={"variants": given}), RunConfig())
                if block.measured == measured
            )
            for given in ({}, longer)
        )
        assert Estimate([long]).seconds[0] > 2 * Estimate([usual]).seconds[0]

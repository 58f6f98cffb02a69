"""The estimate begins as a guess and is corrected by what was seen."""

from __future__ import annotations

from typing import get_args

import pytest

from harness.config import RunConfig
from harness.declare.suite import Pair, Pass, Protocol, Suite
from harness.measure.estimate import Estimate
from harness.measure.plan import plan

PASSES = get_args(Pass)
PAIRS = (Pair("p", "a", "b", "w", "", PASSES), Pair("aa", "a", "a", "w", "", ("step",)))
SUITE = Suite("s", "S", PAIRS, Protocol(seeds=2, rounds=3))
BLOCKS = plan(SUITE, RunConfig())
STEPS = [b for b in BLOCKS if (b.pair.name, b.measured, b.member) == ("p", "step", "method")]


def test_nothing_to_do_takes_no_time():
    assert Estimate([]).seconds == 0


def test_every_block_takes_some_time():
    assert all(Estimate([block]).seconds > 0 for block in BLOCKS)
    total = Estimate(BLOCKS).seconds
    assert total == pytest.approx(sum(Estimate([block]).seconds for block in BLOCKS))


def test_a_block_that_was_seen_is_left_no_longer():
    estimate = Estimate(STEPS)
    for n, block in enumerate(STEPS, start=1):
        estimate.saw(block, 10.0)
        assert estimate.seconds == pytest.approx(10.0 * (len(STEPS) - n))


def test_what_was_seen_of_a_pass_corrects_the_guess_for_its_others_and_for_no_other_pass():
    other = next(
        b for b in BLOCKS if (b.pair.name, b.measured, b.member) == ("p", "step", "baseline")
    )
    check = next(b for b in BLOCKS if b.measured == "check")
    guess = Estimate([other]).seconds
    estimate = Estimate([*STEPS, other, check])
    estimate.saw(STEPS[0], 100.0 * guess)
    estimate.saw(STEPS[1], 50.0 * guess)
    like_it, others = 75.0 * guess * (len(STEPS) - 2), 75.0 * guess
    assert estimate.seconds == pytest.approx(like_it + others + Estimate([check]).seconds)


def test_a_block_that_took_no_time_is_expected_to_again():
    estimate = Estimate(STEPS)
    estimate.saw(STEPS[0], 0.0)
    assert estimate.seconds == 0


@pytest.mark.parametrize(
    ("measured", "longer"),
    [
        ("check", {"check_examples": 1000}),
        ("trajectory", {"trajectory_steps": 1000}),
        ("curve", {"curve_steps": 10_000}),
        ("curve", {"curve_tasks": 100_000}),
        ("growth", {"growth_steps": (1, 1000)}),
        ("step", {"intervals": 1000}),
        ("adaptation", {"interval_s": 60.0}),
    ],
)
def test_a_longer_protocol_is_guessed_to_take_longer(measured, longer):
    usual, long = (
        next(
            block
            for block in plan(Suite("s", "S", PAIRS, Protocol(**changes)), RunConfig())
            if block.measured == measured
        )
        for changes in ({}, longer)
    )
    assert Estimate([long]).seconds > 2 * Estimate([usual]).seconds

"""What is paid once, and when that is earned back, is computed from known costs."""

from __future__ import annotations

import pytest

from harness.judge.statistics import Interval
from harness.studies.ladder import OneOff
from harness.studies.ladder.costs import Once, break_even
from tests.studies.ladder.runs import (
    BASELINE_S,
    LEARNER,
    PAIRS,
    SECONDS,
    ladder,
    learning,
    whole,
)


def test_the_first_meta_update_pays_what_it_takes_beyond_its_repetition() -> None:
    seen = [OneOff((10.0, 3.0), (1.0, 1.0), (2, 3), (6.0, 7.0))]
    once = Once.of(seen)
    assert once == Once(9.0, 2.0, 2, 3, 7.0)
    assert once is not None
    assert once.over(10, 10) == 9.0
    assert once.over(25, 10) == 9.0 + 2 * 2.0  # two more draws
    seen = [OneOff((10.0,), (1.0,), (2,), (6.0,), warm) for warm in (3.0, 5.0)]
    assert Once.of(seen) == Once(9.0, 0.0, 1, 2, 6.0, warm_s=3.0)
    quicker = Once.of([OneOff((0.9,), (1.0,), (0,), (0.0,))])
    assert quicker == Once(0.0, 0.0, 1, 0, 0.0)  # noise is no cost


def test_a_cost_is_earned_back_by_what_each_meta_update_saves() -> None:
    found = break_even("it", 9.0, 0.0, 1.0, Interval(2.0, 1.5, 4.0, 9, "made up"))
    assert (found.updates, found.soonest, found.latest) == (
        18.0,
        pytest.approx(12.0),
        pytest.approx(27.0),
    )


def test_what_later_draws_pay_delays_it() -> None:
    found = break_even("it", 9.0, 0.2, 1.0, Interval(2.0, 2.0, 2.0, 9, "made up"))
    assert found.updates == pytest.approx(30.0)
    assert break_even("it", 9.0, 0.6, 1.0, Interval(2.0, 2.0, 2.0, 9, "")).updates is None


def test_a_slower_rung_never_breaks_even() -> None:
    found = break_even("it", 9.0, 0.0, 1.0, Interval(0.9, 0.8, 1.1, 9, "made up"))
    assert found.updates is found.latest is None
    assert found.soonest == pytest.approx(9 / (1 - 1 / 1.1))


def test_a_compilation_is_held_to_the_baseline_and_to_the_fastest_cheaper_rung() -> None:
    costs = {(each.rung, each.added): each for each in ladder(whole()).costs}
    compiled = costs["compiled", False]
    assert (compiled.once.made, compiled.once.made_s) == (1, 18.0)
    saved = BASELINE_S - SECONDS["compiled"]
    assert compiled.against_baseline.updates == pytest.approx(18.0 / saved)
    against = compiled.against_cheaper
    assert against is not None
    assert against.against == "together, with those before"
    assert against.updates == pytest.approx(17.5 / (SECONDS["product"] - SECONDS["compiled"]))
    assert costs["reuse", False].against_cheaper is None  # none is cheaper than what costs nothing


def test_a_compilation_that_makes_nothing_faster_is_never_earned_back() -> None:
    slow = {**SECONDS, "compiled": SECONDS["product"]}
    costs = {each.rung: each for each in ladder(whole(seconds=slow)).costs if not each.added}
    against = costs["compiled"].against_cheaper
    assert against is not None
    assert against.updates is None


def test_run_length_decides_what_a_compilation_is_worth() -> None:
    found = {(each.rung, each.name): each for each in ladder(whole()).lengths if not each.added}
    short, long = found["compiled", "short"], found["compiled", "long"]
    assert short.speedup == pytest.approx(10 * BASELINE_S / (18.0 + 10 * SECONDS["compiled"]))
    assert short.share == pytest.approx(18.0 / 18.8)
    assert long.share == pytest.approx(18.0 / (18.0 + 160.0))
    assert short.speedup < 1 < long.speedup < 12.5


def test_rates_and_the_meta_epoch_come_of_the_same_times() -> None:
    found = {(each.rung, each.added): each for each in ladder(whole()).rates}
    rate = found["compiled", False]
    assert rate.updates_a_second.estimate == pytest.approx(12.5)
    assert rate.samples_a_second is not None
    assert rate.samples_a_second.estimate == pytest.approx(320 * 12.5)
    assert rate.epoch_s == pytest.approx(18.0 + 50 * SECONDS["compiled"])
    assert rate.baseline_epoch_s == pytest.approx(50 * BASELINE_S)


def test_without_a_look_at_what_is_paid_once_nothing_is_derived() -> None:
    records = [r for r in whole() if r.measured != "one_off"]
    found = ladder(records)
    assert found.costs == found.lengths == ()
    assert [rate.epoch_s for rate in found.rates] == [None] * len(PAIRS)


def test_all_rungs_reach_a_held_out_loss_by_the_same_meta_updates() -> None:
    pairs = (*PAIRS, LEARNER)
    held = ladder(whole() + learning(), pairs).held_out
    assert held is not None
    assert (held.target, held.updates, held.reached) == (-0.4, 40.0, "2 of 3")
    assert held.baseline.seconds == pytest.approx(40 * BASELINE_S)
    rungs = {(each.rung, each.added): each for each in held.rungs}
    assert rungs["compiled", False].seconds == pytest.approx(18.0 + 40 * SECONDS["compiled"])


def test_after_equal_time_each_rung_stands_where_its_meta_updates_have_led() -> None:
    held = ladder(whole() + learning(), (*PAIRS, LEARNER)).held_out
    assert held is not None
    assert held.budget_s == pytest.approx(0.5 + 50 * SECONDS["product"])  # 5.5 s
    rungs = {(each.rung, each.added): each for each in held.rungs}
    assert rungs["together", True].left_in_budget == pytest.approx(-0.4)
    assert (rungs["reuse", False].updates_in_budget, rungs["reuse", False].left_in_budget) == (
        11,
        -0.1,
    )
    assert rungs["compiled", False].updates_in_budget == 0  # it is still being compiled
    assert rungs["compiled", False].left_in_budget is None
    assert (held.baseline.updates_in_budget, held.baseline.left_in_budget) == (5, None)


@pytest.mark.parametrize(
    "seen",
    [
        OneOff(),
        OneOff((1.0,), (1.0, 1.0), (0,), (0.0,)),
        OneOff((-1.0,), (1.0,), (0,), (0.0,)),
        OneOff((1.0,), (1.0,), (-1,), (0.0,)),
        OneOff((1.0,), (1.0,), (1,), (0.0,), -1.0),
    ],
)
def test_what_no_look_gives_is_a_flaw(seen: OneOff) -> None:
    assert seen.flaw() is not None
    assert OneOff((2.0,), (1.0,), (1,), (1.0,)).flaw() is None

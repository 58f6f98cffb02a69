"""How many rounds leave enough to judge by, when a part of them chooses."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.declare.rounds import MIN_ROUNDS, choosing_rounds, fewest_rounds

SEEDS = st.integers(1, 40)


def left_to_judge(rounds: int, seeds: int) -> int:
    """Deal rounds out over seeds, and count those that had no part in choosing."""
    dealt = [(number % seeds, number // seeds) for number in range(rounds)]
    chose = choosing_rounds(dealt)
    return sum(number not in chose for _, number in dealt)


@given(SEEDS)
def test_the_fewest_rounds_leave_as_many_as_a_verdict_takes_and_no_fewer_do(seeds):
    fewest = fewest_rounds(seeds, chooses=True)
    assert left_to_judge(fewest, seeds) >= MIN_ROUNDS
    assert all(left_to_judge(fewer, seeds) < MIN_ROUNDS for fewer in range(1, fewest))
    more = range(fewest, fewest + 12 * seeds)
    assert all(left_to_judge(each, seeds) >= MIN_ROUNDS for each in more)


@pytest.mark.parametrize("seeds", [1, 3, 12])
def test_where_nothing_is_chosen_all_judge(seeds):
    assert fewest_rounds(seeds, chooses=False) == MIN_ROUNDS


def test_a_quarter_of_the_rounds_chooses():
    assert choosing_rounds([(0, number) for number in range(12)]) == {0, 1, 2}
    assert choosing_rounds([(0, 7)]) == {7}
    assert choosing_rounds([]) == set()


def test_a_round_that_not_every_seed_has_does_not_make_another_one_choose():
    four_each = [(seed, number) for seed in range(3) for number in range(4)]
    assert choosing_rounds([*four_each, (0, 4)]) == {0}
    assert choosing_rounds([*four_each, *((seed, 4) for seed in range(3))]) == {0, 1}

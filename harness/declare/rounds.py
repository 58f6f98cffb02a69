"""Rounds: how many of them a verdict on time takes, and which choose what the others judge."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Collection
from itertools import count

# Up to five rounds no 95 % interval for a median exists: the whole span from smallest to largest
# covers it in 1 - 2^(1-n) of all samples, 93.75 % with five. With six a bootstrap first makes
# sense, but with seven it covers only 88 % (the median of an odd sample is always one of its few
# values, and 2.5 % falls badly between them). From eight on it was measured to cover 91 to 95 %,
# an even number of rounds more steadily (93 to 95 %) than an odd one. Below eight the bounds are
# the span of all values, and no confidence is claimed for them.
MIN_ROUNDS = 8

# A method is trained once a seed. What its quality gains over two trainings has a bound of a single
# degree of freedom, and over one none that speaks of the next training.
MIN_SEEDS = 3


def choosing_rounds(taken: Collection[tuple[int, int]]) -> frozenset[int]:
    """Return which of a seed's rounds choose by their times: the first quarter, so that most judge.

    It is the quarter of those that every seed has, of rounds that are named with their seeds.
    """
    of_all = min(Counter(seed for seed, _ in taken).values(), default=0)
    return frozenset(sorted({number for _, number in taken})[: _choosing(of_all)])


def fewest_rounds(seeds: int, *, chooses: bool) -> int:
    """Return how many rounds, dealt out over the seeds, leave enough of them to judge by."""
    if not chooses:
        return MIN_ROUNDS
    of_a_seed = next(n for n in count(1) if seeds * (n - _choosing(n)) >= MIN_ROUNDS)
    return MIN_ROUNDS + seeds * _choosing(of_a_seed)


def _choosing(rounds: int) -> int:
    return math.ceil(rounds / 4)

"""A rule that adds rounds until a slow-down is shown or excluded, however often it has looked.

A round gives one log ratio, head over base. Each round, and each turn inside it, draws anew which
side goes first. So whatever the machine does (bursts, drift, a neighbour who comes and goes), it
is as likely to have hit the one as the other, and about the true ratio the signs of the rounds are
fair coins. That is all that the signed-rank test needs: no normal noise, and no even one. A median
of times would need more, and Student's t far more.

The rule looks after 6, 8, 10, 13, ... rounds. Of the error that it may make, the k-th look spends
the share 1 / (k (k + 1)). All shares, of however many looks, sum to 1, so that together they err at
most that often, whenever the rule stops. A slow-down is looked for from the third look on, and its
shares begin there: fewer rounds could show none at so small an error, however large it was.

    slower   the lower bound is above the threshold. At most ERROR_RATE of all gates say so of
             anything that is not: the error is shared among the questions of a gate as well
    not      the upper bound is below the threshold. At most MISS_RATE of what is slower is let
             through, each by itself: more questions make no slow subject easier to miss
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache
from itertools import accumulate, islice

import numpy as np
from numpy.typing import NDArray

ERROR_RATE = 0.01
MISS_RATE = 0.05

FIRST_LOOK = 6  # five rounds of one sign come by chance in 1 of 32 cases: too often to let pass
GROWTH = 1.25
FIRST_ALARM = 3
"""The first look that may call something slower."""


@dataclass(frozen=True)
class Bounds:
    """What a look knows of a log ratio; an end that so few rounds can't tell is infinite."""

    estimate: float
    low: float
    high: float
    rounds: int


def looks() -> Iterator[int]:
    """Yield the numbers of rounds after which the rule looks, without end."""
    rounds = FIRST_LOOK
    while True:
        yield rounds
        rounds = max(rounds + 2, math.ceil(rounds * GROWTH))


def look_at(rounds: int) -> int | None:
    """Return which look falls on this number of rounds, from 1 on, or None."""
    number = look_after(rounds)
    return number if next(islice(looks(), number - 1, None)) == rounds else None


def look_after(rounds: int) -> int:
    """Return the first look that so many rounds do not go beyond."""
    return next(number for number, due in enumerate(looks(), start=1) if due >= rounds)


def share(look: int, first: int = 1) -> float:
    """Return what the look may spend of an error rate that is spent from the first look on."""
    place = look - first + 1
    return 1 / (place * (place + 1)) if place > 0 else 0.0


def bounds(values: Sequence[float], *, low_error: float, high_error: float) -> Bounds:
    """Return the centre of the values, and one-sided bounds on it with these errors.

    The centre is that of Hodges and Lehmann, the median of all pairs' means; the bounds enclose the
    values of it that the signed-rank test does not reject.
    """
    ordered = _walsh_averages(np.asarray(values, dtype=float))
    count = len(values)
    # As many of the pairs' means are cut off at an end as the test's statistic may fall short of.
    low, high = (_cut(count, error) for error in (low_error, high_error))
    return Bounds(
        estimate=float(np.median(ordered)),
        low=float(ordered[low - 1]) if low else -math.inf,
        high=float(ordered[len(ordered) - high]) if high else math.inf,
        rounds=count,
    )


def _walsh_averages(values: NDArray[np.float64]) -> NDArray[np.float64]:
    first, second = np.triu_indices(len(values))
    return np.sort((values[first] + values[second]) / 2)


@lru_cache(maxsize=512)
def _cut(rounds: int, error: float) -> int:
    """Return how many values of the statistic, from 0 on, are together no likelier than error."""
    tail = accumulate(_signed_rank(rounds))
    return next(place for place, probability in enumerate(tail) if probability > error)


@lru_cache(maxsize=64)
def _signed_rank(rounds: int) -> tuple[float, ...]:
    """Return the probability of every sum of ranks whose signs are fair coins."""
    chances = np.ones(1)
    for rank in range(1, rounds + 1):
        moved = np.zeros(len(chances) + rank)
        moved[: len(chances)] += chances / 2
        moved[rank:] += chances / 2
        chances = moved
    return tuple(chances.tolist())

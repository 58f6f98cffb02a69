"""Where a chain of measured steps really went up or down: the narrowest stretches that show it.

A step is the logarithm of head over base, measured inside one job with both sides interleaved, and
its standard error. Steps of different jobs are independent, and where nothing changed a step is 0
but for noise. So a change needs no model of the levels between: it is a stretch of steps whose sum
is not 0. Stretches of one step find the commit that made a change. Longer ones find what no single
commit shows, as when each of ten commits loses 2 %.

Found are the narrowest stretches first, the strongest of those of a length, and then what lies
beside them, so that each says as closely as the data can where its change lies (the narrowest
significance pursuit of Fryzlewicz, 2024, on a mean of zero). A stretch counts if its sum is so many
standard errors from 0 that in a series without changes any stretch at all gets there with
probability ALPHA at most. That error is shared out by length: half of it to single steps, a quarter
to two and three, an eighth to four to seven, and so on, and among all of those stretches alike
(Bonferroni). So all that is said of one series is true together with probability 1 - ALPHA,
whatever the true steps are.

That holds for normal steps with known errors. Intervals of a few rounds are sometimes short by
luck, and they never show what differs from job to job (how a build lies in memory, say). But most
commits change nothing, so the typical size of a step is itself a measure of the noise, and no error
is believed to be smaller than what it says. Simulated, 1,000 series each of 5, 8, 12 and 50 steps
had a false change in this share of them (tests/history/test_changepoints.py repeats the first
three, smaller):

    known errors                                                    at most 0.3 %
    errors estimated from 8 rounds                                  at most 4 %
    jobs that differ as much as, or five times, what rounds show    at most 3 %, or 9 %
    the larger of interval and noise floor, of 8 to 20 rounds       at most 0.1 %
    the same, with jobs that differ as much as rounds show          at most 1.6 %
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from statistics import NormalDist, median

import numpy as np

# The probability that a series without any change is said to have one.
ALPHA = 0.01

# With fewer steps the one that changed something would be the typical one too easily.
LEAST_FOR_SCATTER = 5

# Beyond this logarithm a ratio could not be written as a number.
MOST_LOG_RATIO = 200.0

# The median of |z| where z is a standard normal variable.
_MEDIAN_SIZE = NormalDist().inv_cdf(0.75)


@dataclass(frozen=True)
class Step:
    """The logarithm of head over base, and its standard error."""

    log_ratio: float
    error: float

    def __post_init__(self) -> None:
        if not (math.isfinite(self.log_ratio) and 0 < self.error < math.inf):
            raise ValueError(f"a step needs a finite value and an error above 0, got {self}")


@dataclass(frozen=True, order=True)
class Change:
    """A stretch of steps, both ends among it, over which the level changed by a ratio.

    The interval holds for all changes of a series at once, with confidence 1 - ALPHA. It never
    holds 1, for else there would be no change.
    """

    first: int
    last: int
    ratio: float
    low: float
    high: float


def find_changes(
    chains: Sequence[Sequence[Step]], alpha: float = ALPHA
) -> tuple[tuple[Change, ...], ...]:
    """Return the changes of each chain in order.

    The chains are pieces of one series: they share its error rate and its scatter, and no stretch
    reaches from one into the next, for what happened between them was not measured.
    """
    steps = [step for chain in chains for step in chain]
    least = scatter(steps)
    return tuple(tuple(sorted(_found(chain, least, len(steps), alpha))) for chain in chains)


def scatter(steps: Sequence[Step]) -> float:
    """Return the standard deviation of the steps if most of them are noise; 0 where they are few.

    It comes from the median, so that the few steps which are changes don't count.
    """
    if len(steps) < LEAST_FOR_SCATTER:
        return 0.0
    return median(abs(step.log_ratio) for step in steps) / _MEDIAN_SIZE


def threshold(length: int, number: int, alpha: float = ALPHA) -> float:
    """Return how many standard errors from 0 a stretch of this length must be, of so many steps."""
    octave = length.bit_length() - 1
    stretches = number * 2**octave  # at least as many as there are of the lengths of this octave
    return -NormalDist().inv_cdf(alpha * 2.0 ** -(octave + 1) / (2 * stretches))


def factor(log_ratio: float) -> float:
    """Return the ratio that a sum of steps is; a file can hold hundreds of steps beyond belief."""
    return math.exp(max(-MOST_LOG_RATIO, min(MOST_LOG_RATIO, log_ratio)))


def _found(chain: Sequence[Step], least: float, number: int, alpha: float) -> Iterator[Change]:
    totals = np.cumsum([0.0, *(step.log_ratio for step in chain)])
    variances = np.cumsum([0.0, *(max(step.error, least) ** 2 for step in chain)])
    taken = np.zeros(len(chain) + 1)  # how many steps up to here belong to a change already
    for length in range(1, len(chain) + 1):
        sums = totals[length:] - totals[:-length]
        errors = np.sqrt(variances[length:] - variances[:-length])
        limit = threshold(length, number, alpha)
        while True:
            free = taken[length:] == taken[:-length]
            strength = np.where(free, np.abs(sums) / errors, 0.0)
            first = int(np.argmax(strength))
            if strength[first] <= limit:
                break
            centre, reach = float(sums[first]), float(limit * errors[first])
            ends = (factor(centre + side) for side in (0.0, -reach, reach))
            yield Change(first, first + length - 1, *ends)
            taken[first + 1 :] += np.minimum(np.arange(1, len(chain) - first + 1), length)

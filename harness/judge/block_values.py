"""What a block took, and what of another it is: turn by turn where both took turns."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from statistics import median
from typing import Self

from harness.declare.passes import Seen
from harness.judge.evidence import Key
from harness.judge.noise.sequential import bounds, look_after, share
from harness.judge.statistics import MIN_ROUNDS, Bounds, PairedInterval, paired_ratio
from harness.records.record import Record


@dataclass(frozen=True)
class Taken:
    """The values of a block, and the round that it was timed in beside others."""

    values: tuple[float, ...]
    together: str | None = None
    in_turns: bool = False

    @classmethod
    def of(cls, record: Record[Seen], values: tuple[float, ...]) -> Self:
        return cls(values, record.together, bool(record.in_turns))

    @property
    def middle(self) -> float:
        return median(self.values)

    def over(self, other: Taken) -> float:
        """Return how many times the other it is.

        Turns are compared one by one, since what disturbs a turn mostly disturbs its neighbours.
        Their median leaves out those in which it hit one side alone.
        """
        if (
            self.in_turns
            and self.together == other.together
            and len(self.values) == len(other.values)
        ):
            turns = zip(self.values, other.values, strict=True)
            return math.exp(median(math.log(own / others) for own, others in turns))
        return self.middle / other.middle


def in_rounds(found: Mapping[Key, Taken]) -> bool:
    """Say whether all of these were timed in rounds that go on until they decide."""
    return bool(found) and all(taken.together is not None for taken in found.values())


def ratio_of(
    baseline: Mapping[Key, Taken],
    method: Mapping[Key, Taken],
    *,
    seed: int = 0,
    confidence: float = 0.95,
) -> PairedInterval:
    """Return what the baseline's rounds are of the method's, with an interval.

    Of rounds that were taken until they decided, it is one that holds however often was looked.
    """
    shared = [each for each in baseline if each in method]
    if not shared or not in_rounds(baseline):
        return paired_ratio(
            {each: taken.middle for each, taken in baseline.items()},
            {each: taken.middle for each, taken in method.items()},
            seed=seed,
            confidence=confidence,
        )
    ratios = [baseline[each].over(method[each]) for each in shared]
    low, estimate, high, how = _ends(ratios, (1 - confidence) / 2)
    left_out = len(baseline) - len(shared), len(method) - len(shared)
    return PairedInterval(estimate, low, high, len(shared), how, *left_out)


def _ends(ratios: Sequence[float], error: float) -> tuple[float, float, float, str]:
    if len(ratios) < MIN_ROUNDS:
        return min(ratios), median(ratios), max(ratios), Bounds.SPAN
    spent = error * share(look_after(len(ratios)), FIRST_LOOK)
    logs = [math.log(ratio) for ratio in ratios]
    found = bounds(logs, low_error=spent, high_error=spent)
    # What so few rounds can't tell of an end is no nearer than the farthest of them.
    ends = max(found.low, min(logs)), found.estimate, min(found.high, max(logs))
    low, estimate, high = map(math.exp, ends)
    return low, estimate, high, Bounds.RANKS


FIRST_LOOK = look_after(MIN_ROUNDS)

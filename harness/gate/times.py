"""A question of time: is head slower than base? Rounds are added until it is decided."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, field
from statistics import median

from harness.gate.findings import Finding, Word
from harness.judge.block_values import Taken
from harness.judge.noise.sequential import (
    ERROR_RATE,
    FIRST_ALARM,
    FIRST_LOOK,
    MISS_RATE,
    bounds,
    look_at,
    share,
)
from harness.judge.statistics import Interval, noise_floor

SHOWN_ERROR = 0.025  # at either end of the interval that is printed: 95 % between them


@dataclass
class Question:
    """The time of one subject, and what the rounds so far say about it."""

    subject: str
    measure: str
    threshold: float
    questions: int  # of time in the whole gate, which share its error
    least: int = FIRST_LOOK  # rounds before the first look that may decide
    base: list[float] = field(default_factory=list)  # seconds of a step, one value a round
    head: list[float] = field(default_factory=list)
    slower: list[float] = field(default_factory=list)  # log of head over base
    noise: list[float] = field(default_factory=list)  # log of base again over base

    @property
    def rounds(self) -> int:
        return len(self.slower)

    def add(self, base: Taken, head: Taken, again: Taken) -> None:
        """Take in a round: seconds of a step in every turn."""
        self.base.append(base.middle)
        self.head.append(head.middle)
        self.slower.append(math.log(head.over(base)))
        self.noise.append(math.log(again.over(base)))

    def decide(self) -> Finding | None:
        """Return the answer if this is a look and it decides."""
        look = look_at(self.rounds)
        if look is None or self.rounds < self.least:
            return None
        low_error = ERROR_RATE / self.questions * share(look, FIRST_ALARM)
        known, same = (
            bounds(values, low_error=low_error, high_error=MISS_RATE * share(look))
            for values in (self.slower, self.noise)
        )
        limit = math.log1p(self.threshold)
        if same.low > limit or same.high < -limit:
            return None  # base differs from itself: until that has passed nothing can be said
        floor = math.log1p(max(self.threshold, self.noise_floor))
        if known.low > floor:
            return self._finding(
                "regressed", f"takes at least {_share(math.expm1(known.low))} more"
            )
        if known.high < -floor:
            return self._finding(
                "improved", f"takes at least {_share(-math.expm1(known.high))} less"
            )
        if known.high < limit:
            return self._finding("same", None)
        return None

    def undecided(self, why: str) -> Finding:
        """Return the answer where rounds can no longer be added."""
        return self._finding("inconclusive", f"{why}: {self._doubt()}")

    @property
    def noise_floor(self) -> float:
        """The farther end of A/A's interval: what base differs from itself by."""
        interval = self._interval(self.noise)
        return noise_floor(interval) if interval else math.inf

    def _doubt(self) -> str:
        interval = self._interval(self.slower)
        if interval is None:
            return f"only {self.rounds} of the {FIRST_LOOK} rounds needed were measured"
        if self.noise_floor > self.threshold:
            return (
                f"base differs from itself by up to {_share(self.noise_floor)} here, more than the "
                f"threshold of {_share(self.threshold)}"
            )
        return (
            f"after {self.rounds} rounds the slow-down may still lie on either side of "
            f"{_share(self.threshold)}"
        )

    def _finding(self, word: Word, reason: str | None) -> Finding:
        ratio = self._interval(self.slower)
        return Finding(
            subject=self.subject,
            measure=self.measure,
            unit="s",
            base=median(self.base) if self.base else None,
            head=median(self.head) if self.head else None,
            ratio=ratio,
            threshold=self.threshold if ratio is None else max(self.threshold, self.noise_floor),
            rounds=self.rounds,
            word=word,
            reason=reason,
        )

    def _interval(self, values: Sequence[float]) -> Interval | None:
        """Return what one look at these rounds alone would show, as a reader expects it."""
        if self.rounds < FIRST_LOOK:
            return None
        found = bounds(values, low_error=SHOWN_ERROR, high_error=SHOWN_ERROR)
        low, middle, high = map(math.exp, (found.low, found.estimate, found.high))
        return Interval(low=low, estimate=middle, high=high, n=len(values), method="signed ranks")


def _share(value: float) -> str:
    return f"{100 * value:.1f} %" if value < 10 else "more than ten times"

"""The budget: the time that a run may take, and what of it is left for rounds."""

from __future__ import annotations

import time
from dataclasses import dataclass, field

MOST_RESERVED = 0.5
"""Of a budget, for what comes after the rounds: without a few rounds there is no verdict on time,
and early in a run the rest may be guessed far too long."""


@dataclass(frozen=True)
class Budget:
    """The most seconds of a run, from when it began."""

    seconds: float
    began: float = field(default_factory=time.monotonic)

    @property
    def spent(self) -> bool:
        return time.monotonic() - self.began >= self.seconds

    def for_rounds(self, afterwards: float) -> float:
        """Return the seconds that rounds may still take, if so many are needed afterwards."""
        reserved = min(afterwards, MOST_RESERVED * self.seconds)
        return max(0.0, self.seconds - (time.monotonic() - self.began) - reserved)

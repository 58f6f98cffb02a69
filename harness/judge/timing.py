"""How a time was taken, which decides how noisy it is.

A step is timed in intervals of many, at least a tenth of a second long; a variant's adaptation call
by call, since that is what its user waits for. Over an interval most of a machine's noise averages
out, so what one kind of time shows of the noise says nothing of the other.
"""

from __future__ import annotations

from typing import Literal

Timing = Literal["intervals of many steps", "single calls"]

# Times of one task's adaptation, each at a number of inner steps: of the method's full variant, and
# of the one that was chosen.
FULL_TIME, CHOSEN_TIME = "full_time", "chosen_time"


def called_singly(measure: str) -> bool:
    """Say whether a measure, with the number of its inner steps, is a variant's time."""
    return measure.rpartition("_")[0] in (FULL_TIME, CHOSEN_TIME)


def timing(measure: str) -> Timing:
    """Return how a measure that is a time was taken."""
    return "single calls" if called_singly(measure) else "intervals of many steps"

"""The protocol of a suite: how its blocks are measured, and for how long."""

from __future__ import annotations

import dataclasses
import re
from dataclasses import dataclass

MOST_OFTEN = 10_000  # seeds or rounds, in a suite as on the command line
MOST_THREADS = 1024  # or untimed blocks at once, in a manifest as on the command line
DEVICE = re.compile(r"cpu|cuda(:[0-9]{1,3})?")
LARGEST = 1e9  # of any number of a protocol: a clock counts no more seconds than these


@dataclass(frozen=True)
class Protocol:
    """How blocks are measured. The defaults are those of a run whose numbers are meant to last."""

    seeds: int = 3
    rounds: int = 12
    """Most rounds a seed; they end earlier when what the pair claims of time is decided."""
    warmup_s: float = 3.0
    """Most seconds of warm-up; it ends earlier when two halves agree."""
    interval_s: float = 0.1
    """Least seconds of a measured interval."""
    intervals: int = 5
    budget_s: float = 86_400.0
    """Seconds of a run after which no round begins, less what is expected of trainings to come."""
    precision: float = 0.05
    """Share to which a ratio of times is to be known where no claim decides earlier."""
    check_examples: int = 20
    trajectory_steps: int = 5
    curve_steps: int = 200
    curve_every: int = 20
    curve_tasks: int = 100
    test_tasks: int = 300
    limit_s: float = 600.0
    """Most seconds of a block; one that hangs is ended."""
    stall_s: float = 60.0
    """Most seconds that a rank waits for another one, which then is taken to hang."""

    def __post_init__(self) -> None:
        for each in dataclasses.fields(self):
            value = getattr(self, each.name)
            most = MOST_OFTEN if each.name in ("seeds", "rounds") else LARGEST
            if not 0 < value <= most:
                raise ValueError(f"{each.name} = {value} must be above 0 and at most {most:,.0f}")

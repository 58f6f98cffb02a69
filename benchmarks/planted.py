"""MAML whose step spins for another share of its own processor time: an effect of a known size."""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import Any

from baselines.reference_maml import ReferenceMaml
from harness.registry import method


@method("planted")
@dataclass(frozen=True)
class Planted(ReferenceMaml):
    """The reference, slower by so many per cent, whatever else the machine does."""

    percent: int = 0

    def step(self, state: Any, batch: Any) -> Any:
        start = time.thread_time_ns()
        answer = super().step(state, batch)
        end = time.thread_time_ns()
        end += self.percent * (end - start) // 100
        while time.thread_time_ns() < end:
            pass
        return answer

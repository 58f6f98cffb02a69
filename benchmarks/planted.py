"""MAML whose step is the same work over and over: an effect of a known size."""

from __future__ import annotations

from dataclasses import dataclass

from torch import Tensor

from baselines.reference_maml import ReferenceMaml
from harness.declare.outer import AdamState
from harness.registry import method
from suites.fewshot import Tasks

REPEATED = 20
"""Steps of the reference in one step of this learner: one more of them is 5 % more, by any clock.

Time spent on something else would not be: a learner that spins between its steps makes them slower
too, which showed 100 % as 130 %.
"""


@method("planted")
@dataclass(frozen=True)
class Planted(ReferenceMaml):
    """The reference, taking REPEATED steps as one, and so many per cent more of them."""

    percent: int = 0

    def __post_init__(self) -> None:
        if REPEATED * self.percent % 100:
            raise ValueError(f"percent = {self.percent}: {REPEATED} steps can't have so much more")

    def step(self, state: AdamState, batch: Tasks) -> tuple[AdamState, Tensor]:
        for _ in range(REPEATED * (100 + self.percent) // 100):
            state, loss = super().step(state, batch)
        return state, loss

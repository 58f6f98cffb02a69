"""The control of every bilevel learner: the base model trained with no meta-parameters at all.

With a share of clean data it is the other control. A bilevel learner has seen the clean examples
too, through its meta loss; whatever it gains is to be held against simply training on them.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import torch
from torch import Tensor

from baselines.bilevel import BilevelLearner, BilevelState, Trained, copies
from harness.declare.equivalence import Approximate, Equivalence
from harness.declare.learner import Gradient, Params
from harness.registry import baseline
from suites.bilevel import BilevelBatch


@baseline("fine_tuning")
@dataclass(frozen=True)
class FineTuning(BilevelLearner):
    """Bilevel, the control without a hypergradient: plain training, with clean data if asked to."""

    clean_share: float = 0.0
    """What the meta-step's clean batch weighs in the loss of each base step."""

    equivalence: ClassVar[Equivalence] = Approximate("baselines.bilevel_definitions:untouched")

    def __post_init__(self) -> None:
        if not 0 <= self.clean_share <= 1:
            raise ValueError(f"clean_share = {self.clean_share} must be from 0 to 1")

    def base_loss(
        self, params: Params, buffers: Params, meta: Params, batch: BilevelBatch, step: int
    ) -> Tensor:
        with self.workload.drawing(batch, "base", step):
            loss = self.workload.plain_loss({**params, **buffers}, batch.base[step])
        if self.clean_share == 0:
            return loss
        clean = self.meta_loss(params, buffers, meta, batch)
        return (1 - self.clean_share) * loss + self.clean_share * clean

    def advance(self, state: BilevelState, batch: BilevelBatch) -> tuple[Trained, Gradient]:
        trained, meta = self.trained(state, batch), state.meta.params
        with torch.no_grad():
            loss = self.meta_loss(trained.base.params, copies(trained.buffers), meta, batch)
        return trained, Gradient(loss, {name: torch.zeros_like(p) for name, p in meta.items()})

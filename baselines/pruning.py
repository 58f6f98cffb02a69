"""What every learner of the pruning family shares: training on the examples that its scores keep.

A learner scores all training examples once, before the first step; a model then trains by plain
steps on the share `workload.kept` that has the highest scores.
"""

from __future__ import annotations

from abc import abstractmethod
from dataclasses import dataclass
from typing import ClassVar

import torch
from torch import Tensor

from baselines.bilevel import copies, differentiable, gradients
from baselines.fine_tuning import FineTuning
from harness.declare.learner import Gradient, Learner, Params
from harness.declare.outer import AdamState, SgdState
from suites.bilevel import BilevelBatch
from suites.pruning import Pruning, PruningBatch
from suites.reweighting import Labelled

CHUNK = 500
"""Examples that are looked at at once."""


@dataclass(frozen=True)
class PruningState:
    """The model under its optimizer, and which training examples it may see."""

    base: AdamState | SgdState
    buffers: Params
    kept: Tensor
    seed: int


@dataclass(frozen=True)
class PruningLearner(Learner):
    """A learner of the pruning family."""

    workload: Pruning

    family: ClassVar[str] = "pruning"
    corners: ClassVar[tuple[dict[str, float], ...]] = ({"workload.kept": 1.0},)

    @abstractmethod
    def scores(self, seed: int) -> Tensor:
        """Return the score of every training example."""

    @property
    def training(self) -> FineTuning:
        return FineTuning(self.workload.whole)

    def init(self, seed: int) -> PruningState:
        start = self.training.init(seed)
        kept = highest(self.scores(seed), self.workload.kept)
        return PruningState(start.base, start.buffers, kept, seed)

    def step(self, state: PruningState, batch: PruningBatch) -> tuple[PruningState, Tensor]:
        buffers = copies(state.buffers)
        loss, grads = self._gradient(state, buffers, batch)
        base = state.base.update(grads, self.training.rules(grads))
        return PruningState(base, buffers, state.kept, state.seed), loss

    def meta_gradient(self, state: PruningState, batch: PruningBatch) -> Gradient:
        return self._gradient(state, copies(state.buffers), batch)

    def adapt(self, state: PruningState, batch: PruningBatch | Labelled) -> Params:
        """Return the model as it stands: nothing is adapted to a batch."""
        return {**state.base.params, **state.buffers}

    def evaluate(self, state: PruningState, batch: Labelled) -> Tensor:
        with torch.no_grad():
            return self.workload.whole.quality(self.adapt(state, batch), batch)

    def _gradient(self, state: PruningState, buffers: Params, batch: PruningBatch) -> Gradient:
        kept = batch.first(state.kept, self.workload.batch_size)
        params = differentiable(state.base.params)
        whole = BilevelBatch((kept,), None, batch.noise)
        loss = self.training.base_loss(params, buffers, {}, whole, 0)
        return Gradient(loss.detach(), gradients(loss, params))


def highest(scores: Tensor, share: float) -> Tensor:
    """Return which examples are kept: the share with the highest scores, one at least."""
    count = max(1, round(share * len(scores)))
    kept = torch.zeros(len(scores), dtype=torch.bool, device=scores.device)
    kept[scores.argsort(descending=True, stable=True)[:count]] = True
    return kept


def in_chunks(examples: Labelled) -> list[Labelled]:
    """Return the examples in as many as a network may take at once."""
    parts = zip(examples.inputs.split(CHUNK), examples.labels.split(CHUNK), strict=True)
    return [Labelled(*part) for part in parts]

"""Pruning by learned weights: what a bilevel learner believes an example to be worth.

A bilevel learner trains a meta network that weighs every example (suites.reweighting). An example's
score is the mean of its weights at some twenty looks in the second half of that training. SAMA's
paper takes the meta loss on the training data, under their own labels; `judged_by` may take it on
clean data instead, which no other score has seen.
"""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass
from typing import ClassVar, Literal

import torch
from torch import Tensor

from baselines.bilevel import BilevelLearner
from baselines.pruning import PruningLearner, in_chunks
from harness.declare.equivalence import Approximate, Equivalence
from harness.declare.learner import Params
from harness.declare.settings import build
from harness.errors import UsageError
from harness.registry import Registry, method
from suites.reweighting import Labelled

LOOKS = 20


@method("learned_pruning")
@dataclass(frozen=True)
class LearnedPruning(PruningLearner):
    """Data pruning by SAMA (Choe et al. 2023): the examples with the largest weights are kept."""

    learner: str = "sama"
    """The bilevel learner that learns the weights."""
    judged_by: Literal["train", "clean"] = "train"
    """What its meta loss is of."""

    equivalence: ClassVar[Equivalence] = Approximate("baselines.pruning_definitions:by_weight")

    def weighing(self) -> BilevelLearner:
        entry = Registry().find(self.learner, "method", "baseline")
        found = entry.load()
        if not issubclass(found, BilevelLearner):
            raise UsageError(
                f"learner={self.learner} is of the family {found.family!r}, and weights are "
                "learned by learners of the family 'bilevel'. Take sama or cg_hypergradient."
            )
        judged = dataclasses.replace(self.workload.whole, judged_by=self.judged_by)
        learner: BilevelLearner = build(found, {}, entry.name, judged)
        return learner

    def scores(self, seed: int) -> Tensor:
        learner, steps = self.weighing(), self.workload.meta_steps
        examples, half = self.workload.whole.training_set(seed), (steps + 1) // 2
        state, seen = learner.init(seed), []
        for index in range(steps):
            state, _ = learner.step(state, learner.workload.train_batch(seed, index))
            left = steps - 1 - index
            if left < half and left % max(1, half // LOOKS) == 0:
                base = {**state.base.params, **state.buffers}
                seen.append(self._weights(base, state.meta.params, in_chunks(examples)))
        return torch.stack(seen).mean(0)

    @torch.no_grad()
    def _weights(self, base: Params, meta: Params, parts: list[Labelled]) -> Tensor:
        return torch.cat([self.workload.whole.weights(base, meta, part) for part in parts])

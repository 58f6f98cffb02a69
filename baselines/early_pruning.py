"""Pruning by what models show early in training, from different starts (Paul et al. 2021).

EL2N   |p - y|, the length of the error of what is expected
GraNd  the length of the loss's gradient by all weights

Both are published to keep the largest: the examples that are hard. Under wrong labels what is hard
is mostly what is wrong, so `least` keeps the smallest instead.
"""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Iterator
from dataclasses import dataclass
from typing import ClassVar

import torch
from torch import Tensor
from torch.func import grad, vmap
from torch.nn.functional import cross_entropy, one_hot

from baselines.bilevel import BilevelState
from baselines.pruning import CHUNK, PruningLearner, in_chunks
from harness.declare.equivalence import Approximate, Equivalence
from harness.declare.learner import Params
from harness.registry import baseline
from harness.seeds import derive
from suites.reweighting import Labelled


@dataclass(frozen=True)
class EarlyPruning(PruningLearner):
    """What scores by early models share: the mean of the lengths that each of them shows."""

    least: bool = False
    """Keep the examples with the smallest lengths."""

    @abstractmethod
    def lengths(self, base: Params, examples: Labelled) -> Tensor:
        """Return a length for every example, as a model sees it."""

    def scores(self, seed: int) -> Tensor:
        examples = self.workload.whole.training_set(seed)
        seen = [self.lengths(base, examples) for base in self.early(seed)]
        mean = torch.stack(seen).mean(0)
        return -mean if self.least else mean

    def early(self, seed: int) -> Iterator[Params]:
        """Yield models that have been trained for a few steps, from different starts."""
        whole, steps = self.workload.whole, self.workload.early_steps
        for model in range(self.workload.early_models):
            state: BilevelState = self.training.init(derive(seed, "early", model))
            for index in range(model * steps, (model + 1) * steps):
                state, _ = self.training.step(state, whole.train_batch(seed, index))
            yield {**state.base.params, **state.buffers}


@baseline("el2n_pruning")
@dataclass(frozen=True)
class El2nPruning(EarlyPruning):
    """Data pruning by EL2N (Paul et al. 2021): the examples with the largest errors are kept."""

    equivalence: ClassVar[Equivalence] = Approximate("baselines.pruning_definitions:by_error")

    @torch.no_grad()
    def lengths(self, base: Params, examples: Labelled) -> Tensor:
        whole = self.workload.whole
        outputs = [
            whole.base_outputs(base, part.inputs, training=False) for part in in_chunks(examples)
        ]
        errors = torch.cat(outputs).softmax(1) - one_hot(examples.labels, whole.classes)
        lengths: Tensor = errors.norm(dim=1)
        return lengths


@baseline("grand_pruning")
@dataclass(frozen=True)
class GrandPruning(EarlyPruning):
    """Data pruning by GraNd (Paul et al. 2021): those with the largest gradients are kept."""

    equivalence: ClassVar[Equivalence] = Approximate("baselines.pruning_definitions:by_gradient")

    def lengths(self, base: Params, examples: Labelled) -> Tensor:
        def loss(base: Params, image: Tensor, label: Tensor) -> Tensor:
            outputs = self.workload.whole.base_outputs(base, image.unsqueeze(0), training=False)
            return cross_entropy(outputs, label.unsqueeze(0))

        of_each = vmap(grad(loss), in_dims=(None, 0, 0), chunk_size=CHUNK)
        by_name = of_each(base, examples.inputs, examples.labels)
        squares = [g.flatten(1).square().sum(1) for g in by_name.values()]
        norms: Tensor = torch.stack(squares).sum(0).sqrt()
        return norms

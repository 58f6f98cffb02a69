"""BERT shapes under reweighting: what a meta-step costs where the base model is a transformer.

Weights and sentences are random, since neither time nor memory depends on them. A fifth of a
sentence's words are of its own class's kind, so there is something to be learned, and some labels
are wrong.

Attention is written out by default. torch's fused kernels (attention=sdpa) have no second
derivative on a CPU: algorithms of first order may use them there, those that multiply by the
Hessian may not.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np
import torch
from torch import nn

from harness.registry import workload
from harness.seeds import derive
from suites.bert import SHAPES, Attention, Bert, Size
from suites.reweighting import Labelled, Reweighted

MARKED = 0.2
BEGIN = 1  # what every sentence begins with; 0 is padding


@workload("bert_shapes")
@dataclass(frozen=True)
class BertShapes(Reweighted):
    """A BERT classifier of a chosen size on generated sentences, examples weighted by loss."""

    base_optimizer: Literal["sgd", "adam", "adamw"] = "adam"
    base_lr: float = 1e-4
    base_batch_size: int = 16
    meta_batch_size: int = 16
    size: Size = "tiny"
    length: int = 64
    """Words of a sentence."""
    attention: Attention = "eager"
    dropout: float = 0.1
    noise: float = 0.4
    """Share of the training labels that are wrong."""

    def __post_init__(self) -> None:
        super().__post_init__()
        if not 0 <= self.noise <= 1:
            raise ValueError(f"noise = {self.noise} must be from 0 to 1")

    @property
    def data(self) -> str:
        return "sentences of random words (generated)"

    @property
    def stands_in_for(self) -> str | None:
        return "real text, and BERT's own weights"

    @property
    def classes(self) -> int:
        return 2

    def base_network(self) -> nn.Module:
        shape = SHAPES[self.size]
        return Bert(shape, self.classes, self.length, self.dropout, self.attention, padded=False)

    def base_batch(self, seed: int, index: int) -> Labelled:
        clean = self._drawn(seed, "base", index * self.base_batch_size, self.base_batch_size)
        rng = np.random.default_rng(derive(seed, "labels", index))
        wrong = torch.from_numpy(rng.random(self.base_batch_size) < self.noise)
        said = torch.where(wrong.to(clean.labels.device), 1 - clean.labels, clean.labels)
        return Labelled(clean.inputs, said)

    def meta_batch(self, seed: int, index: int) -> Labelled:
        return self._drawn(seed, "clean", index * self.meta_batch_size, self.meta_batch_size)

    def held_out(self, seed: int, split: str, start: int, count: int) -> Labelled:
        return self._drawn(seed, split, start, count)

    def _drawn(self, seed: int, purpose: str, start: int, count: int) -> Labelled:
        """Return examples start to start + count of a purpose, each with numbers of its own."""
        words, classes = SHAPES[self.size].words, self.classes
        first = BEGIN + 1
        numbers = np.empty((count, self.length), np.int64)
        labels = np.empty(count, np.int64)
        for place in range(count):
            rng = np.random.default_rng(derive(seed, purpose, start + place))
            labels[place] = rng.integers(classes)
            drawn = rng.integers((words - first) // classes, size=self.length) * classes
            kinds = rng.integers(classes, size=self.length)
            marked = rng.random(self.length) < MARKED
            numbers[place] = first + drawn + np.where(marked, labels[place], kinds)
        numbers[:, 0] = BEGIN
        device = self.place.device
        return Labelled(torch.from_numpy(numbers).to(device), torch.from_numpy(labels).to(device))

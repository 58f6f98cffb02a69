"""Images under labels of which some may be wrong, or of which some are rare."""

from __future__ import annotations

from abc import abstractmethod
from dataclasses import dataclass
from functools import cached_property
from typing import ClassVar, Literal

import numpy as np
import torch
from torch import Tensor

from harness.seeds import derive
from suites.reweighting import Labelled, Reweighted

Table = tuple[Tensor, Tensor]
"""Images and their true labels."""


@dataclass(frozen=True)
class LabelledImages(Reweighted):
    """Four splits of images that share none: train, clean, valid, test."""

    noise: float = 0.0
    """Share of the training labels that are exchanged for another, drawn uniformly."""
    imbalance: float = 1.0
    """How many times as many training images the first class has as the last.

    Between the two every class has fewer than the one before it by the same factor.
    """
    judged_by: Literal["clean", "train"] = "clean"
    """The split that the meta loss is of; that of training is under its own labels."""

    held_out_shared: ClassVar[bool] = True

    def __post_init__(self) -> None:
        super().__post_init__()
        if not 0 <= self.noise <= 1:
            raise ValueError(f"noise = {self.noise} must be from 0 to 1")
        if not self.imbalance >= 1:
            raise ValueError(f"imbalance = {self.imbalance} must be at least 1")

    @abstractmethod
    def split_tables(self) -> dict[str, Table]:
        """Return every split where the workload has its place, the training split balanced."""

    def scaled(self, images: Tensor) -> Tensor:
        """Return images as the base model takes them."""
        return images

    def varied(self, images: Tensor, rng: np.random.Generator) -> Tensor:
        """Return training images as they are shown once more."""
        return images

    def base_batch(self, seed: int, index: int) -> Labelled:
        images, labels = self._tables["train"]
        rows = self.rows(seed, "base", index, len(labels), self.base_batch_size)
        rng = np.random.default_rng(derive(seed, "variation", index))
        return Labelled(self.varied(self.scaled(images[rows]), rng), self.said(seed)[rows])

    def meta_batch(self, seed: int, index: int) -> Labelled:
        images, labels = self._tables[self.judged_by]
        if self.judged_by == "train":
            labels = self.said(seed)
        rows = self.rows(seed, "clean", index, len(labels), self.meta_batch_size)
        return Labelled(self.scaled(images[rows]), labels[rows])

    def held_out(self, seed: int, split: str, start: int, count: int) -> Labelled:
        images, labels = self._tables[split]
        self.require_held_out(split, start + count, len(labels))
        chosen = slice(start, start + count)
        return Labelled(self.scaled(images[chosen]), labels[chosen])

    def training_set(self, seed: int) -> Labelled:
        """Return all training images as they are, under the labels that they are given."""
        return Labelled(self.scaled(self._tables["train"][0]), self.said(seed))

    def held_out_examples(self, split: str) -> int:
        return len(self._tables[split][1])

    def said(self, seed: int) -> Tensor:
        """Return the labels that the training images are given, some of them wrong."""
        labels = self._tables["train"][1]
        rng = np.random.default_rng(derive(seed, "labels"))
        wrong = torch.from_numpy(rng.random(len(labels)) < self.noise)
        shift = torch.from_numpy(rng.integers(1, self.classes, len(labels)))
        moved = (labels.cpu() + shift * wrong) % self.classes
        return moved.to(labels.device)

    @cached_property
    def _tables(self) -> dict[str, Table]:
        tables = self.split_tables()
        images, labels = tables["train"]
        kept = _long_tail(labels.cpu(), self.classes, self.imbalance).to(labels.device)
        return {**tables, "train": (images[kept], labels[kept])}


def _long_tail(labels: Tensor, classes: int, imbalance: float) -> Tensor:
    """Return the rows that are left of a balanced set: the first so many of every class."""
    place = torch.zeros_like(labels)
    most = torch.zeros_like(labels)
    for label in range(classes):
        mine = labels == label
        there = int(mine.sum())
        place[mine] = torch.arange(there)
        most[mine] = max(1, round(there * imbalance ** (-label / (classes - 1))))
    return (place < most).nonzero().flatten()

"""Small random sets of labelled examples, on which every way to prune is held to its definition."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar

import torch
from hypothesis import strategies as st
from torch import nn

from harness.declare.problem import Problem
from harness.declare.workload import Place
from harness.registry import problems
from harness.seeds import derive
from suites.labelled_images import LabelledImages, Table
from suites.pruning import Pruning

SPLITS = {"clean": 6, "valid": 6, "test": 6}


@dataclass(frozen=True)
class NoiseImages(LabelledImages):
    """Noise under labels drawn by chance, and a network with one hidden layer."""

    pixels: int = 3
    kinds: int = 3
    examples: int = 12

    @property
    def data(self) -> str:
        return "noise (generated)"

    @property
    def classes(self) -> int:
        return self.kinds

    def base_network(self) -> nn.Module:
        return nn.Sequential(nn.Linear(self.pixels, 4), nn.Tanh(), nn.Linear(4, self.kinds))

    def split_tables(self) -> dict[str, Table]:
        sizes = {"train": self.examples, **SPLITS}
        return {split: self._drawn(split, count) for split, count in sizes.items()}

    def _drawn(self, split: str, count: int) -> Table:
        generator = torch.Generator().manual_seed(derive(0, split))
        images = torch.randn(count, self.pixels, generator=generator, dtype=torch.float64)
        labels = torch.randint(self.kinds, (count,), generator=generator)
        return self._put(images), self._put(labels)


@dataclass(frozen=True)
class RandomPruning(Pruning):
    """Noise of which a share is kept."""

    pixels: int = 3
    kinds: int = 3
    examples: int = 12

    def images(self, **settings: Any) -> LabelledImages:
        return NoiseImages(
            self.place,
            pixels=self.pixels,
            kinds=self.kinds,
            examples=self.examples,
            meta_hidden=3,
            meta_batch_size=4,
            **settings,
        )


@problems("pruning")
class PruningProblems:
    """Random examples, shares and lengths of scoring, against training on a random share."""

    oracle: ClassVar[str] = "random_pruning"

    @staticmethod
    @st.composite
    def strategy(draw: st.DrawFn) -> Problem:
        workload = RandomPruning(
            Place(dtype="float64"),
            kept=draw(st.sampled_from([0.1, 0.3, 0.5, 0.8, 1.0]), label="kept"),
            noise=draw(st.sampled_from([0.0, 0.4]), label="noise"),
            lr=draw(st.sampled_from([1e-3, 1e-2]), label="lr"),
            batch_size=draw(st.integers(1, 6), label="batch_size"),
            early_steps=draw(st.integers(1, 3), label="early_steps"),
            early_models=draw(st.integers(1, 2), label="early_models"),
            meta_steps=draw(st.integers(1, 4), label="meta_steps"),
            pixels=draw(st.integers(1, 5), label="pixels"),
            kinds=draw(st.integers(2, 4), label="kinds"),
            examples=draw(st.integers(6, 16), label="examples"),
        )
        return Problem(workload, seed=draw(st.integers(0, 10_000), label="seed"))

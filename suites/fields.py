"""Neural fields: an image as a function of the plane, which a small network is fitted to.

A task is one glyph. Its support set is every pixel: where it is, and how much ink is there; so is
its query set, since what is asked is how well the image is stored. Splits are the glyphs' scripts.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from itertools import pairwise
from typing import ClassVar

import numpy as np
import torch
from torch import Tensor, nn

from harness.declare.workload import Metric
from harness.registry import workload
from harness.seeds import derive
from suites.fewshot import FewShot, Tasks
from suites.glyphs import SIDE, load
from suites.models import Stage, Staged


class Siren(Staged):
    """A fully connected network with sines (Sitzmann et al. 2020, arXiv 2006.09661)."""

    def __init__(
        self, inputs: int, hidden: tuple[int, ...], outputs: int, frequency: float
    ) -> None:
        super().__init__()
        sizes = [inputs, *hidden]
        self.frequency = frequency
        self.hidden = nn.ModuleList(nn.Linear(before, after) for before, after in pairwise(sizes))
        self.head = nn.Linear(sizes[-1], outputs)

    def stages(self) -> list[Stage]:
        def waves(layer: nn.Module) -> Callable[[Tensor], Tensor]:
            return lambda x: torch.sin(self.frequency * layer(x))

        hidden = [Stage(f"hidden.{i}", waves(layer)) for i, layer in enumerate(self.hidden)]
        return [*hidden, Stage("head", lambda x: self.head(x) + 0.5)]  # the middle of [0, 1]

    @torch.no_grad()
    def initialise(self, generator: torch.Generator) -> None:
        """Draw the weights so that every layer's input is spread alike, as published."""
        for layer in (*self.hidden, self.head):
            assert isinstance(layer, nn.Linear)
            inputs = layer.in_features
            first = layer is self.hidden[0]
            bound = 1 / inputs if first else math.sqrt(6 / inputs) / self.frequency
            nn.init.uniform_(layer.weight, -bound, bound, generator=generator)
            nn.init.uniform_(layer.bias, -bound, bound, generator=generator)


@workload("glyph_fields")
@dataclass(frozen=True)
class GlyphFields(FewShot):
    """A glyph of 28 by 28 pixels as a field, sines of 3 layers of 64, four inner steps."""

    meta_batch: int = 4
    inner_steps: int = 4
    inner_lr: float = 0.01
    outer_lr: float = 1e-3
    hidden: tuple[int, ...] = (64, 64, 64)
    frequency: float = 30.0

    metric: ClassVar[Metric] = Metric("PSNR in dB", higher_is_better=True)

    @property
    def data(self) -> str:
        return "glyphs (embedded)"

    @property
    def stands_in_for(self) -> str | None:
        return "photographs, as of CelebA"

    @property
    def example_shape(self) -> tuple[int, ...]:
        return (2,)

    def network(self) -> nn.Module:
        return Siren(2, self.hidden, 1, self.frequency)

    def tasks(self, seed: int, split: str, start: int, count: int) -> Tasks:
        images = load().split(split).images
        drawn = [
            np.random.default_rng(derive(seed, "task", split, index)).integers(len(images))
            for index in range(start, start + count)
        ]
        ink = torch.from_numpy(images[drawn]).to(self.place.device, self.place.torch_dtype)
        where, ink = self._grid.expand(count, -1, -1).contiguous(), ink.reshape(count, -1, 1)
        return Tasks(where, ink, where.clone(), ink.clone())

    def loss(self, outputs: Tensor, y: Tensor) -> Tensor:
        return nn.functional.mse_loss(outputs, y)

    def quality(self, outputs: Tensor, y: Tensor) -> Tensor:
        """Return the peak signal-to-noise ratio, of a peak of 1."""
        return -10 * torch.log10(nn.functional.mse_loss(outputs, y))

    @cached_property
    def _grid(self) -> Tensor:
        """Where the pixels are, row by row, in a square from -1 to 1."""
        along = torch.linspace(-1, 1, SIDE, dtype=torch.float64)
        places = torch.cartesian_prod(along, along)
        return places.to(self.place.device, self.place.torch_dtype)

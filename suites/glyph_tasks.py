"""Few-shot classification of glyphs: characters of real typefaces, classes split by script."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from torch import nn

from harness.registry import workload
from suites.fewshot import DrawnClasses
from suites.glyphs import SIDE, load
from suites.models import Conv4


@dataclass(frozen=True)
class Glyphs(DrawnClasses):
    """Few-shot glyphs with learn2learn's Omniglot network and settings."""

    filters: int = 64

    @property
    def data(self) -> str:
        return "glyphs (embedded)"

    @property
    def stands_in_for(self) -> str | None:
        return "Omniglot"

    @property
    def example_shape(self) -> tuple[int, ...]:
        return 1, SIDE, SIDE

    def network(self) -> nn.Module:
        return Conv4(self.ways, self.filters)

    def sample(self, rng: np.random.Generator, split: str, examples: int) -> NDArray[np.float32]:
        return load().split(split).sample(rng, self.ways, examples)[:, :, None]


@workload("glyphs_5w1s")
@dataclass(frozen=True)
class Glyphs5Way1Shot(Glyphs):
    """Glyphs, 5 ways, 1 shot, conv4-64, one inner step: learn2learn's Omniglot setting."""


@workload("glyphs_5w5s")
@dataclass(frozen=True)
class Glyphs5Way5Shot(Glyphs):
    """Glyphs, 5 ways, 5 shots, conv4-64, one inner step, 16 tasks a step."""

    meta_batch: int = 16
    shots: int = 5
    queries: int = 5


@workload("glyphs_20w1s")
@dataclass(frozen=True)
class Glyphs20Way1Shot(Glyphs):
    """Glyphs, 20 ways, 1 shot, conv4-64, one inner step, 16 tasks a step."""

    meta_batch: int = 16
    ways: int = 20

"""Few-shot classification of glyphs: characters of real typefaces, classes split by script."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from torch import nn

from harness.registry import workload
from harness.seeds import derive
from suites.fewshot import Classification, Tasks
from suites.glyphs import SIDE, load
from suites.models import Conv4


@dataclass(frozen=True)
class Glyphs(Classification):
    """Few-shot glyphs with learn2learn's Omniglot network and settings."""

    filters: int = 64

    @property
    def data(self) -> str:
        return "glyphs (embedded)"

    @property
    def example_shape(self) -> tuple[int, ...]:
        return 1, SIDE, SIDE

    def network(self) -> nn.Module:
        return Conv4(self.ways, self.filters)

    def tasks(self, seed: int, split: str, start: int, count: int) -> Tasks:
        glyphs = load().split(split)
        queries = self.queries if split == "train" else self.eval_queries
        drawn = np.stack(
            [
                glyphs.sample(
                    np.random.default_rng(derive(seed, "task", split, index)),
                    self.ways,
                    self.shots + queries,
                )
                for index in range(start, start + count)
            ]
        )
        images = torch.from_numpy(drawn).to(self.place.device, self.place.torch_dtype)
        labels = torch.arange(self.ways, device=self.place.device)
        return Tasks(
            support_x=images[:, :, : self.shots].flatten(1, 2).unsqueeze(2),
            support_y=labels.repeat_interleave(self.shots).expand(count, -1).contiguous(),
            query_x=images[:, :, self.shots :].flatten(1, 2).unsqueeze(2),
            query_y=labels.repeat_interleave(queries).expand(count, -1).contiguous(),
        )


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

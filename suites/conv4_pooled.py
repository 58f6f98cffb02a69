"""The four-block network of mini-ImageNet's experiments: convolutions, then max pooling by two."""

from __future__ import annotations

from itertools import pairwise

import torch
from torch import Tensor, nn

from suites.models import Stage, Staged

LAYERS = 4


class PooledBlock(nn.Sequential):
    """A convolution, BatchNorm by the batch's own statistics, ReLU and max pooling."""

    def __init__(self, before: int, after: int) -> None:
        super().__init__(
            nn.Conv2d(before, after, 3, padding=1),
            nn.BatchNorm2d(after, track_running_stats=False),
            nn.ReLU(),
            nn.MaxPool2d(2),
        )


class Conv4Pooled(Staged):
    """Four blocks and a linear layer on all that they leave, as MAML's and learn2learn's CNN4."""

    def __init__(self, ways: int, filters: int, channels: int, side: int) -> None:
        super().__init__()
        left = side // 2**LAYERS
        if left < 1:
            raise ValueError(
                f"images of {side} by {side} are too small to be halved {LAYERS} times. "
                "Take architecture = 'conv4_strided'."
            )
        widths = [channels, *[filters] * LAYERS]
        self.blocks = nn.ModuleList(PooledBlock(*pair) for pair in pairwise(widths))
        self.head = nn.Linear(filters * left**2, ways)

    def stages(self) -> list[Stage]:
        blocks = [Stage(f"blocks.{place}", block) for place, block in enumerate(self.blocks)]
        return [*blocks, Stage("head", self._classify)]

    def _classify(self, x: Tensor) -> Tensor:
        scores: Tensor = self.head(x.flatten(1))
        return scores

    @torch.no_grad()
    def initialise(self, generator: torch.Generator) -> None:
        """Draw the weights as learn2learn's network does, from this generator alone."""
        for module in self.modules():
            if isinstance(module, nn.Conv2d | nn.Linear):
                nn.init.xavier_uniform_(module.weight, generator=generator)
                assert module.bias is not None
                nn.init.zeros_(module.bias)
            elif isinstance(module, nn.BatchNorm2d):
                nn.init.uniform_(module.weight, generator=generator)
                nn.init.zeros_(module.bias)

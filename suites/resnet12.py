"""ResNet-12 for few-shot images, with Lee et al. 2019's widths (Mishra et al. 2018).

Neither dropout nor DropBlock is part of it: an output depends on the input and the weights alone.
BatchNorm uses the batch's own statistics.
"""

from __future__ import annotations

from itertools import pairwise

import torch
from torch import Tensor, nn
from torch.nn import functional

from suites.models import Stage, Staged, draw_as_torch

SLOPE = 0.1
WIDTHS = (64, 160, 320, 640)


class ResidualBlock(nn.Module):
    """Three convolutions and a way past them, then max pooling by two."""

    def __init__(self, before: int, after: int) -> None:
        super().__init__()
        layers: list[nn.Module] = []
        for first, second in ((before, after), (after, after), (after, after)):
            layers += [_convolution(first, second, 3), _norm(second), nn.LeakyReLU(SLOPE)]
        self.through = nn.Sequential(*layers[:-1])
        self.past = nn.Sequential(_convolution(before, after, 1), _norm(after))

    def forward(self, x: Tensor) -> Tensor:
        both = functional.leaky_relu(self.through(x) + self.past(x), SLOPE)
        return functional.max_pool2d(both, 2)


class ResNet12(Staged):
    """Four residual blocks, mean pooling and a linear layer; the widths are scaled by the first."""

    def __init__(self, ways: int, filters: int, channels: int, side: int) -> None:
        super().__init__()
        if side < 2 ** len(WIDTHS):
            raise ValueError(
                f"images of {side} by {side} are too small to be halved {len(WIDTHS)} times. "
                "Take architecture = 'conv4_strided'."
            )
        widths = [channels, *(width * filters // WIDTHS[0] for width in WIDTHS)]
        self.blocks = nn.ModuleList(ResidualBlock(*pair) for pair in pairwise(widths))
        self.head = nn.Linear(widths[-1], ways)

    def stages(self) -> list[Stage]:
        blocks = [Stage(f"blocks.{place}", block) for place, block in enumerate(self.blocks)]
        return [*blocks, Stage("head", self._classify)]

    def _classify(self, x: Tensor) -> Tensor:
        scores: Tensor = self.head(x.mean((2, 3)))
        return scores

    @torch.no_grad()
    def initialise(self, generator: torch.Generator) -> None:
        """Draw the weights as learn2learn's network does, from this generator alone."""
        for module in self.blocks.modules():
            if isinstance(module, nn.Conv2d):
                nn.init.kaiming_normal_(module.weight, mode="fan_out", generator=generator)
            elif isinstance(module, nn.BatchNorm2d):
                nn.init.ones_(module.weight)
                nn.init.zeros_(module.bias)
        draw_as_torch(self.head, generator)


def _convolution(before: int, after: int, size: int) -> nn.Conv2d:
    return nn.Conv2d(before, after, size, padding=size // 2, bias=False)


def _norm(width: int) -> nn.BatchNorm2d:
    return nn.BatchNorm2d(width, track_running_stats=False)

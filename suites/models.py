"""The networks of the few-shot workloads, initialised from an explicit generator."""

from __future__ import annotations

import math
from abc import ABC, abstractmethod
from collections.abc import Callable
from itertools import pairwise
from typing import NamedTuple

import torch
from torch import Tensor, nn
from torch.nn import functional

# Up to so many output positions a matrix product on patches was seen to beat the convolution.
FEW_POSITIONS = 128


def _as_it_is(x: Tensor) -> Tensor:
    return x


class Stage(NamedTuple):
    """One group of parameters and what it computes."""

    name: str
    """What the names of its parameters begin with."""
    run: Callable[[Tensor], Tensor]
    """Takes its input as the stage before left it, or as `prepare` made it."""
    prepare: Callable[[Tensor], Tensor] = _as_it_is
    """Does what depends on the input alone: it pays where an input is used more than once."""


class Staged(ABC, nn.Module):  # in this order, since higher mixes in another ABC of Modules
    """A network that is a chain of stages, so that any stretch of it can be run alone."""

    @abstractmethod
    def stages(self) -> list[Stage]:
        """Return the stages from the input to the output; every parameter is in one of them."""

    def forward(self, x: Tensor, start: int = 0, stop: int | None = None) -> Tensor:
        """Run the stages start to stop on the first one's input."""
        for stage in self.stages()[start:stop]:
            x = stage.run(x)
        return x


class Block(nn.Sequential):
    """A strided convolution, BatchNorm and ReLU, of square images or of their patches."""

    def __init__(self, before: int, after: int, norm: bool) -> None:
        super().__init__(
            nn.Conv2d(before, after, 3, stride=2, padding=1),
            nn.BatchNorm2d(after, track_running_stats=False) if norm else nn.Identity(),
            nn.ReLU(),
        )

    def forward(self, x: Tensor) -> Tensor:
        if x.dim() == 4:
            return super().forward(x)  # type: ignore[no-any-return, no-untyped-call]  # torch's is bare
        convolution, norm, relu = self
        assert isinstance(convolution, nn.Conv2d)
        products = functional.linear(x, convolution.weight.flatten(1), convolution.bias)
        side = math.isqrt(x.shape[1])
        images: Tensor = relu(norm(products.transpose(1, 2).unflatten(2, (side, side))))
        return images

    def prepare(self, images: Tensor) -> Tensor:
        """Return the images' patches, one for each position of the output, where they are few."""
        examples, _, height, width = images.shape
        if height != width or examples * math.ceil(height / 2) ** 2 > FEW_POSITIONS:
            return images
        return functional.unfold(images, 3, padding=1, stride=2).transpose(1, 2).contiguous()


class Conv4(Staged):
    """The four-block network of learn2learn's Omniglot example: strided convolutions, mean pooling.

    BatchNorm uses the batch's own statistics, as that example does in effect: it never leaves
    training mode.
    """

    def __init__(
        self,
        ways: int,
        filters: int = 64,
        layers: int = 4,
        norm: bool = True,
        channels: int = 1,
    ) -> None:
        super().__init__()
        widths = [channels, *[filters] * layers]
        self.blocks = nn.ModuleList(
            Block(before, after, norm) for before, after in pairwise(widths)
        )
        self.head = nn.Linear(filters, ways)

    def stages(self) -> list[Stage]:
        stages = []
        for i, block in enumerate(self.blocks):
            assert isinstance(block, Block)
            stages.append(Stage(f"blocks.{i}", block, block.prepare))
        return [*stages, Stage("head", lambda x: self.head(_pooled(x)), _pooled)]

    @torch.no_grad()
    def initialise(self, generator: torch.Generator) -> None:
        """Draw the weights as learn2learn's network does, from this generator alone."""
        for module in self.blocks.modules():
            if isinstance(module, nn.Conv2d) and module.bias is not None:
                nn.init.xavier_uniform_(module.weight, generator=generator)
                nn.init.zeros_(module.bias)
            elif isinstance(module, nn.BatchNorm2d):
                nn.init.uniform_(module.weight, generator=generator)
                nn.init.zeros_(module.bias)
        nn.init.normal_(self.head.weight, generator=generator)
        nn.init.zeros_(self.head.bias)


def _pooled(x: Tensor) -> Tensor:
    return x.mean(dim=(2, 3)) if x.dim() == 4 else x


class MLP(Staged):
    """A fully connected network with ReLU, as for MAML's sinusoids."""

    def __init__(self, inputs: int, hidden: tuple[int, ...], outputs: int) -> None:
        super().__init__()
        sizes = [inputs, *hidden]
        self.hidden = nn.ModuleList(nn.Linear(before, after) for before, after in pairwise(sizes))
        self.head = nn.Linear(sizes[-1], outputs)

    def stages(self) -> list[Stage]:
        def rectified(layer: nn.Module) -> Callable[[Tensor], Tensor]:
            return lambda x: torch.relu(layer(x.flatten(1)))

        hidden = [Stage(f"hidden.{i}", rectified(layer)) for i, layer in enumerate(self.hidden)]
        return [*hidden, Stage("head", lambda x: self.head(x.flatten(1)))]

    @torch.no_grad()
    def initialise(self, generator: torch.Generator) -> None:
        """Draw the weights as torch's own linear layers do, from this generator alone."""
        draw_as_torch(self, generator)


@torch.no_grad()
def draw_as_torch(network: nn.Module, generator: torch.Generator) -> None:
    """Draw a network's weights as torch's own layers do, from this generator alone."""
    for module in network.modules():
        if isinstance(module, nn.Conv2d | nn.Linear):
            bound = module.weight[0].numel() ** -0.5
            nn.init.uniform_(module.weight, -bound, bound, generator=generator)
            if module.bias is not None:
                nn.init.uniform_(module.bias, -bound, bound, generator=generator)
        elif isinstance(module, nn.BatchNorm2d):
            nn.init.ones_(module.weight)
            nn.init.zeros_(module.bias)

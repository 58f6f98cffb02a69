"""The networks of the few-shot workloads, initialised from an explicit generator."""

from __future__ import annotations

import torch
from torch import Tensor, nn


class Conv4(nn.Module):
    """The four-block network of learn2learn's Omniglot example: strided convolutions, mean pooling.

    BatchNorm uses the batch's own statistics, as that example does in effect: it never leaves
    training mode.
    """

    def __init__(self, ways: int, filters: int = 64, layers: int = 4, norm: bool = True) -> None:
        super().__init__()
        channels = [1, *[filters] * layers]
        self.blocks = nn.Sequential(
            *(
                nn.Sequential(
                    nn.Conv2d(before, after, 3, stride=2, padding=1),
                    nn.BatchNorm2d(after, track_running_stats=False) if norm else nn.Identity(),
                    nn.ReLU(),
                )
                for before, after in zip(channels, channels[1:], strict=False)
            )
        )
        self.head = nn.Linear(filters, ways)

    def forward(self, images: Tensor) -> Tensor:
        features: Tensor = self.blocks(images).mean(dim=(2, 3))
        logits: Tensor = self.head(features)
        return logits

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


class MLP(nn.Module):
    """A fully connected network with ReLU, as for MAML's sinusoids."""

    def __init__(self, inputs: int, hidden: tuple[int, ...], outputs: int) -> None:
        super().__init__()
        sizes = [inputs, *hidden]
        self.hidden = nn.ModuleList(
            nn.Linear(before, after) for before, after in zip(sizes, sizes[1:], strict=False)
        )
        self.head = nn.Linear(sizes[-1], outputs)

    def forward(self, x: Tensor) -> Tensor:
        x = x.flatten(1)
        for layer in self.hidden:
            x = torch.relu(layer(x))
        outputs: Tensor = self.head(x)
        return outputs

    @torch.no_grad()
    def initialise(self, generator: torch.Generator) -> None:
        """Draw the weights by He's rule, from this generator alone."""
        for layer in [*self.hidden, self.head]:
            assert isinstance(layer, nn.Linear)
            nn.init.kaiming_normal_(layer.weight, nonlinearity="relu", generator=generator)
            nn.init.zeros_(layer.bias)

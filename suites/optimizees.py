"""What a learned optimizer optimizes: functions of one flat vector, picked out by their data.

A loss is a plain function of the vector and of the data of one evaluation, without state, so that
torch.func can differentiate it and map it over many functions at once.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from itertools import pairwise
from typing import Literal, Protocol

from torch import Tensor
from torch.nn.functional import cross_entropy, linear

Data = dict[str, Tensor]
Activation = Literal["sigmoid", "relu"]


class Optimizee(Protocol):
    """A set of functions that differ in their data alone."""

    @property
    def size(self) -> int:
        """The number of coordinates."""

    def loss(self, theta: Tensor, data: Data) -> Tensor:
        """Return one function's value at theta, on the data of this evaluation."""


@dataclass(frozen=True)
class Quadratic:
    """|W theta - y|^2, with W and y for data."""

    size: int

    def loss(self, theta: Tensor, data: Data) -> Tensor:
        return (data["w"] @ theta - data["y"]).square().sum()


@dataclass(frozen=True, eq=False)
class Network:
    """The cross entropy of a fully connected network on some rows of a table of examples."""

    examples: Tensor
    labels: Tensor
    widths: tuple[int, ...]
    """Inputs, units of every hidden layer, classes."""
    activation: Activation = "sigmoid"

    @property
    def size(self) -> int:
        return sum(math.prod(shape) for shape in self._shapes())

    def loss(self, theta: Tensor, data: Data) -> Tensor:
        flow = self.examples[data["rows"]]
        parts = theta.split([math.prod(shape) for shape in self._shapes()])
        tensors = [part.view(shape) for part, shape in zip(parts, self._shapes(), strict=True)]
        *inner, last = zip(tensors[::2], tensors[1::2], strict=True)
        for weight, bias in inner:
            flow = linear(flow, weight, bias)
            flow = flow.sigmoid() if self.activation == "sigmoid" else flow.relu()
        return cross_entropy(linear(flow, *last), self.labels[data["rows"]])

    def _shapes(self) -> list[tuple[int, ...]]:
        """Return the shapes of weight and bias, layer after layer."""
        return [
            shape
            for before, after in pairwise(self.widths)
            for shape in ((after, before), (after,))
        ]

"""What the hierarchical RNN optimizer is trained on: functions of one or several tensors.

Objectives that differ in their data alone are equal. Every tensor that enters one, data included,
may have any number of leading dimensions: many functions are computed as one is.
"""

from __future__ import annotations

import math
from abc import ABC, abstractmethod
from dataclasses import dataclass
from typing import Literal

import torch
from torch import Tensor

Data = dict[str, Tensor]
Tensors = list[Tensor]
Shape = tuple[int, ...]

TINY = 1e-6


@dataclass(frozen=True)
class Objective(ABC):
    """A kind of function; its data make it one."""

    @property
    @abstractmethod
    def shapes(self) -> tuple[Shape, ...]:
        """Return the shapes of the tensors that it is a function of."""

    @abstractmethod
    def value(self, tensors: Tensors, data: Data) -> Tensor:
        """Return the value at these tensors."""

    def minibatch(self, data: Data, rows: Tensor) -> Data:
        """Return the data with these examples alone."""
        raise NotImplementedError(f"{type(self).__name__} has no examples to choose from")

    @property
    def sizes(self) -> tuple[int, ...]:
        return tuple(math.prod(shape) for shape in self.shapes)

    @property
    def size(self) -> int:
        return sum(self.sizes)

    def tensors(self, coordinates: Tensor) -> Tensors:
        """Cut a vector into the tensors, each in row-major order."""
        leading = coordinates.shape[:-1]
        parts = coordinates.split(self.sizes, -1)
        return [part.view(*leading, *s) for part, s in zip(parts, self.shapes, strict=True)]

    def __call__(self, coordinates: Tensor, data: Data) -> Tensor:
        return self.value(self.tensors(coordinates), data)


@dataclass(frozen=True)
class Linear(Objective):
    """A function of the residual Wx - y of as many equations as unknowns."""

    dimensions: int

    @property
    def shapes(self) -> tuple[Shape, ...]:
        return ((self.dimensions, 1),)

    def residual(self, tensors: Tensors, data: Data) -> Tensor:
        return (data["w"] @ tensors[0] - data["y"]).squeeze(-1)


@dataclass(frozen=True)
class Quadratic(Linear):
    """Half the square of |Wx - y|."""

    def value(self, tensors: Tensors, data: Data) -> Tensor:
        return 0.5 * _squared(self.residual(tensors, data)).sum(-1)


@dataclass(frozen=True)
class Norm(Linear):
    """The p-norm of Wx - y."""

    power: float

    def value(self, tensors: Tensors, data: Data) -> Tensor:
        sizes = self.residual(tensors, data).abs() + TINY
        return (sizes**self.power).sum(-1) ** (1 / self.power)


@dataclass(frozen=True)
class Bowl(Objective):
    """Half the square of |Ax| in two dimensions."""

    @property
    def shapes(self) -> tuple[Shape, ...]:
        return ((2, 1),)

    def value(self, tensors: Tensors, data: Data) -> Tensor:
        return 0.5 * _squared(data["a"] @ tensors[0]).sum((-1, -2))


Formula = Literal[
    "ackley",
    "beale",
    "booth",
    "branin",
    "log_sum_exp",
    "matyas",
    "michalewicz",
    "rosenbrock",
    "styblinski_tang",
]


@dataclass(frozen=True)
class Landscape(Objective):
    """One of the usual test functions of optimizers, in two dimensions."""

    formula: Formula

    @property
    def shapes(self) -> tuple[Shape, ...]:
        return ((2,),)

    def value(self, tensors: Tensors, data: Data) -> Tensor:
        x, y = tensors[0].unbind(-1)
        match self.formula:
            case "ackley":
                spread = torch.exp(-0.2 * (0.5 * (x * x + y * y)).sqrt())
                waves = torch.exp(0.5 * (torch.cos(math.tau * x) + torch.cos(math.tau * y)))
                return -20 * spread - waves + math.e + 20
            case "beale":
                return (
                    _squared(1.5 - x + x * y)
                    + _squared(2.25 - x + x * (y * y))
                    + _squared(2.625 - x + x * (y * y * y))
                )
            case "booth":
                return _squared(x + 2 * y - 7) + _squared(2 * x + y - 5)
            case "branin":
                valley = y - 5.1 / (4 * math.pi**2) * (x * x) + 5 / math.pi * x - 6
                return _squared(valley) + 10 * (1 - 1 / (8 * math.pi)) * torch.cos(x) + 10
            case "log_sum_exp":
                walls = torch.exp(x + 3 * y - 0.1) + torch.exp(x - 3 * y - 0.1)
                return torch.log(walls + torch.exp(-x - 0.1) + 1)
            case "matyas":
                return 0.26 * (x * x + y * y) - 0.48 * x * y
            case "michalewicz":
                first = torch.sin(x) * torch.sin(x * x / math.pi) ** 10
                second = torch.sin(y) * torch.sin(2 * y * y / math.pi) ** 10
                return 2 - first - second
            case "rosenbrock":
                return _squared(1 - x) + 100 * _squared(y - x * x)
            case "styblinski_tang":
                squares = tensors[0] * tensors[0]
                return 0.5 * (squares * (squares - 16) + 5 * tensors[0]).sum(-1) + 80


def _squared(x: Tensor) -> Tensor:
    """Return the square; autograd differentiates a product with less work than a power."""
    return x * x


@dataclass(frozen=True)
class MatrixProduct(Objective):
    """An algorithm of so few products for n x n matrices, by the error of its best outputs.

    Every pair of entries, one of either matrix, is a row: P has the algorithm's products there, and
    c the true product. The outputs C = (P'P)^-1 P'c are solved for.
    """

    n: int
    products: int

    @property
    def shapes(self) -> tuple[Shape, ...]:
        return ((self.n**2, self.products),) * 2

    def value(self, tensors: Tensors, data: Data) -> Tensor:
        left, right = tensors
        p = (left.unsqueeze(-2) * right.unsqueeze(-3)).flatten(-3, -2)
        owed = data["c"]
        outputs = torch.linalg.solve(p.mT @ p, p.mT @ owed)
        error: Tensor = p @ outputs - owed
        return _squared(error).sum((-1, -2))


@dataclass(frozen=True)
class Sum(Objective):
    """The sum of independent objectives of one tensor each."""

    parts: tuple[Objective, ...]

    @property
    def shapes(self) -> tuple[Shape, ...]:
        return tuple(shape for part in self.parts for shape in part.shapes)

    def value(self, tensors: Tensors, data: Data) -> Tensor:
        values = [
            part.value([tensor], self.data_of(number, data))
            for number, (part, tensor) in enumerate(zip(self.parts, tensors, strict=True))
        ]
        return torch.stack(values).sum(0)

    @staticmethod
    def data_of(number: int, data: Data) -> Data:
        """Return what of the data is a part's own; its names begin with the part's number."""
        own = f"{number}."
        return {name.removeprefix(own): v for name, v in data.items() if name.startswith(own)}


@dataclass(frozen=True)
class Changed(Objective):
    """An objective seen through a change of its values or of its coordinates."""

    inner: Objective

    @property
    def shapes(self) -> tuple[Shape, ...]:
        return self.inner.shapes

    def minibatch(self, data: Data, rows: Tensor) -> Data:
        return self.inner.minibatch(data, rows)


@dataclass(frozen=True)
class Logarithm(Changed):
    """ln(f + 1e-6) - ln 1e-6."""

    def value(self, tensors: Tensors, data: Data) -> Tensor:
        return torch.log(self.inner.value(tensors, data) + TINY) - math.log(TINY)


@dataclass(frozen=True)
class Rescaled(Changed):
    """f(x / s), with s for data."""

    def value(self, tensors: Tensors, data: Data) -> Tensor:
        scale = data["scale"]
        smaller = [t / scale.reshape(*scale.shape, *[1] * (t.dim() - scale.dim())) for t in tensors]
        return self.inner.value(smaller, data)

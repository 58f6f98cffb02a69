"""The hypergradient by conjugate gradients on H x = dL_meta/dtheta."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import ClassVar

import torch
from torch import Tensor

from baselines.bilevel import ImplicitLearner, Vector, dot
from harness.declare.equivalence import Equivalence, InTheLimit
from harness.registry import baseline


@baseline("cg_hypergradient")
@dataclass(frozen=True)
class CgHypergradient(ImplicitLearner):
    """Bilevel, implicit differentiation by conjugate gradients (Rajeswaran et al. 2019)."""

    iterations: int = 1
    """Products with the Hessian; Betty's default."""

    # With a condition number of 4 the error's bound falls to a third an iteration, but from 4.
    equivalence: ClassVar[Equivalence] = InTheLimit("iterations", (1, 2, 4, 6), factor=0.5)

    def solve(self, product: Callable[[Vector], Vector], vector: Vector) -> Vector:
        solution: Vector = [torch.zeros_like(v) for v in vector]
        residual = direction = vector
        length = dot(residual, residual)
        for _ in range(self.iterations):
            image = product(direction)
            reach = _ratio(length, dot(direction, image))
            solution = [x + reach * d for x, d in zip(solution, direction, strict=True)]
            residual = [r - reach * i for r, i in zip(residual, image, strict=True)]
            before, length = length, dot(residual, residual)
            turn = _ratio(length, before)
            direction = [r + turn * d for r, d in zip(residual, direction, strict=True)]
        return solution


def _ratio(above: Tensor, below: Tensor) -> Tensor:
    """Return the ratio; zero for 0/0, which is what a finished solution leaves."""
    return torch.where(below == 0, torch.zeros_like(above), above / below)

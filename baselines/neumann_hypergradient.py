"""The hypergradient by a Neumann series: H^-1 v = alpha * sum_k (I - alpha H)^k v.

Cut after as many terms as there were steps of gradient descent at rate alpha, it is what
differentiating through those steps gives, had they all been taken at the minimum. Without any
product, and alpha 1, it is T1-T2: the identity in place of the inverse Hessian. The difference that
darts_hypergradient takes for it is another where the meta model is shown losses of the base model.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import ClassVar

from baselines.bilevel import ImplicitLearner, Vector
from harness.declare.equivalence import Equivalence, InTheLimit
from harness.registry import baseline


@baseline("neumann_hypergradient")
@dataclass(frozen=True)
class NeumannHypergradient(ImplicitLearner):
    """Bilevel, implicit differentiation by a Neumann series (Lorraine et al. 2020)."""

    iterations: int = 1
    """Products with the Hessian, one fewer than the series has terms; Betty's default."""
    alpha: float = 1.0
    """The series converges where this is below 2 over the Hessian's largest eigenvalue."""

    # The problems' eigenvalues lie within .6 of 1, so that is what a term decays by, at alpha 1.
    equivalence: ClassVar[Equivalence] = InTheLimit("iterations", (1, 4, 8, 16), factor=0.65)

    def solve(self, product: Callable[[Vector], Vector], vector: Vector) -> Vector:
        term = total = vector
        for _ in range(self.iterations):
            term = [t - self.alpha * h for t, h in zip(term, product(term), strict=True)]
            total = [a + t for a, t in zip(total, term, strict=True)]
        return [self.alpha * a for a in total]

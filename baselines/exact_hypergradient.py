"""The hypergradient of the bilevel problem itself, by dense linear algebra: the family's oracle.

    theta* = argmin_theta L_base(theta, lambda)
    d L_meta(theta*(lambda), lambda) / dlambda
        = dL_meta/dlambda - (d^2 L_base / dlambda dtheta) H^-1 dL_meta/dtheta     at theta*

with the whole Hessian H of the base loss. The base problem is the one that the last base batch
poses; Newton's method solves it to rounding, from where the base steps ended. So the oracle knows
neither the steps that a method takes towards theta* nor how it approximates H^-1: whatever each of
them falls short of the true hypergradient is seen as its error. It is for small problems that have
one strict minimum.

What a meta model is shown of theta as given, losses for one, is given here too, as it is in every
base step: theta* is where such steps come to rest, H the Hessian at what is shown there.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

import torch
from torch import Tensor

from baselines.bilevel import BilevelState, ImplicitLearner, Trained, Vector
from baselines.flat import flat, shaped
from harness.declare.learner import Gradient, Params
from harness.declare.outer import SgdState
from harness.errors import UsageError
from harness.registry import baseline
from suites.bilevel import BilevelBatch

MOST_PARAMETERS = 3000  # their Hessian takes 72 MB in float64
MOST_STEPS = 100


@baseline("exact_hypergradient")
@dataclass(frozen=True)
class ExactHypergradient(ImplicitLearner):
    """Bilevel, the true hypergradient by dense linear algebra, for small problems: the oracle."""

    def advance(self, state: BilevelState, batch: BilevelBatch) -> tuple[Trained, Gradient]:
        trained, meta = self.trained(state, batch), state.meta.params
        solved = replace(trained, base=SgdState(self._minimum(trained, meta, batch)))
        return trained, self.hypergradient(solved, meta, batch)

    def solve(self, product: Callable[[Vector], Vector], vector: Vector) -> Vector:
        like = dict(enumerate(vector))

        def flat_product(direction: Tensor) -> Tensor:
            return flat(dict(enumerate(product(list(shaped(direction, like).values())))))

        return list(shaped(_solved(flat_product, flat(like)), like).values())

    def _minimum(self, trained: Trained, meta: Params, batch: BilevelBatch) -> Params:
        """Return where the base loss has no slope, by Newton's method with halved steps."""
        like = trained.base.params
        theta = flat(like)
        if len(theta) > MOST_PARAMETERS:
            raise UsageError(
                f"{self.name} inverts the Hessian of all {len(theta)} base parameters, but takes "
                f"at most {MOST_PARAMETERS}. Use cg_hypergradient, or a smaller base model."
            )

        def slope_at(theta: Tensor) -> tuple[Tensor, Tensor]:
            point = theta.clone().requires_grad_()
            loss = self.last_base_loss(shaped(point, like), trained, meta, batch)
            (slope,) = torch.autograd.grad(loss, point, create_graph=True)
            return slope, point

        rounding = 10 * torch.finfo(theta.dtype).eps
        for _ in range(MOST_STEPS):
            slope, point = slope_at(theta)
            move = _solved(_product(slope, point), slope.detach())
            # By the slope: a loss of which something counts as given need not fall where it leads.
            allowed = slope.detach().norm() + rounding * (1 + theta.norm())
            while slope_at(theta - move)[0].detach().norm() > allowed:
                move = move / 2
            theta = theta - move
            if move.norm() <= rounding * (1 + theta.norm()):
                return shaped(theta, like)
        raise UsageError(
            f"{self.name} found no minimum of the base loss in {MOST_STEPS} Newton steps. "
            "It is for base problems with one strict minimum; use cg_hypergradient for others."
        )


def _product(slope: Tensor, point: Tensor) -> Callable[[Tensor], Tensor]:
    """Return the product of the Hessian with a vector.

    By plain autograd, since torch 2.13's jacfwd and jacrev of a gradient are wrong with BatchNorm.
    """
    return lambda v: torch.autograd.grad(slope, point, v, retain_graph=True)[0]


def _solved(product: Callable[[Tensor], Tensor], vector: Tensor) -> Tensor:
    """Return the solution of H x = vector, H being put together column by column."""
    units = torch.eye(len(vector), dtype=vector.dtype, device=vector.device)
    hessian = torch.stack([product(unit) for unit in units], dim=1)
    factor, fault = torch.linalg.cholesky_ex(hessian)
    if fault:
        raise UsageError(
            "exact_hypergradient needs a base loss whose Hessian is positive definite at the base "
            "parameters, and here it is not. Use cg_hypergradient or unrolled_hypergradient."
        )
    return torch.cholesky_solve(vector.unsqueeze(1), factor).squeeze(1)

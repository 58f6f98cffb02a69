"""The hypergradient of T1-T2 and DARTS: the identity in place of the inverse Hessian.

    response = -(dL_base(theta + e v)/dlambda - dL_base(theta - e v)/dlambda) / (2 e),  e = R / |v|,

with v = dL_meta/dtheta. It takes three first-order backward passes, and no more memory than one. As
R goes to 0 it becomes, at second order, minus the derivative of dL_base/dlambda along v:

    -(d^2 L_base / dlambda dtheta) v - (d^2 L_base / dlambda ds) (ds/dtheta) v

where s(theta) is what the meta model is shown of the base model as given, such as the losses that a
weigher is fed. Each probe shows it that of its own theta; a base step follows the gradient at a
given s, so the second product is in none. It vanishes where the meta model is fed by data alone, or
s stays as it is along v. The first is what a Neumann series of one term is. That either is the
hypergradient is true of no R.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import torch

from baselines.bilevel import HypergradientLearner, Trained, differentiable, dot, gradients
from harness.declare.equivalence import Approximate, Equivalence
from harness.declare.learner import Params
from harness.registry import baseline
from suites.bilevel import BilevelBatch


@baseline("darts_hypergradient")
@dataclass(frozen=True)
class DartsHypergradient(HypergradientLearner):
    """Bilevel, T1-T2 (Luketina et al. 2016) by DARTS's central difference (Liu et al. 2019)."""

    radius: float = 0.01
    """R, the length of the move to either side."""

    equivalence: ClassVar[Equivalence] = Approximate("baselines.bilevel_definitions:darts")

    def response(
        self, trained: Trained, meta: Params, batch: BilevelBatch, vector: Params
    ) -> Params:
        return central_difference(self, trained, meta, batch, vector, self.radius)


def central_difference(
    learner: HypergradientLearner,
    trained: Trained,
    meta: Params,
    batch: BilevelBatch,
    vector: Params,
    radius: float,
) -> Params:
    """Return minus the derivative of dL_base/dlambda along vector, by a difference."""
    direction = list(vector.values())
    length = dot(direction, direction).sqrt()
    scale = radius / length.clamp(min=torch.finfo(length.dtype).tiny)  # no direction, no response
    by_meta = differentiable(meta)

    def slope(sign: int) -> Params:
        moved = {n: p + sign * scale * vector[n] for n, p in trained.base.params.items()}
        return gradients(learner.last_base_loss(moved, trained, by_meta, batch), by_meta)

    above, below = slope(1), slope(-1)
    return {name: (below[name] - above[name]) / (2 * scale) for name in meta}

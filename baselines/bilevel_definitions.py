"""What the approximate hypergradients are defined as: dense, slow, with none of the learners' code.

Everything is one flat vector; the optimizers are their formulas; derivatives are taken in forward
mode, one direction after another (all at once, jacfwd is wrong in torch 2.13 where it
differentiates BatchNorm twice). With g the last base step's gradient, m and v Adam's moments after
that step and m_, v_ those before it:

    darts     w = v0, where v0 = dL_meta/dtheta
    sama      w = v0, for gradient descent; for Adam
              w = v0 * rate * [(1-b1) b2 v_ - b1 (1-b2) g m_] / (sqrt(v) + eps)^3
    sama_na   w = v0
    all       dL_meta/dlambda
              - [dL_base(theta + e w)/dlambda - dL_base(theta - e w)/dlambda] / (2 e)
              with e = R / |w|, and without the second term where w = 0; each loss shows the meta
              model the theta that the loss is at
              several ranks: the mean, by their shares of the base batch, of the second terms that
              the ranks' examples give, each rank's along its own w; unless they share the direction
    betty_cg  dL_meta/dlambda - (d^2 L_base / dlambda dtheta) x
              with x after n iterations for H x = v0 of conjugate gradients, but for a slip: the
              next direction is built on the residual that this iteration began with
    untouched 0, the base steps being taken on
              (1 - c) plain L_base + c L_meta, with c the share of clean data

Weight decay that works through the gradient is part of g. The factor of Adam is the slope of an
Adam step without bias correction by the step's gradient, but for the eps in it, which an exact
derivative has in other places. In the first step of all m_ = v_ = 0, so w = 0: that step is
rate * sign(g), and its slope is indeed 0.

    betty_sama  as sama, but with g without weight decay, and m_ and v_ found by undoing the last
                step as though it had been without: (m - (1-b1) g) / b1, (v - (1-b2) g^2) / b2
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import partial
from typing import Any

import torch
from torch import Tensor
from torch.func import grad, jvp

from baselines.bilevel import BilevelLearner, BilevelState
from baselines.flat import flat, shaped
from harness.declare.learner import Gradient, Params
from harness.declare.outer import AdamState
from harness.declare.tree import rows
from suites.bilevel import Bilevel, BilevelBatch

B1, B2, EPS = 0.9, 0.999, 1e-8


def darts(learner: Any, state: BilevelState, batch: BilevelBatch) -> Gradient:
    """T1-T2 by a central difference over learner.radius."""
    there = _Place.after_training(learner, state, batch)
    return there.gradient(_by_difference(there, there.meta_slope(), learner.radius))


def sama(learner: Any, state: BilevelState, batch: BilevelBatch) -> Gradient:
    """SAMA over learner.radius."""
    return _over_ranks(learner, state, batch, adapts=True)


def sama_na(learner: Any, state: BilevelState, batch: BilevelBatch) -> Gradient:
    """SAMA without adaptation over learner.radius."""
    return _over_ranks(learner, state, batch, adapts=False)


def betty_sama(learner: Any, state: BilevelState, batch: BilevelBatch) -> Gradient:
    """Betty 0.2.1's SAMA, which is sama where no weight decay works through the gradient."""
    there = _Place.after_training(learner, state, batch)
    vector = there.meta_slope() * there.betty_adaptation
    return there.gradient(_by_difference(there, vector, learner.radius))


def betty_cg(learner: Any, state: BilevelState, batch: BilevelBatch) -> Gradient:
    """Betty 0.2.1's iteration, learner.iterations times."""
    there = _Place.after_training(learner, state, batch)
    by_base = grad(there.base_loss)
    hessian = _slope(lambda theta: by_base(theta, there.meta), there.theta)
    r = p = there.meta_slope()
    x = torch.zeros_like(r)
    for _ in range(learner.iterations):
        reach = r @ r / (p @ hessian @ p)
        after = r - reach * hessian @ p
        x, p, r = x + reach * p, r + (after @ after) / (r @ r) * p, after
    response = -x @ _slope(lambda meta: by_base(there.theta, meta), there.meta)
    return there.gradient(response)


def untouched(learner: Any, state: BilevelState, batch: BilevelBatch) -> Gradient:
    """Training without meta-parameters, a share learner.clean_share of it on clean data."""
    workload, share = learner.workload, learner.clean_share

    def mixed(base: Params, meta: Params, data: Any) -> Tensor:
        clean = workload.meta_loss(base, meta, batch.meta)
        loss: Tensor = (1 - share) * workload.plain_loss(base, data) + share * clean
        return loss

    there = _Place.after_training(learner, state, batch, mixed)
    loss = there.meta_loss(there.theta, there.meta)
    return Gradient(loss, shaped(torch.zeros_like(there.meta), there.names))


Loss = Callable[..., Tensor]


@dataclass(frozen=True)
class _Place:
    """Where a hypergradient is taken: the losses of flat theta and lambda, and Adam's factor."""

    base_loss: Loss
    meta_loss: Loss
    theta: Tensor
    meta: Tensor
    adaptation: Tensor
    betty_adaptation: Tensor
    names: Params
    of: Callable[..., Loss]

    @classmethod
    def after_training(
        cls,
        learner: BilevelLearner,
        state: BilevelState,
        batch: BilevelBatch,
        descended: Loss | None = None,
    ) -> _Place:
        workload, base, meta = learner.workload, state.base, state.meta.params
        descended = descended or workload.base_loss
        theta, lam = flat(base.params), flat(meta)

        def of(loss: Callable[..., Tensor], data: Any, *purpose: str | int) -> Loss:
            def at(theta: Tensor, lam: Tensor) -> Tensor:
                buffers = {name: value.clone() for name, value in state.buffers.items()}
                with workload.drawing(batch, *purpose):
                    return loss({**shaped(theta, base.params), **buffers}, shaped(lam, meta), data)

            return at

        def spread_out(figure: str) -> Tensor:
            rules = {name: workload.base_rule(name) for name in base.params}
            return flat(
                {n: torch.full_like(p, getattr(rules[n], figure)) for n, p in base.params.items()}
            )

        rate, decay, apart, momentum = map(
            spread_out, ("lr", "weight_decay", "decoupled", "momentum")
        )
        plain = adaptation = betty_adaptation = torch.ones_like(theta)
        first, second, velocity = plain * 0, plain * 0, plain * 0
        if isinstance(base, AdamState):
            first, second = flat(base.first), flat(base.second)
            steps = int(next(iter(base.steps.values())))
        elif base.velocity:
            velocity = flat({n: base.velocity.get(n, p * 0) for n, p in base.params.items()})
        for count, data in enumerate(batch.base, start=1):
            raw = _slope(partial(of(descended, data, "base", count - 1), lam=lam), theta)
            g = raw + (1 - apart) * decay * theta
            theta = theta * (1 - apart * rate * decay)
            if isinstance(base, AdamState):
                before = first, second
                first, second = B1 * first + (1 - B1) * g, B2 * second + (1 - B2) * g**2
                upright = first / (1 - B1 ** (steps + count))
                spread = (second / (1 - B2 ** (steps + count))).sqrt()
                theta = theta - rate * upright / (spread + EPS)
                adaptation = _adaptation(rate, g, *before, second)
                undone = (first - (1 - B1) * raw) / B1, (second - (1 - B2) * raw**2) / B2
                betty_adaptation = _adaptation(rate, raw, *undone, second)
            else:
                velocity = momentum * velocity + g
                theta = theta - rate * velocity
        last = of(workload.base_loss, batch.base[-1], "base", len(batch.base) - 1)
        clean = of(workload.meta_loss, batch.meta, "meta")
        return cls(last, clean, theta, lam, adaptation, betty_adaptation, meta, of)

    def seen_by(
        self, workload: Bilevel, batch: BilevelBatch, of_base: range, of_meta: range
    ) -> _Place:
        """Return the same place on some of the examples."""
        last = self.of(
            workload.base_loss, rows(batch.base[-1], of_base), "base", len(batch.base) - 1
        )
        clean = self.of(workload.meta_loss, rows(batch.meta, of_meta), "meta")
        return replace(self, base_loss=last, meta_loss=clean)

    def meta_slope(self) -> Tensor:
        return _slope(lambda theta: self.meta_loss(theta, self.meta), self.theta)

    def gradient(self, response: Tensor) -> Gradient:
        """Return the hypergradient with this response for its second term."""
        direct = _slope(lambda meta: self.meta_loss(self.theta, meta), self.meta)
        loss = self.meta_loss(self.theta, self.meta)
        return Gradient(loss, shaped(direct + response, self.names))


def _radius(learner: Any) -> float:
    if learner.radius is None:
        return 0.01 if learner.workload.base_optimizer == "sgd" else 1.0
    return float(learner.radius)


def _adaptation(
    rate: Tensor, g: Tensor, first_before: Tensor, second_before: Tensor, second: Tensor
) -> Tensor:
    above = (1 - B1) * B2 * second_before - B1 * (1 - B2) * g * first_before
    return rate * above / (second.sqrt() + EPS) ** 3


def _over_ranks(learner: Any, state: BilevelState, batch: BilevelBatch, adapts: bool) -> Gradient:
    workload = learner.workload
    there = _Place.after_training(learner, state, batch)
    parts = [there]
    portions = [1.0]
    size = workload.place.team.size
    if size > 1 and not learner.shared_direction:
        counts = [workload.count(part) for part in (batch.base[-1], batch.meta)]
        whose = [[range(rank, count, size) for count in counts] for rank in range(size)]
        busy = [each for each in whose if all(each)]  # without examples there is no second term
        parts = [there.seen_by(workload, batch, *each) for each in busy]
        portions = [len(of_base) / counts[0] for of_base, _ in busy]
    response = torch.zeros_like(there.meta)
    for part, portion in zip(parts, portions, strict=True):
        vector = part.meta_slope() * (part.adaptation if adapts else 1)
        response = response + portion * _by_difference(part, vector, _radius(learner))
    return there.gradient(response)


def _by_difference(there: _Place, vector: Tensor, radius: float) -> Tensor:
    if not vector.any():
        return torch.zeros_like(there.meta)
    e = radius / vector.norm()
    above = _slope(lambda meta: there.base_loss(there.theta + e * vector, meta), there.meta)
    below = _slope(lambda meta: there.base_loss(there.theta - e * vector, meta), there.meta)
    response: Tensor = -(above - below) / (2 * e)
    return response


def _slope(function: Callable[[Tensor], Tensor], point: Tensor) -> Tensor:
    """Return the derivative by every entry of the point, in the last dimension."""
    units = torch.eye(len(point), dtype=point.dtype, device=point.device)
    return torch.stack([jvp(function, (point,), (unit,))[1] for unit in units], dim=-1)

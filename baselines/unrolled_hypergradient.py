"""The hypergradient by differentiating through the base steps themselves.

It is exact for the finite training that took place, and needs no Hessian to be inverted, no minimum
to be reached. It holds every step's graph at once; and the model that the steps began with counts
as given, although earlier meta-parameters shaped it, so few steps see little of lambda's influence.
What a meta model is shown of the base model as given, such as losses, is given to every step: of
several steps it is then not quite the derivative, which one step is.
"""

from __future__ import annotations

from dataclasses import dataclass, fields, replace
from typing import ClassVar

import torch
from torch import Tensor

from baselines.bilevel import (
    BilevelLearner,
    BilevelState,
    Trained,
    copies,
    differentiable,
    gradients,
)
from harness.declare.equivalence import Equivalence, InTheLimit
from harness.declare.learner import Gradient, Params
from harness.declare.outer import BETA1, BETA2, EPS, AdamState, Rules, SgdState, rule_for
from harness.registry import baseline
from suites.bilevel import BilevelBatch


@baseline("unrolled_hypergradient")
@dataclass(frozen=True)
class UnrolledHypergradient(BilevelLearner):
    """Bilevel, reverse mode through all base steps (Franceschi et al. 2017)."""

    # Near the minimum k steps leave an error of k * .6^k: see the problems' eigenvalues.
    equivalence: ClassVar[Equivalence] = InTheLimit("workload.unroll", (5, 10, 20, 30), factor=0.7)

    def advance(self, state: BilevelState, batch: BilevelBatch) -> tuple[Trained, Gradient]:
        meta = differentiable(state.meta.params)
        base, buffers = state.base, copies(state.buffers)
        params = differentiable(base.params)
        for step in range(len(batch.base)):
            loss = self.base_loss(params, buffers, meta, batch, step)
            grads = gradients(loss, params, create_graph=True)
            rules = self.rules(params)
            base = differentiable_update(replace(base, params=params), grads, rules)
            params = base.params
        loss = self.meta_loss(params, copies(buffers), meta, batch)
        gradient = Gradient(loss.detach(), gradients(loss, meta))
        parts = {field.name: _plain(getattr(base, field.name)) for field in fields(base)}
        return Trained(type(base)(**parts), buffers), gradient


def differentiable_update(
    state: AdamState | SgdState, grads: Params, rules: float | Rules
) -> AdamState | SgdState:
    """Return what the state's own update returns, as a differentiable function of the gradient."""
    if isinstance(state, SgdState):
        return _descent(state, grads, rules)
    params, first, second, steps = {}, {}, {}, {}
    for name, p in state.params.items():
        rule, g = rule_for(name, rules), grads[name]
        if rule.decoupled:
            p = p * (1 - rule.lr * rule.weight_decay)
        else:
            g = g + rule.weight_decay * p
        steps[name] = state.steps[name] + 1
        first[name] = state.first[name].lerp(g, 1 - BETA1)
        second[name] = BETA2 * state.second[name] + (1 - BETA2) * g * g
        count = float(steps[name])
        root = _root(second[name]) / (1 - BETA2**count) ** 0.5
        params[name] = p - rule.lr / (1 - BETA1**count) * first[name] / (root + EPS)
    return AdamState(params, first, second, steps)


def _descent(state: SgdState, grads: Params, rules: float | Rules) -> SgdState:
    params, velocity = {}, {}
    for name, p in state.params.items():
        rule = rule_for(name, rules)
        speed = grads[name] + rule.weight_decay * p
        if rule.momentum:
            if name in state.velocity:
                speed = rule.momentum * state.velocity[name] + speed
            velocity[name] = speed
        params[name] = p - rule.lr * speed
    return SgdState(params, velocity)


def _root(squares: Tensor) -> Tensor:
    """Return the square root; where it is zero its slope counts as zero, not as infinite.

    A weight that never had a gradient has no second moment, and its update is differentiable all
    the same, through the first.
    """
    positive = squares > 0
    return torch.where(positive, torch.where(positive, squares, 1.0).sqrt(), 0.0)


def _plain(tensors: Params) -> Params:
    return {name: value.detach() for name, value in tensors.items()}

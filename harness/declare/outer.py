"""Optimizers as pure functions, by the very kernels that torch.optim calls.

They are Adam, with weight decay in the gradient or apart from it, and gradient descent with or
without momentum. A rule tells how one group of parameters is moved; a rate alone is such a rule for
all of them.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

import torch
from torch import Tensor
from torch.optim.adam import adam
from torch.optim.sgd import sgd

Params = dict[str, Tensor]

BETA1, BETA2, EPS = 0.9, 0.999, 1e-8


@dataclass(frozen=True)
class Rule:
    """How an optimizer moves one group of parameters."""

    lr: float
    weight_decay: float = 0.0
    decoupled: bool = False
    """Whether weights decay apart from the gradient, as in AdamW, and not through it."""
    momentum: float = 0.0
    """Of gradient descent; Adam has its own."""


Rules = Mapping[str, Rule]


@dataclass(frozen=True)
class AdamState:
    """Parameters and Adam's moments of them."""

    params: Params
    first: Params
    second: Params
    steps: Params

    @classmethod
    def start(cls, params: Params) -> AdamState:
        return cls(
            params,
            {name: torch.zeros_like(p) for name, p in params.items()},
            {name: torch.zeros_like(p) for name, p in params.items()},
            {name: torch.zeros(()) for name in params},
        )

    @property
    def taken(self) -> int:
        """How many steps led here."""
        return int(next(iter(self.steps.values())))

    @torch.no_grad()
    def update(self, grads: Params, rules: float | Rules) -> AdamState:
        """Return the state after one step of Adam; this one is left as it was."""
        copies = [
            {name: value.clone() for name, value in part.items()}
            for part in (self.params, self.first, self.second, self.steps)
        ]
        params, first, second, steps = copies
        for rule, names in groups(params, rules):
            adam(
                [params[name] for name in names],
                [grads[name] for name in names],
                [first[name] for name in names],
                [second[name] for name in names],
                [],
                [steps[name] for name in names],
                decoupled_weight_decay=rule.decoupled,
                amsgrad=False,
                beta1=BETA1,
                beta2=BETA2,
                lr=rule.lr,
                weight_decay=rule.weight_decay,
                eps=EPS,
                maximize=False,
            )
        return AdamState(params, first, second, steps)

    @torch.no_grad()
    def moments(self, grads: Params) -> tuple[Params, Params]:
        """Return the moments that `update` leads to, given gradients with their weight decay."""
        slopes = list(grads.values())
        first = torch._foreach_lerp([self.first[name] for name in grads], slopes, 1 - BETA1)
        second = torch._foreach_mul([self.second[name] for name in grads], BETA2)
        torch._foreach_addcmul_(second, slopes, slopes, 1 - BETA2)
        return dict(zip(grads, first, strict=True)), dict(zip(grads, second, strict=True))


@dataclass(frozen=True)
class SgdState:
    """Parameters under gradient descent, and their velocity if they have momentum."""

    params: Params
    velocity: Params = field(default_factory=dict)

    @classmethod
    def start(cls, params: Params) -> SgdState:
        return cls(params)

    @torch.no_grad()
    def update(self, grads: Params, rules: float | Rules) -> SgdState:
        """Return the state after one step; this one is left as it was."""
        params = {name: p.clone() for name, p in self.params.items()}
        velocity: Params = {}
        for rule, names in groups(params, rules):
            speeds = [self.velocity[n].clone() if n in self.velocity else None for n in names]
            sgd(
                [params[name] for name in names],
                [grads[name] for name in names],
                speeds,
                weight_decay=rule.weight_decay,
                momentum=rule.momentum,
                lr=rule.lr,
                dampening=0.0,
                nesterov=False,
                maximize=False,
            )
            velocity |= {n: v for n, v in zip(names, speeds, strict=True) if v is not None}
        return SgdState(params, velocity)


def rule_for(name: str, rules: float | Rules) -> Rule:
    return rules[name] if isinstance(rules, Mapping) else Rule(rules)


def groups(params: Params, rules: float | Rules) -> Iterator[tuple[Rule, list[str]]]:
    """Yield every rule with the names of the parameters that are under it."""
    under: dict[Rule, list[str]] = {}
    for name in params:
        under.setdefault(rule_for(name, rules), []).append(name)
    yield from under.items()

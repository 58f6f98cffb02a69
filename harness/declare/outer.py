"""Optimizers as pure functions, by the very kernels that torch.optim calls: Adam and plain SGD."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor
from torch.optim.adam import adam

Params = dict[str, Tensor]


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

    @torch.no_grad()
    def update(self, grads: Params, lr: float) -> AdamState:
        """Return the state after one step of Adam; this one is left as it was."""
        copies = [
            {name: value.clone() for name, value in part.items()}
            for part in (self.params, self.first, self.second, self.steps)
        ]
        params, first, second, steps = copies
        adam(
            list(params.values()),
            [grads[name] for name in params],
            list(first.values()),
            list(second.values()),
            [],
            list(steps.values()),
            amsgrad=False,
            beta1=0.9,
            beta2=0.999,
            lr=lr,
            weight_decay=0.0,
            eps=1e-8,
            maximize=False,
        )
        return AdamState(params, first, second, steps)


@dataclass(frozen=True)
class SgdState:
    """Parameters under gradient descent, which remembers nothing else."""

    params: Params

    @classmethod
    def start(cls, params: Params) -> SgdState:
        return cls(params)

    @torch.no_grad()
    def update(self, grads: Params, lr: float) -> SgdState:
        """Return the state after one step; this one is left as it was."""
        return SgdState(
            {name: torch.add(p, grads[name], alpha=-lr) for name, p in self.params.items()}
        )

"""The outer optimizer as a pure function: Adam, by the very kernel that torch.optim.Adam calls."""

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

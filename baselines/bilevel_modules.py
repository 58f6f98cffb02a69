"""A bilevel workload's networks and base optimizer as torch's own objects, which peers work on."""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import nn

from harness.declare.learner import Params
from harness.declare.outer import groups
from suites.bilevel import Bilevel


def empty_module(make: Callable[[], nn.Module], workload: Bilevel) -> nn.Module:
    """Return a module with memory for weights but nothing in it yet."""
    place = workload.place
    with torch.device("meta"):
        module = make()
    return module.to(place.torch_dtype).to_empty(device=place.device)


def base_optimizer(workload: Bilevel, params: Params) -> torch.optim.Optimizer:
    of_descent = workload.base_optimizer == "sgd"
    by_rule = [
        {
            "params": [params[name] for name in names],
            "lr": rule.lr,
            "weight_decay": rule.weight_decay,
            **(
                {"momentum": rule.momentum}
                if of_descent
                else {"decoupled_weight_decay": rule.decoupled}
            ),
        }
        for rule, names in groups(params, {name: workload.base_rule(name) for name in params})
    ]
    kind = torch.optim.SGD if of_descent else torch.optim.Adam
    return kind(by_rule, lr=workload.base_lr)

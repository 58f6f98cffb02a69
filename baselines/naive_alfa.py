"""What ALFA is defined as: one function of all meta-parameters, differentiated by torch.func.

Written from the equations in methods/alfa.py with none of its code: means, rates and decays are
found layer by layer, the generator's two products are sums.
"""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor
from torch.func import grad, grad_and_value

from harness.declare.learner import Gradient, Params
from harness.declare.outer import AdamState
from suites.fewshot import FewShot, Tasks


def gradient(learner: Any, state: AdamState, batch: Tasks) -> Gradient:
    workload: FewShot = learner.workload
    fixed = dict(workload.skeleton.named_parameters()) if learner.initial == "random" else {}

    def mean_loss(params: Params) -> Tensor:
        params = {n: p.detach() if n in fixed else p for n, p in params.items()}
        total = torch.zeros_like(batch.query_x.flatten()[0])
        for task in batch:
            outputs = workload.outputs(_adapted(learner, params, task), task.query_x)
            total = total + workload.loss(outputs, task.query_y) / len(batch)
        return total

    grads, loss = grad_and_value(mean_loss)(state.params)
    return Gradient(loss, grads)


def adaptations(learner: Any, state: AdamState, batch: Tasks) -> list[Params]:
    return [_adapted(learner, state.params, task) for task in batch]


def _adapted(learner: Any, params: Params, task: Tasks) -> Params:
    workload: FewShot = learner.workload
    layers = [name for name, _ in workload.skeleton.named_parameters()]
    theta = {name: params[name] for name in layers}

    def support_loss(theta: Params) -> Tensor:
        return workload.loss(workload.outputs(theta, task.support_x), task.support_y)

    for k in range(workload.inner_steps):
        g = grad(support_loss)(theta)
        tau = [theta[name].sum() / theta[name].numel() for name in layers]
        tau += [g[name].detach().sum() / g[name].numel() for name in layers]
        hidden = [value.clamp(min=0) for value in _layer(params, "first", tau)]
        made = _layer(params, "second", hidden)
        if workload.first_order:
            g = {name: slope.detach() for name, slope in g.items()}
        after = {}
        for number, name in enumerate(layers):
            rate = made[number] * params[f"rates.{name}"][k]
            kept = made[len(layers) + number] * params[f"decays.{name}"][k]
            if learner.initial == "random":
                kept = kept * params[f"entry_decays.{name}"]
            after[name] = theta[name] - kept * theta[name] - rate * g[name]
        theta = after
    return theta


def _layer(params: Params, layer: str, inputs: list[Tensor]) -> list[Tensor]:
    weight, bias = params[f"generator.{layer}.weight"], params[f"generator.{layer}.bias"]
    return list((weight * torch.stack(inputs)).sum(1) + bias)

"""What gradient sharing is defined as: one graph through all tasks and steps, in plain PyTorch.

Written from the equations in methods/gradient_sharing.py with none of its code: one task after
another, parameters by their names, every derivative by autograd, one process.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor

from baselines.flat import shaped
from harness.declare.learner import Gradient, Params
from suites.fewshot import FewShot, Tasks


def gradient(learner: Any, state: Any, batch: Tasks) -> Gradient:
    """Return the meta-gradient by the network's parameters and by those behind l and m."""
    return gradient_and_means(learner, state, batch)[0]


def gradient_and_means(learner: Any, state: Any, batch: Tasks) -> tuple[Gradient, list[Params]]:
    """Return with it the mean of the tasks' gradients in every inner step."""
    workload: FewShot = learner.workload
    params = {name: p.detach().requires_grad_() for name, p in state.params.items()}
    theta = {name: p for name, p in params.items() if not name.startswith("scale.")}
    tasks, thetas, means = list(batch), [theta] * len(batch), []
    for k in range(workload.inner_steps):
        slopes = [_slope(workload, p, task) for p, task in zip(thetas, tasks, strict=True)]
        means.append({n: _mean([g[n] for g in slopes]).detach() for n in theta})
        stepped = []
        for i in range(len(tasks)):
            concurrent = [g for j, g in enumerate(slopes) if j != i or learner.mean == "batch"]
            met = concurrent if learner.sources != "memory" else []
            mixed = _mixed(learner, params, state, k, slopes[i], met)
            stepped.append({n: p - workload.inner_lr * mixed[n] for n, p in thetas[i].items()})
        thetas = stepped
    losses = [
        workload.loss(workload.outputs(p, task.query_x), task.query_y)
        for p, task in zip(thetas, tasks, strict=True)
    ]
    loss = _mean(losses)
    found = torch.autograd.grad(
        loss, list(params.values()), allow_unused=True, materialize_grads=True
    )
    return Gradient(loss.detach(), dict(zip(params, found, strict=True))), means


def adaptations(learner: Any, state: Any, batch: Tasks) -> list[Params]:
    """Return what every task's parameters are after its inner steps on its own."""
    workload: FewShot = learner.workload
    adapted = []
    for task in batch:
        theta = {n: p for n, p in state.params.items() if not n.startswith("scale.")}
        for k in range(workload.inner_steps):
            theta = {n: p.detach().requires_grad_() for n, p in theta.items()}
            mixed = _slope(workload, theta, task)
            if learner.at_test == "memory":
                mixed = _mixed(learner, state.params, state, k, mixed, [])
            elif learner.at_test == "damped" and learner.mixing == "convex":
                mixed = _damped(learner, state.params, k, mixed)
            theta = {n: (p - workload.inner_lr * mixed[n]).detach() for n, p in theta.items()}
        adapted.append(theta)
    return adapted


def _slope(workload: FewShot, theta: Params, task: Tasks) -> Params:
    loss = workload.loss(workload.outputs(theta, task.support_x), task.support_y)
    slopes = torch.autograd.grad(loss, list(theta.values()), create_graph=not workload.first_order)
    return dict(zip(theta, slopes, strict=True))


def _mixed(
    learner: Any, params: Params, state: Any, k: int, own: Params, concurrent: Sequence[Params]
) -> Params:
    """Return u of one task."""
    layers = list(dict.fromkeys(_layer(learner, name) for name in own))
    mixed = {}
    for name, g in own.items():
        layer = layers.index(_layer(learner, name))
        weight = _scale(learner, params, "weight", k, layer)
        sources = []
        if concurrent:
            c = _mean([other[name] for other in concurrent])
            sources.append(c.detach() if learner.detached else c)
        if state.met > 0 and learner.sources != "concurrent":
            sources.append(shaped(state.memory[k], own)[name])
        if len(sources) == 2:
            part = _scale(learner, params, "concurrent", k, layer)
            shared = part * sources[0] + (1 - part) * sources[1]
        elif sources:
            shared = sources[0]
        else:
            weight, shared = 0.0, g
        mixed[name] = ((1 - weight) * g if learner.mixing == "convex" else g) + weight * shared
    return mixed


def _damped(learner: Any, params: Params, k: int, own: Params) -> Params:
    layers = list(dict.fromkeys(_layer(learner, name) for name in own))
    return {
        name: (1 - _scale(learner, params, "weight", k, layers.index(_layer(learner, name)))) * g
        for name, g in own.items()
    }


def _scale(learner: Any, params: Params, name: str, k: int, layer: int) -> Any:
    if not learner.learned:
        return getattr(learner, name)
    return 1 / (1 + torch.exp(-params[f"scale.{name}"][k, layer]))


def _layer(learner: Any, name: str) -> str:
    return ".".join(name.split(".")[:-1]) if learner.scale == "step_and_layer" else "all"


def _mean(tensors: Sequence[Tensor]) -> Tensor:
    return sum(tensors[1:], tensors[0]) / len(tensors)

"""What B-SMALL is defined as: one function of means and spreads, differentiated by torch.func.

Written from the equations in methods/b_small.py with none of its code. The noise of a task's looks
is drawn in advance, weight after weight; the divergence is written with exponentials.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor
from torch.func import grad, grad_and_value

from harness.declare.learner import Gradient, Params
from harness.declare.outer import AdamState
from harness.seeds import derive
from suites.fewshot import FewShot, Tasks


def gradient(learner: Any, state: Any, batch: Tasks) -> Gradient:
    workload: FewShot = learner.workload
    looks = workload.inner_steps + 1

    def mean_loss(phi: Params) -> Tensor:
        losses = []
        for place, task in enumerate(batch):
            generator = torch.Generator().manual_seed(derive(state.seed, state.taken, place))
            noise = [_noise(learner, state.params, generator) for _ in range(looks)]
            after = _moved(learner, phi, task, noise[:-1])
            losses.append(_loss(learner, after, task.query_x, task.query_y, noise[-1]))
        return torch.stack(losses).mean()

    grads, loss = grad_and_value(mean_loss)(state.params)
    return Gradient(loss, grads)


def adaptations(learner: Any, state: AdamState, batch: Tasks) -> list[Params]:
    found = []
    for task in batch:
        phi = _moved(learner, state.params, task, [{}] * learner.workload.inner_steps)
        weights = {name: p for name, p in phi.items() if not name.startswith("spread.")}
        for name, mean in weights.items():
            if f"spread.{name}" in phi:
                kept = _ratio(mean, phi[f"spread.{name}"]).log() <= learner.threshold
                weights[name] = torch.where(kept, mean, torch.zeros_like(mean))
        found.append(weights)
    return found


def _noise(learner: Any, params: Params, generator: torch.Generator) -> Params:
    return {
        name: torch.randn(p.shape, generator=generator).to(p)
        for name, p in params.items()
        if f"spread.{name}" in params
    }


def _moved(learner: Any, phi: Params, task: Tasks, noise: Sequence[Params]) -> Params:
    workload: FewShot = learner.workload
    for drawn in noise:

        def loss(phi: Params, drawn: Params = drawn) -> Tensor:
            return _loss(learner, phi, task.support_x, task.support_y, drawn)

        slopes = grad(loss)(phi)
        if workload.first_order:
            slopes = {name: slope.detach() for name, slope in slopes.items()}
        phi = {name: p - workload.inner_lr * slopes[name] for name, p in phi.items()}
    return phi


def _loss(learner: Any, phi: Params, x: Tensor, y: Tensor, noise: Params) -> Tensor:
    workload: FewShot = learner.workload
    weights, divergence = {}, x.new_zeros(())
    for name, mean in phi.items():
        if name.startswith("spread."):
            continue
        weights[name] = mean
        if f"spread.{name}" in phi:
            deviation = phi[f"spread.{name}"].exp()
            if noise:
                weights[name] = mean + deviation * noise[name]
            ratio = _ratio(mean, phi[f"spread.{name}"])
            gate = 1 / (1 + (-1.87320 - 1.48695 * ratio.log()).exp())
            divergence = divergence + (0.63576 * (1 - gate) + 0.5 * (1 + 1 / ratio).log()).sum()
    loss = workload.loss(workload.outputs(weights, x), y)
    return loss + divergence * float(learner.prior_weight)


def _ratio(mean: Tensor, spread: Tensor) -> Tensor:
    """Return the variance over the squared mean."""
    ratio: Tensor = (spread.exp() / (mean.abs() + 1e-8)) ** 2
    return ratio

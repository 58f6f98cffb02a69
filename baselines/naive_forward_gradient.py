"""What forward gradients are defined as: slopes by backpropagation, seen along given directions.

Written from the equations in methods/local_forward_gradient.py with none of its code but what
directions are drawn from: sample by sample, example by example, of a part's own loss.
"""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor

from harness.declare.learner import Gradient, Params
from suites.fewshot import Tasks

LOCAL = "local."


def gradient(learner: Any, state: Any, batch: Tasks) -> Gradient:
    """Return the mean loss of the adapted parameters, and the mean of the estimates there."""
    losses, every = [], []
    for number, task in enumerate(batch):
        draws = learner.draws(state, "training", state.taken, number)
        params = _adapted(learner, state.params, task, draws)
        slopes = _slopes(learner, params, task.query_x, task.query_y, draws.next())
        network = _network(params)
        losses.append(
            learner.workload.loss(learner.workload.outputs(network, task.query_x), task.query_y)
        )
        every.append(slopes)
    means = {name: torch.stack([each[name] for each in every]).mean(0) for name in state.params}
    return Gradient(torch.stack(losses).mean(), means)


def adaptations(learner: Any, state: Any, batch: Tasks) -> list[Params]:
    """What `adapt` must return."""
    return [
        _adapted(learner, state.params, task, learner.draws(state, "held out")) for task in batch
    ]


def _adapted(learner: Any, params: Params, task: Tasks, draws: Any) -> Params:
    for _ in range(learner.workload.inner_steps):
        slopes = _slopes(learner, params, task.support_x, task.support_y, draws.next())
        params = {name: p - learner.workload.inner_lr * slopes[name] for name, p in params.items()}
    return params


def _slopes(
    learner: Any, params: Params, x: Tensor, y: Tensor, generator: torch.Generator
) -> Params:
    workload, leaves = learner.workload, {n: p.detach().requires_grad_() for n, p in params.items()}
    network = _network(leaves)
    slopes: Params = {}
    samples, last, z = 4**learner.log4_samples, len(learner.stages) - 1, x
    for part in learner.parts:
        z, outputs = z.detach(), []
        for stage in part:
            z = workload.stretch(network, z, stage, stage + 1)
            outputs.append(z)
        answers = z
        if part[-1] < last:
            names = [f"{LOCAL}{part[-1]}.{kind}" for kind in ("weight", "bias")]
            weight, bias = (leaves[name] for name in names)
            answers = z.flatten(1) @ weight.T + bias
            found = torch.autograd.grad(
                workload.loss(answers, y), (weight, bias), retain_graph=True
            )
            slopes |= dict(zip(names, found, strict=True))
        directions = [
            torch.randn((samples, *z.shape), generator=generator, dtype=torch.float64).to(x)
            for z in outputs
        ]
        estimates = [torch.zeros_like(z) for z in outputs]
        for i in range(len(x)):
            loss = workload.loss(answers[i : i + 1], y[i : i + 1])
            exact = torch.autograd.grad(loss, outputs, retain_graph=True)
            for s in range(samples):
                parts = [(g[i] * v[s, i]).sum() for g, v in zip(exact, directions, strict=True)]
                for estimate, v in zip(estimates, directions, strict=True):
                    estimate[i] += sum(parts) * v[s, i] / samples
        for stage, output, estimate in zip(part, outputs, estimates, strict=True):
            own = {n: p for n, p in leaves.items() if n.startswith(f"{learner.stages[stage]}.")}
            found = torch.autograd.grad(
                output, list(own.values()), estimate / len(x), retain_graph=True
            )
            slopes |= dict(zip(own, found, strict=True))
    return slopes


def _network(params: Params) -> Params:
    return {name: p for name, p in params.items() if not name.startswith(LOCAL)}

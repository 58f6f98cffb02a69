"""What MOML is defined as: a loss with its value at the memory and its slope by the weights.

Written from the equations in methods/moml.py with none of its code. Where U_ is U(theta) taken as
given, Q(u + U(theta) - U_) has its value at u, and (dU/dtheta)^T dQ/du (u) for its gradient.
"""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor
from torch.func import grad_and_value

from baselines.flat import shaped
from baselines.naive_slopes import support_slopes
from harness.declare.learner import Gradient, Params
from suites.fewshot import FewShot, Tasks


def gradient(learner: Any, state: Any, batch: Tasks) -> Gradient:
    workload: FewShot = learner.workload
    remembered = memories(learner, state, batch)

    def mean_loss(theta: Params) -> Tensor:
        losses = []
        for task, memory in zip(batch, remembered, strict=True):
            moved = _adapted(workload, theta, task)
            there = {name: memory[name] + p - p.detach() for name, p in moved.items()}
            losses.append(workload.loss(workload.outputs(there, task.query_x), task.query_y))
        return torch.stack(losses).mean()

    grads, loss = grad_and_value(mean_loss)(state.params)
    return Gradient(loss, grads)


def memories(learner: Any, state: Any, batch: Tasks) -> list[Params]:
    """Return what the batch's tasks remember once they are met."""
    workload: Any = learner.workload
    found = []
    for place, task in enumerate(batch):
        number = (state.taken * workload.meta_batch + place) % workload.task_set
        moved = _adapted(workload, state.params, task)
        if state.met[number]:
            before, b = shaped(state.memory[number], moved), learner.rate
            moved = {name: (1 - b) * before[name] + b * p for name, p in moved.items()}
        found.append({name: p.detach() for name, p in moved.items()})
    return found


def _adapted(workload: FewShot, theta: Params, task: Tasks) -> Params:
    for _ in range(workload.inner_steps):
        slopes = support_slopes(workload, theta, task)
        theta = {name: p - workload.inner_lr * slopes[name] for name, p in theta.items()}
    return theta

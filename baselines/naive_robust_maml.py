"""What Robust MAML is defined as: every draw from the buffer on its own, derivatives by torch.func.

Written from the equations in methods/robust_maml.py with none of its code. A draw without
replacement takes one task after another, each as likely as its weight among those that are left.
Of independent exponential clocks that run at these weights, the first to ring is such a draw, and
the next one is among the others, so that the clocks' order is the draws'.
"""

from __future__ import annotations

from typing import Any

import torch
from torch.func import grad_and_value

from baselines.naive_slopes import support_slopes
from harness.declare.learner import Gradient, Params
from harness.declare.outer import AdamState
from harness.seeds import derive
from suites.fewshot import FewShot, Tasks


def gradient(learner: Any, state: Any, batch: Tasks) -> Gradient:
    workload: FewShot = learner.workload
    tasks = met(learner, state, batch)

    def mean_loss(params: Params) -> torch.Tensor:
        losses = [
            workload.loss(workload.outputs(_adapted(workload, params, t), t.query_x), t.query_y)
            for t in tasks
        ]
        return torch.stack(losses).sum() / len(losses)

    grads, loss = grad_and_value(mean_loss)(state.params)
    return Gradient(loss, grads)


def adaptations(learner: Any, state: AdamState, batch: Tasks) -> list[Params]:
    return [_adapted(learner.workload, state.params, task) for task in batch]


def met(learner: Any, state: Any, batch: Tasks) -> list[Tasks]:
    """Return the tasks that a step is taken on."""
    held = [] if state.buffer is None else list(state.buffer.tasks)
    generator = torch.Generator().manual_seed(derive(state.seed, "replay", state.taken))
    rings = torch.empty(len(held)).exponential_(generator=generator).tolist()
    hard = [] if state.buffer is None else state.buffer.priorities.tolist()
    weights = [max(priority, 1e-30) ** learner.sharpness for priority in hard]
    first = sorted(range(len(held)), key=lambda i: rings[i] / weights[i])
    again = first[: int(len(batch) * learner.replayed)]
    return list(batch)[: len(batch) - len(again)] + [held[i] for i in again]


def _adapted(workload: FewShot, params: Params, task: Tasks) -> Params:
    theta = {name: p for name, p in params.items() if name != "rate"}

    for _ in range(workload.inner_steps):
        slopes = support_slopes(workload, theta, task)
        theta = {name: p - params["rate"] * slopes[name] for name, p in theta.items()}
    return theta

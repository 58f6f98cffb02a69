"""MAMF: first-order multitask fine-tuning, the control that a claim of meta-learning needs.

Wang et al., "Rethinking Task Sampling for Few-shot Vision-Language Transfer Learning" (arXiv
2203.04904). Model-agnostic multitask fine-tuning has no bi-level optimization: it differs from
plain fine-tuning by sampling many tasks alone. With D_i the examples of task i = 1..B and L its
loss:

    training     gradient = mean over tasks of dL/dtheta (theta; D_i)
    a new task   theta_i  = theta_i - alpha * dS_i/dtheta (theta_i)      inner_steps times, as MAML

What is known: the abstract, and the authors' code, which fine-tunes on one task after another, each
in steps of its own, and then fine-tunes on a held-out task's support set. What is ours: a step
takes the mean gradient of a meta-batch, so that both members of a pair see as many tasks in a step.

MAML's learner sees support and query set of a task, so here `examples` "all" joins the two. On
"query" alone the gradient is that of MAML without inner steps.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar, Literal

import torch
from torch import Tensor
from torch.func import grad_and_value

from baselines.reference_maml import ReferenceMaml
from harness.declare.equivalence import Approximate, Equivalence
from harness.declare.learner import Gradient, Params
from harness.declare.outer import AdamState
from harness.registry import method
from suites.fewshot import FewShot, Tasks


@method("mamf")
@dataclass(frozen=True)
class Mamf(ReferenceMaml):
    """Fine-tuning on many tasks at once, without adaptation in training: the control."""

    examples: Literal["all", "query"] = "all"
    """Which of a task's examples it is trained on."""

    equivalence: ClassVar[Equivalence] = Approximate("naive_gradient")
    corners: ClassVar[tuple[dict[str, Any], ...]] = (
        {"examples": "query", "workload.inner_steps": 0},
    )

    def _query_loss(self, params: Params, task: Tasks) -> Tensor:
        """Return the loss that is trained on: of a task's examples, before any adaptation."""
        x, y = task.query_x, task.query_y
        if self.examples == "all":
            x, y = torch.cat([task.support_x, x]), torch.cat([task.support_y, y])
        return self.workload.loss(self.workload.outputs(params, x), y)


def naive_gradient(learner: Any, state: AdamState, batch: Tasks) -> Gradient:
    """The definition as one function of the parameters, differentiated by torch.func."""
    workload: FewShot = learner.workload

    def mean_loss(params: Params) -> Tensor:
        total = torch.zeros((), dtype=batch.query_x.dtype, device=batch.query_x.device)
        for sx, sy, qx, qy in zip(
            batch.support_x, batch.support_y, batch.query_x, batch.query_y, strict=True
        ):
            both = learner.examples == "all"
            x, y = (torch.cat([sx, qx]), torch.cat([sy, qy])) if both else (qx, qy)
            total = total + workload.loss(workload.outputs(params, x), y) / len(batch)
        return total

    grads, loss = grad_and_value(mean_loss)(state.params)
    return Gradient(loss, grads)

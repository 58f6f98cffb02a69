"""Meta-SGD: MAML with a learned rate for every parameter. The control that learns rates alone.

Li, Zhou, Chen and Li, "Meta-SGD: Learning to Learn Quickly for Few-Shot Learning" (arXiv
1707.09835). With rates alpha in theta's shape, all of them inner_lr in the beginning:

    theta_i  = theta_i - alpha * dS_i/dtheta (theta_i)     entry by entry, inner_steps times
    gradient = d/d(theta, alpha) of the mean over tasks of Q_i(theta_i)

Adam moves alpha along with theta, both at outer_lr. A rate may become negative, as published.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar

import torch
from torch import Tensor
from torch.func import grad_and_value

from baselines.maml import MamlLearner
from baselines.naive_slopes import support_slopes
from baselines.reference_maml import ReferenceMaml
from harness.declare.equivalence import Approximate, Equivalence
from harness.declare.learner import Gradient, Params
from harness.declare.outer import AdamState
from harness.registry import baseline
from suites.fewshot import FewShot, Tasks

RATE = "rate."  # begins the name of a parameter's rate, before that of the parameter


@dataclass(frozen=True)
class MetaSgdLearner(MamlLearner):
    """What implementations of Meta-SGD share: a state that has a rate for every parameter."""

    equivalence: ClassVar[Equivalence] = Approximate(
        "baselines.meta_sgd:naive_gradient", adaptation="baselines.meta_sgd:naive_adaptations"
    )

    def __post_init__(self) -> None:
        if self.workload.inner_steps < 1:
            raise ValueError(
                f"inner_steps = {self.workload.inner_steps}: learning rates needs at least one "
                "inner step. Use 1 or more"
            )

    def init(self, seed: int) -> AdamState:
        theta, lr = self.workload.initial(seed), self.workload.inner_lr
        return AdamState.start(theta | {RATE + n: torch.full_like(p, lr) for n, p in theta.items()})


@baseline("meta_sgd")
@dataclass(frozen=True)
class MetaSgd(MetaSgdLearner, ReferenceMaml):
    """Meta-SGD (Li et al. 2017) in plain PyTorch, one task after another."""

    def _adapted(self, params: Params, task: Tasks, keep_graph: bool) -> Params:
        """theta <- theta - alpha * dL_support/dtheta, inner_steps times."""
        theta, rates = parted(params)
        for _ in range(self.workload.inner_steps):
            outputs = self.workload.outputs(theta, task.support_x)
            loss = self.workload.loss(outputs, task.support_y)
            grads = torch.autograd.grad(loss, list(theta.values()), create_graph=keep_graph)
            theta = {
                name: p - rates[name] * g for (name, p), g in zip(theta.items(), grads, strict=True)
            }
        return theta


def parted(params: Params) -> tuple[Params, Params]:
    """Return the network's parameters among a state's, and their rates by the same names."""
    theta = {name: p for name, p in params.items() if not name.startswith(RATE)}
    return theta, {name: params[RATE + name] for name in theta}


def naive_gradient(learner: Any, state: AdamState, batch: Tasks) -> Gradient:
    """The definition as one function of all meta-parameters, differentiated by torch.func."""
    workload: FewShot = learner.workload

    def mean_loss(params: Params) -> Tensor:
        return torch.stack(
            [
                workload.loss(workload.outputs(_adapted(workload, params, t), t.query_x), t.query_y)
                for t in batch
            ]
        ).mean()

    grads, loss = grad_and_value(mean_loss)(state.params)
    return Gradient(loss, grads)


def naive_adaptations(learner: Any, state: AdamState, batch: Tasks) -> list[Params]:
    """What `adapt` must return."""
    return [_adapted(learner.workload, state.params, task) for task in batch]


def _adapted(workload: FewShot, params: Params, task: Tasks) -> Params:
    theta, rates = parted(params)

    for _ in range(workload.inner_steps):
        slopes = support_slopes(workload, theta, task)
        theta = {name: p - rates[name] * slopes[name] for name, p in theta.items()}
    return theta

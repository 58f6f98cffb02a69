"""Multi-task modification with SPSA: task weights that are tuned by random perturbation.

Boiarov, Khabarlak and Yastrebov, "Simultaneous Perturbation Method for Multi-Task Weight
Optimization in One-Shot Meta-Learning" (arXiv 2110.13188). The tasks of a meta-batch share one
loss, with a weight for each place j = 1..B in the batch and Q_j the query loss after MAML's steps:

    L(theta, w) = mean over j of Q_j / w_j^2 + log w_j^2
    theta       = Adam(theta, dL/dtheta)
    s_j         = +1 or -1, each with probability 1/2
    w_j         = w_j - a s_j [L(theta, w + b s) - L(theta, w - b s)] / 2b

Known, from the paper and its authors' public code: the loss, the perturbation, that one batch
serves both looks at L, and so that weights cost no pass of the network. Theirs start at 1/B, where
dL/dtheta is B^2 times MAML's; Adam does not see that. Ours start at 1, where it is MAML's.

Open, and how each choice is set. The gains a and b, which may fall over time: `weight_lr` and
`reach`, constant. Their SPSA-Tracking, where weights also agree with their neighbours', is left
out. Held-out tasks have no weights: adaptation is MAML's.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any, ClassVar

import torch
from torch import Tensor
from torch.func import grad_and_value

from baselines.naive_slopes import support_slopes
from baselines.reference_maml import ReferenceMaml
from harness.declare.equivalence import Approximate, Equivalence
from harness.declare.learner import Gradient, Params
from harness.declare.outer import AdamState
from harness.errors import UsageError
from harness.registry import method
from harness.seeds import derive
from suites.fewshot import Tasks

WEIGHTS = "task_weights"


@dataclass(frozen=True)
class WeightedState(AdamState):
    """The network's parameters under Adam, and w."""

    weights: Tensor
    """w of every place in the meta-batch."""
    seed: int
    """What perturbations are drawn from, with the number of the meta-step."""


@method("multitask_spsa")
@dataclass(frozen=True)
class MultitaskSpsa(ReferenceMaml):
    """MAML with a weight for each task of a meta-batch, tuned by two-sided random perturbation."""

    weight_lr: float = 0.01
    """a, the rate of the weights; 0 leaves all of them at 1."""
    reach: float = 0.01
    """b, how far weights are perturbed to either side."""

    equivalence: ClassVar[Equivalence] = Approximate("naive_gradient")
    corners: ClassVar[tuple[dict[str, Any], ...]] = ({"weight_lr": 0.0},)

    def __post_init__(self) -> None:
        if self.weight_lr < 0:
            raise ValueError(f"weight_lr = {self.weight_lr} must not be negative")
        if not 0 < self.reach < 1:
            raise ValueError(f"reach = {self.reach} must be above 0 and below 1")

    def init(self, seed: int) -> WeightedState:
        place = self.workload.place
        ones = torch.ones(self.workload.meta_batch, dtype=place.torch_dtype, device=place.device)
        return WeightedState(**vars(super().init(seed)), weights=ones, seed=seed)

    def step(self, state: AdamState, batch: Tasks) -> tuple[WeightedState, Tensor]:
        loss, grads = self.meta_gradient(state, batch)
        before = _whole(state)
        slope = grads.pop(WEIGHTS, torch.zeros_like(before.weights))
        after = state.update(grads, self.workload.outer_rate(state.taken))
        weights = before.weights - self.weight_lr * slope
        return WeightedState(**vars(after), weights=weights, seed=before.seed), loss

    def meta_gradient(self, state: AdamState, batch: Tasks) -> Gradient:
        """Return dL/dtheta, and the estimated slope of L by the weights if they are tuned."""
        weights = _whole(state).weights
        params = {name: p.detach().requires_grad_() for name, p in state.params.items()}
        losses = torch.stack([self._query_loss(params, task) for task in batch])
        loss = _common(losses, weights)
        found = torch.autograd.grad(loss, list(params.values()))
        grads = dict(zip(params, found, strict=True))
        if self.weight_lr:
            grads[WEIGHTS] = self._slope(losses.detach(), weights, signs(_whole(state)))
        return Gradient(loss.detach(), grads)

    def watched(self, state: AdamState) -> dict[str, float]:
        weights = _whole(state).weights
        return {"smallest weight": float(weights.min()), "largest weight": float(weights.max())}

    def _slope(self, losses: Tensor, weights: Tensor, s: Tensor) -> Tensor:
        """Estimate dL/dw from a look at L to either side."""
        step = self.reach * s
        rise = _common(losses, weights + step) - _common(losses, weights - step)
        return s * rise / (2 * self.reach)


def signs(state: WeightedState) -> Tensor:
    """Return s of the state's next meta-step."""
    generator = torch.Generator().manual_seed(derive(state.seed, "perturbation", state.taken))
    heads = torch.randint(2, state.weights.shape, generator=generator)
    return (2 * heads - 1).to(state.weights)


def _common(losses: Tensor, weights: Tensor) -> Tensor:
    """Return L: the tasks' losses in one."""
    squared = weights**2
    return (losses / squared + squared.log()).mean()


def _whole(state: AdamState) -> WeightedState:
    if not isinstance(state, WeightedState):
        raise UsageError(
            "multitask_spsa was given parameters without the weights of their training. Give the "
            "state that `init` or `step` returned."
        )
    return state


def naive_gradient(learner: MultitaskSpsa, state: WeightedState, batch: Tasks) -> Gradient:
    """The definition: each task's gradient apart, and both looks at L in plain numbers."""
    workload, weights = learner.workload, state.weights.tolist()

    def query_loss(theta: Params, task: Tasks) -> Tensor:
        for _ in range(workload.inner_steps):
            slopes = support_slopes(workload, theta, task)
            theta = {name: p - workload.inner_lr * slopes[name] for name, p in theta.items()}
        return workload.loss(workload.outputs(theta, task.query_x), task.query_y)

    each = [grad_and_value(query_loss)(state.params, task) for task in batch]
    losses = [float(loss) for _, loss in each]

    def common(weights: list[float]) -> float:
        terms = [q / w**2 + math.log(w**2) for q, w in zip(losses, weights, strict=True)]
        return sum(terms) / len(terms)

    found: Params = {
        name: sum(g[name] / w**2 for (g, _), w in zip(each, weights, strict=True)) / len(each)
        for name in state.params
    }
    if learner.weight_lr:
        s, b = signs(state).tolist(), learner.reach
        above = common([w + b * sign for w, sign in zip(weights, s, strict=True)])
        below = common([w - b * sign for w, sign in zip(weights, s, strict=True)])
        found[WEIGHTS] = state.weights.new_tensor([(above - below) / (2 * b * sign) for sign in s])
    return Gradient(state.weights.new_tensor(common(weights)), found)

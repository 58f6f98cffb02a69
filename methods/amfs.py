"""AMFS: adaptation as one closed-form step in function space, and task weights in the outer loop.

Reconstructed from the abstract of Park and Kang, "Fast Adaptation with Kernel and Gradient based
Meta Learning" (arXiv 2411.00404), which says that the inner loop's problem is set in function space
and solved in closed form, and that the outer loop weights the losses of a meta-batch's tasks. With
X, Y the n support examples of task i, f the network and h the inputs of its last layer, of size d:

    k(x, x') = e^(-|h(x) - h(x')|^2 / 2 s^2 d)
    f_i      = argmin over g of sum |g(X) - Y|^2 + ridge |g - f|^2        the norm being that of k
             = f(x) + k(x, X) (k(X, X) + ridge)^-1 (Y - f(X))
    g_i      = d/dtheta of the squared loss Q_i of f_i on the query set
    w        = softmax over tasks of cos(g_i, mean_j g_j) / T
    gradient = sum w_i g_i

so that tasks which agree with the others weigh more. No derivative of a derivative is needed.

All that is open, and how each choice is set. The kernel's width s and what it is of: `width`, and
the last layer's inputs. The trust in f: `ridge`. What decides weights, here the agreement of
gradients: `temperature`, T, which leaves all alike where `weighted` is not set. Classes are learned
as regression, by codes with a mean of 0. Each algorithm stands alone too: with `inner` "steps"
tasks take MAML's inner steps on the workload's own loss.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import cached_property
from typing import Any, ClassVar, Literal

import torch
from torch import Tensor
from torch.func import grad_and_value

from baselines.flat import flat, shaped
from baselines.reference_maml import ReferenceMaml
from harness.declare.equivalence import Approximate, Equivalence
from harness.declare.learner import Gradient, Params
from harness.declare.outer import AdamState
from harness.declare.tree import rows
from harness.errors import UsageError
from harness.registry import method
from methods.function_space import squared_loss, targets
from suites.fewshot import Tasks
from suites.models import Stage, Staged

CENTRES, HEIGHTS = "kernel.centres", "kernel.heights"


@method("amfs")
@dataclass(frozen=True)
class Amfs(ReferenceMaml):
    """Adaptation by kernel ridge regression around the network; tasks weigh as they agree."""

    inner: Literal["closed_form", "steps"] = "closed_form"
    """How tasks are adapted to: in function space, or by MAML's inner steps."""
    width: float = 1.0
    """s, in the root mean square of a coordinate's differences."""
    ridge: float = 0.01
    """How much the adapted function is held to the network's."""
    weighted: bool = True
    """Whether tasks weigh in the outer loop as their gradients agree with the mean."""
    temperature: float = 1.0
    """T: the lower, the more the weights differ."""

    equivalence: ClassVar[Equivalence] = Approximate(
        "naive_gradient", adaptation="naive_adaptations"
    )
    corners: ClassVar[tuple[dict[str, Any], ...]] = ({"inner": "steps", "weighted": False},)
    origin: ClassVar[str] = "reconstructed"

    def __post_init__(self) -> None:
        for name in ("width", "ridge", "temperature"):
            if getattr(self, name) <= 0:
                raise ValueError(f"{name} = {getattr(self, name)} must be above 0")
        _ = self._last  # so that a network without stages is refused at once

    def meta_gradient(self, state: AdamState, batch: Tasks) -> Gradient:
        params = {name: p.detach().requires_grad_() for name, p in state.params.items()}
        losses, slopes = [], []
        for task in batch:
            loss = self._query_loss(params, task)
            found = torch.autograd.grad(loss, list(params.values()))
            losses.append(loss.detach())
            slopes.append(flat(dict(zip(params, found, strict=True))))
        of_tasks = torch.stack(slopes)
        weights = self._weights(of_tasks)
        return Gradient(weights @ torch.stack(losses), shaped(weights @ of_tasks, state.params))

    def adapt(self, state: AdamState, batch: Tasks) -> list[Params]:
        """Return the parameters with where each task's kernels stand, and how high."""
        if self.inner == "steps":
            return super().adapt(state, batch)
        with torch.no_grad():
            return [state.params | self._solved(state.params, task) for task in batch]

    def outputs(self, adapted: Params, x: Tensor) -> Tensor:
        if HEIGHTS not in adapted:
            return super().outputs(adapted, x)
        params = {name: p for name, p in adapted.items() if name not in (CENTRES, HEIGHTS)}
        features, outputs = self._run(params, x)
        return outputs + self._kernel(features, adapted[CENTRES]) @ adapted[HEIGHTS]

    def _query_loss(self, params: Params, task: Tasks) -> Tensor:
        if self.inner == "steps":
            return super()._query_loss(params, task)
        outputs = self.outputs(params | self._solved(params, task), task.query_x)
        return squared_loss(outputs, targets(task.query_y, outputs))

    def _solved(self, params: Params, task: Tasks) -> Params:
        """Return the closed form of the inner loop."""
        centres, outputs = self._run(params, task.support_x)
        ridge = self.ridge * torch.eye(len(centres), dtype=centres.dtype, device=centres.device)
        left = targets(task.support_y, outputs) - outputs
        heights = torch.linalg.solve(self._kernel(centres, centres) + ridge, left)
        return {CENTRES: centres, HEIGHTS: heights}

    def _run(self, params: Params, x: Tensor) -> tuple[Tensor, Tensor]:
        """Return the inputs of the last layer, and its outputs."""
        features = self._last.prepare(self.workload.stretch(params, x, 0, -1))
        return features.flatten(1), self.workload.stretch(params, features, -1)

    def _kernel(self, ours: Tensor, theirs: Tensor) -> Tensor:
        squares = (ours[:, None] - theirs[None]).square().mean(-1)
        return torch.exp(-squares / (2 * self.width**2))

    def _weights(self, slopes: Tensor) -> Tensor:
        """Return the tasks' weights, of their gradients."""
        if not self.weighted:
            return torch.full_like(slopes[:, 0], 1 / len(slopes))
        agreement = torch.cosine_similarity(slopes, slopes.mean(0, keepdim=True))
        return torch.softmax(agreement / self.temperature, 0)

    @cached_property
    def _last(self) -> Stage:
        network = self.workload.skeleton
        if not isinstance(network, Staged):
            raise UsageError(
                f"{self.name} takes kernels of the last layer's inputs, but "
                f"{type(network).__name__} names no stages. Derive it from suites.models.Staged."
            )
        return network.stages()[-1]


def naive_gradient(learner: Amfs, state: AdamState, batch: Tasks) -> Gradient:
    """The definition: each task apart, kernels entry by entry, and weights in plain numbers."""

    def objective(params: Params, task: Tasks) -> Tensor:
        outputs = learner.workload.outputs(params, task.query_x)
        kernel = _naive_kernel(learner, params, task.query_x, task.support_x)
        answers = outputs + kernel @ _naive_heights(learner, params, task)
        return 0.5 * ((answers - targets(task.query_y, answers)) ** 2).sum() / len(answers)

    if learner.inner == "steps":
        oracle = ReferenceMaml(learner.workload)
        each = [
            oracle.meta_gradient(state, rows(batch, range(i, i + 1))) for i in range(len(batch))
        ]
    else:
        found = [grad_and_value(objective)(state.params, task) for task in batch]
        each = [Gradient(loss, slopes) for slopes, loss in found]

    slopes = [one.grads for one in each]
    mean = {name: torch.stack([g[name] for g in slopes]).mean(0) for name in state.params}
    weights = [1.0] * len(each)
    if learner.weighted:
        weights = [math.exp(_cosine(g, mean) / learner.temperature) for g in slopes]
    parts = [weight / sum(weights) for weight in weights]
    loss = torch.stack([part * one.loss for part, one in zip(parts, each, strict=True)]).sum()
    grads = {
        name: torch.stack([part * g[name] for part, g in zip(parts, slopes, strict=True)]).sum(0)
        for name in mean
    }
    return Gradient(loss, grads)


def naive_adaptations(learner: Amfs, state: AdamState, batch: Tasks) -> list[Params]:
    """What `adapt` must return."""
    if learner.inner == "steps":
        return ReferenceMaml(learner.workload).adapt(state, batch)
    return [
        state.params
        | {
            CENTRES: _naive_features(learner, state.params, task.support_x),
            HEIGHTS: _naive_heights(learner, state.params, task),
        }
        for task in batch
    ]


def _naive_features(learner: Amfs, params: Params, x: Tensor) -> Tensor:
    workload = learner.workload
    return learner._last.prepare(workload.stretch(params, x, 0, -1)).flatten(1)


def _naive_kernel(learner: Amfs, params: Params, ours: Tensor, theirs: Tensor) -> Tensor:
    one, other = (_naive_features(learner, params, x) for x in (ours, theirs))
    scale = 2 * learner.width**2 * one.shape[1]
    return torch.stack(
        [torch.stack([torch.exp(-((a - b) ** 2).sum() / scale) for b in other]) for a in one]
    )


def _naive_heights(learner: Amfs, params: Params, task: Tasks) -> Tensor:
    outputs = learner.workload.outputs(params, task.support_x)
    kernel = _naive_kernel(learner, params, task.support_x, task.support_x)
    ridge = learner.ridge * torch.eye(len(kernel)).to(kernel)
    return torch.inverse(kernel + ridge) @ (targets(task.support_y, outputs) - outputs)


def _cosine(one: Params, other: Params) -> float:
    def product(a: Params, b: Params) -> float:
        return sum(float((a[name] * b[name]).sum()) for name in a)

    lengths = math.sqrt(product(one, one) * product(other, other))
    return product(one, other) / lengths

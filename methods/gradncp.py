"""GradNCP: inner steps on the part of the context that the last layer's gradient is largest on.

Tack, Kim, Yu, Lee, Shin and Schwarz, "Learning Large-scale Neural Fields via Context Pruned
Meta-Learning" (arXiv 2302.00617). With C a task's support set, S(theta; C) its mean loss there, and
C_k the `keep` of C on whose examples x the score is largest:

    score_k(x) = |d loss(x) / d last layer|  at theta_k
    theta_k+1  = theta_k - alpha dS/dtheta (theta_k; C_k)                  in meta-training
    theta_k+1  = theta_k - alpha |dS/dtheta (theta_k; C_k)| / |g_k| g_k    at meta-test,
                 g_k = dS/dtheta (theta_k; C)
    gradient   = d/dtheta of the mean over tasks of Q(theta_K) + lambda |theta_K - theta_K+L|

The last term is the bootstrap correction. theta_K+L is L more steps from theta_K, on all of C and
at a rate of their own; it counts as given.

Known, from the paper and its authors' public code: all of the above, and the defaults, which are
theirs for CelebA. Theirs also clip the meta-gradient; here the outer step is the baseline's. The
score's last layer is the network's last stage, which is taken to be linear with a bias:

    |d loss(x) / d last layer| = |d loss(x) / d outputs| sqrt(1 + |inputs of the last layer|^2)

Scoring is a pass forward without a graph; graphs are kept for C_k alone, and none by the bootstrap.
BatchNorm, if the network has any, normalises the examples of C_k by their own statistics.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any, ClassVar

import torch
from torch import Tensor

from baselines.reference_maml import ReferenceMaml
from harness.declare.equivalence import Approximate, Equivalence
from harness.declare.learner import Gradient, Params
from harness.declare.outer import AdamState
from harness.errors import UsageError
from harness.registry import method
from suites.fewshot import FewShot, Tasks
from suites.models import Stage, Staged


@method("gradncp")
@dataclass(frozen=True)
class GradNcp(ReferenceMaml):
    """MAML whose inner steps see the quarter of the context that promises most."""

    keep: float = 0.25
    """The part of a task's context that an inner step is taken on."""
    bootstrap_steps: int = 5
    """L, the steps from where the adaptation ends to where it is drawn."""
    bootstrap_lr: float = 0.05
    """The rate of these steps."""
    bootstrap_weight: float = 100.0
    """lambda; without it there is no correction."""

    equivalence: ClassVar[Equivalence] = Approximate(
        "naive_gradient", adaptation="naive_adaptations"
    )
    corners: ClassVar[tuple[dict[str, Any], ...]] = ({"keep": 1.0, "bootstrap_weight": 0.0},)

    def __post_init__(self) -> None:
        if not 0 < self.keep <= 1:
            raise ValueError(f"keep = {self.keep} must be above 0 and at most 1")
        if self.bootstrap_steps < 1:
            raise ValueError(
                f"bootstrap_steps = {self.bootstrap_steps} must be at least 1; without a "
                "correction, bootstrap_weight = 0"
            )
        if self.bootstrap_weight < 0:
            raise ValueError(f"bootstrap_weight = {self.bootstrap_weight} must not be negative")
        _ = self._last  # so that a network without stages is refused at once

    @classmethod
    def workload_needed(cls, settings: Mapping[str, Any]) -> dict[str, Any]:
        """Ask for a network without BatchNorm, which has no statistics of a single example."""
        return {"architecture": "mlp"}

    def adapt(self, state: AdamState, batch: Tasks) -> list[Params]:
        adapted = []
        for task in batch:
            params = state.params
            for _ in range(self.workload.inner_steps):
                params = self._rescaled_step(params, task)
            adapted.append(params)
        return adapted

    def _query_loss(self, params: Params, task: Tasks) -> Tensor:
        adapted = self._adapted(params, task, keep_graph=not self.workload.first_order)
        loss = self.workload.loss(self.workload.outputs(adapted, task.query_x), task.query_y)
        if not self.bootstrap_weight:
            return loss
        drawn_to = self._bootstrapped(adapted, task)
        apart = {name: p - drawn_to[name] for name, p in adapted.items()}
        return loss + self.bootstrap_weight * _length(apart)

    def _adapted(self, params: Params, task: Tasks, keep_graph: bool) -> Params:
        for _ in range(self.workload.inner_steps):
            slope = self._slope(params, *self._kept(params, task), keep_graph)
            params = _moved(params, slope, self.workload.inner_lr)
        return params

    def _bootstrapped(self, params: Params, task: Tasks) -> Params:
        """Take L more steps on the whole context."""
        for _ in range(self.bootstrap_steps):
            params = {name: p.detach().requires_grad_() for name, p in params.items()}
            slope = self._slope(params, task.support_x, task.support_y)
            params = _moved(params, slope, self.bootstrap_lr)
        return {name: p.detach() for name, p in params.items()}

    def _rescaled_step(self, params: Params, task: Tasks) -> Params:
        """Take a step along the whole context's gradient, as long as the kept part's."""
        params = {name: p.detach().requires_grad_() for name, p in params.items()}
        slope = self._slope(params, task.support_x, task.support_y)
        rate: float | Tensor = self.workload.inner_lr
        if self.keep < 1:
            kept = self._slope(params, *self._kept(params, task))
            rate = rate * _length(kept) / (_length(slope) + 1e-16)
        return {name: p.detach() for name, p in _moved(params, slope, rate).items()}

    def _kept(self, params: Params, task: Tasks) -> tuple[Tensor, Tensor]:
        """Return the examples of the largest scores, and what they should be."""
        x, y = task.support_x, task.support_y
        if self.keep == 1:
            return x, y
        best = self._scores(params, x, y).sort(descending=True, stable=True).indices
        chosen = best[: max(1, int(self.keep * len(x)))]
        return x[chosen], y[chosen]

    @torch.no_grad()
    def _scores(self, params: Params, x: Tensor, y: Tensor) -> Tensor:
        """Return every example's share of the last layer's gradient, in length."""
        before = self._last.prepare(self.workload.stretch(params, x, 0, -1))
        outputs = self.workload.stretch(params, before, -1)
        with torch.enable_grad():
            outputs.requires_grad_()
            [slopes] = torch.autograd.grad(self.workload.loss(outputs, y), outputs)
        return _lengths(slopes) * (1 + _lengths(before).square()).sqrt()

    def _slope(self, params: Params, x: Tensor, y: Tensor, keep_graph: bool = False) -> Params:
        loss = self.workload.loss(self.workload.outputs(params, x), y)
        slopes = torch.autograd.grad(loss, list(params.values()), create_graph=keep_graph)
        return dict(zip(params, slopes, strict=True))

    @cached_property
    def _last(self) -> Stage:
        network = self.workload.skeleton
        if not isinstance(network, Staged):
            raise UsageError(
                f"{self.name} scores by a network's last layer, but {type(network).__name__} names "
                "no stages. Derive it from suites.models.Staged."
            )
        return network.stages()[-1]


def _moved(params: Params, slope: Params, rate: float | Tensor) -> Params:
    return {name: p - rate * slope[name] for name, p in params.items()}


def _length(of: Params) -> Tensor:
    return _lengths(torch.cat([part.flatten() for part in of.values()])[None])[0]


def _lengths(rows: Tensor) -> Tensor:
    """Return the length of every row's entries."""
    lengths: Tensor = torch.linalg.vector_norm(rows.flatten(1), dim=1)
    return lengths


def naive_gradient(learner: GradNcp, state: AdamState, batch: Tasks) -> Gradient:
    """The definition: each example's own gradient by the last layer is formed, and its length."""
    workload = learner.workload
    params = {name: p.detach().requires_grad_() for name, p in state.params.items()}
    losses = []
    for task in batch:
        theta = params
        for _ in range(workload.inner_steps):
            chosen = _largest(learner, theta, task)
            slopes = _whole_slope(workload, theta, task.support_x[chosen], task.support_y[chosen])
            if workload.first_order:
                slopes = tuple(slope.detach() for slope in slopes)
            steps = zip(theta.items(), slopes, strict=True)
            theta = {name: p - workload.inner_lr * slope for (name, p), slope in steps}
        loss = workload.loss(workload.outputs(theta, task.query_x), task.query_y)
        if learner.bootstrap_weight:
            ahead = theta
            for _ in range(learner.bootstrap_steps):
                slopes = _whole_slope(workload, ahead, task.support_x, task.support_y)
                steps = zip(ahead.items(), slopes, strict=True)
                ahead = {name: p - learner.bootstrap_lr * slope for (name, p), slope in steps}
            squares = [(theta[name] - ahead[name].detach()).square().sum() for name in theta]
            loss = loss + learner.bootstrap_weight * torch.stack(squares).sum().sqrt()
        losses.append(loss)
    loss = torch.stack(losses).mean()
    found = torch.autograd.grad(loss, list(params.values()))
    return Gradient(loss.detach(), dict(zip(params, found, strict=True)))


def naive_adaptations(learner: GradNcp, state: AdamState, batch: Tasks) -> list[Params]:
    """What `adapt` must return."""
    workload, adapted = learner.workload, []
    for task in batch:
        theta = {name: p.detach().requires_grad_() for name, p in state.params.items()}
        for _ in range(workload.inner_steps):
            chosen = _largest(learner, theta, task)
            kept = _whole_slope(workload, theta, task.support_x[chosen], task.support_y[chosen])
            slopes = _whole_slope(workload, theta, task.support_x, task.support_y)
            lengths = [
                sum(float(g.detach().square().sum()) for g in each) ** 0.5
                for each in (kept, slopes)
            ]
            rate = workload.inner_lr * lengths[0] / (lengths[1] + 1e-16)
            steps = zip(theta.items(), slopes, strict=True)
            theta = {name: (p - rate * g).detach().requires_grad_() for (name, p), g in steps}
        adapted.append({name: p.detach() for name, p in theta.items()})
    return adapted


def _largest(learner: GradNcp, theta: Params, task: Tasks) -> list[int]:
    """Return which examples have the largest gradients by the last layer, one after another."""
    workload = learner.workload
    head = [p for name, p in theta.items() if name.startswith(f"{learner._last.name}.")]

    def length(i: int) -> float:
        outputs = workload.outputs(theta, task.support_x[i : i + 1])
        loss = workload.loss(outputs, task.support_y[i : i + 1])
        return _norm(torch.autograd.grad(loss, head))

    lengths = [length(i) for i in range(len(task.support_x))]
    ranked = sorted(range(len(lengths)), key=lambda i: -lengths[i])
    return ranked[: max(1, int(learner.keep * len(lengths)))]


def _whole_slope(workload: FewShot, theta: Params, x: Tensor, y: Tensor) -> tuple[Tensor, ...]:
    loss = workload.loss(workload.outputs(theta, x), y)
    return torch.autograd.grad(loss, list(theta.values()), create_graph=True)


def _norm(slopes: Sequence[Tensor]) -> float:
    return math.sqrt(sum(float(slope.detach().square().sum()) for slope in slopes))

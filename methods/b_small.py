"""B-SMALL: sparse variational dropout in MAML, which learns weights that can be left out.

Madan and Prasad, "B-SMALL: A Bayesian Neural Network Approach to Sparse Model-Agnostic
Meta-Learning" (arXiv 2101.00203), on the sparse variational dropout of Molchanov et al. (2017).
Every weight w of a convolution or a linear layer is normal with mean mu and deviation sigma, the
other parameters are mu alone. With fresh noise e at every look, S and Q a task's support and query
loss, phi = (mu, ln sigma) and L = S or Q:

    L~(phi)  = L(mu + sigma e) + `prior_weight` * sum over weights of D(ln sigma^2 / mu^2)
    D(a)     = k1 - k1 sigmoid(k2 + k3 a) + softplus(-a) / 2
               with k = 0.63576, 1.8732, 1.48695: divergence from the log-uniform prior
    phi_i    = phi_i - alpha dS~_i/dphi (phi_i)                                inner_steps times
    gradient = d/dphi of the mean over tasks of Q~_i(phi_i)

    a new task: the same inner steps without noise; then every weight whose ln sigma^2 / mu^2 is
    above `threshold` is left out, as it says nothing that noise would not drown

Known from the paper and the authors' code: the equations, ln sigma = -8 in the beginning, a prior
weight of 1e-6 that grows to 1e-5, a threshold of 3. What is ours: noise is drawn for weights and is
shared by a set's examples, where theirs is drawn for activations, which has the same mean and less
variance; the prior weight is constant, and ln sigma has a rate of its own in `spread_lr`, since
short runs would prune nothing; ln sigma^2 / mu^2 is not clamped to 10, since beyond that theirs
feels no prior; no noise at meta-test, so that a task's quality is a function of its examples.
Without noise and with prior weight 0 it is MAML.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import torch
from torch import Tensor
from torch.nn.functional import softplus

from baselines.reference_maml import ReferenceMaml
from harness.declare.equivalence import Approximate, Equivalence
from harness.declare.learner import Gradient, Params
from harness.declare.outer import AdamState, Rule
from harness.registry import method
from harness.seeds import derive
from suites.fewshot import Tasks

SPREAD = "spread."  # begins the name of a weight's ln sigma, before that of the weight
K1, K2, K3 = 0.63576, 1.87320, 1.48695


@dataclass(frozen=True)
class NoisyState(AdamState):
    """Means and spreads under Adam, and the seed of the noise."""

    seed: int


@method("b_small")
@dataclass(frozen=True)
class BSmall(ReferenceMaml):
    """MAML of normal weights under a prior that drowns in noise those that are not needed."""

    prior_weight: float = 1e-6
    """How much the divergence from the prior counts beside the loss."""
    spread: float = -8.0
    """ln sigma in the beginning."""
    spread_lr: float | None = None
    """Adam's rate for ln sigma; the workload's outer_lr if null."""
    threshold: float = 3.0
    """The ln sigma^2 / mu^2 above which a weight is left out at meta-test."""

    equivalence: ClassVar[Equivalence] = Approximate(
        "baselines.naive_b_small:gradient", adaptation="baselines.naive_b_small:adaptations"
    )

    def __post_init__(self) -> None:
        for name in ("prior_weight", "spread_lr"):
            value = getattr(self, name)
            if value is not None and value < 0:
                raise ValueError(f"{name} = {value} must not be negative")

    def init(self, seed: int) -> NoisyState:
        means = self.workload.initial(seed)
        spreads = {
            SPREAD + name: torch.full_like(p, self.spread)
            for name, p in means.items()
            if p.dim() > 1
        }
        return NoisyState(**vars(AdamState.start(means | spreads)), seed=derive(seed, "noise"))

    def step(self, state: NoisyState, batch: Tasks) -> tuple[NoisyState, Tensor]:  # type: ignore[override]  # its own state
        loss, grads = self.meta_gradient(state, batch)
        rules = dict.fromkeys(state.params, Rule(self.workload.outer_rate(state.taken)))
        if self.spread_lr is not None:
            rules |= {n: Rule(self.spread_lr) for n in rules if n.startswith(SPREAD)}
        return NoisyState(**vars(state.update(grads, rules)), seed=state.seed), loss

    def meta_gradient(self, state: NoisyState, batch: Tasks) -> Gradient:  # type: ignore[override]  # likewise
        phi = {name: p.detach().requires_grad_() for name, p in state.params.items()}
        losses = []
        for place, task in enumerate(batch):
            noise = torch.Generator().manual_seed(derive(state.seed, state.taken, place))
            adapted = self._moved(phi, task, noise, keep_graph=not self.workload.first_order)
            losses.append(self._loss(adapted, task.query_x, task.query_y, noise))
        loss = torch.stack(losses).mean()
        grads = torch.autograd.grad(loss, list(phi.values()))
        return Gradient(loss.detach(), dict(zip(phi, grads, strict=True)))

    def watched(self, state: AdamState) -> dict[str, float]:
        """Return the part of the weights that would be left out."""
        drowned = torch.cat([d.flatten() > self.threshold for d in dropout(state.params).values()])
        return {"sparsity": float(drowned.float().mean())}

    def _adapted(self, params: Params, task: Tasks, keep_graph: bool) -> Params:
        """Adapt to a held-out task, and leave out what noise drowns."""
        phi = self._moved(params, task, None, keep_graph)
        drowned = {name: d > self.threshold for name, d in dropout(phi).items()}
        return {
            name: p.masked_fill(drowned[name], 0.0) if name in drowned else p
            for name, p in phi.items()
            if not name.startswith(SPREAD)
        }

    def _moved(
        self, phi: Params, task: Tasks, noise: torch.Generator | None, keep_graph: bool
    ) -> Params:
        """phi <- phi - alpha * dS~/dphi, inner_steps times."""
        for _ in range(self.workload.inner_steps):
            loss = self._loss(phi, task.support_x, task.support_y, noise)
            grads = torch.autograd.grad(loss, list(phi.values()), create_graph=keep_graph)
            phi = {
                name: p - self.workload.inner_lr * g
                for (name, p), g in zip(phi.items(), grads, strict=True)
            }
        return phi

    def _loss(self, phi: Params, x: Tensor, y: Tensor, noise: torch.Generator | None) -> Tensor:
        """Return L~, with noise or with none."""
        weights = {
            name: p + phi[SPREAD + name].exp() * _drawn(p, noise)
            if noise is not None and SPREAD + name in phi
            else p
            for name, p in phi.items()
            if not name.startswith(SPREAD)
        }
        divergence = torch.stack([divergences(d).sum() for d in dropout(phi).values()]).sum()
        loss = self.workload.loss(self.workload.outputs(weights, x), y)
        return loss + self.prior_weight * divergence


def dropout(phi: Params) -> Params:
    """Return ln sigma^2 / mu^2 of every weight that has a spread."""
    return {
        name.removeprefix(SPREAD): 2 * p - 2 * (phi[name.removeprefix(SPREAD)].abs() + 1e-8).log()
        for name, p in phi.items()
        if name.startswith(SPREAD)
    }


def divergences(dropped: Tensor) -> Tensor:
    """Return D."""
    return K1 - K1 * torch.sigmoid(K2 + K3 * dropped) + softplus(-dropped) / 2


def _drawn(like: Tensor, noise: torch.Generator) -> Tensor:
    """Draw in float32 on the CPU whatever the place, so that every place sees the same noise."""
    return torch.randn(like.shape, generator=noise).to(like)

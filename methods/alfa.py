"""ALFA: a small network gives every inner step and layer its rate and its weight decay.

Baik, Choi, Choi, Kim and Lee, "Meta-Learning with Adaptive Hyperparameters" (NeurIPS 2020, arXiv
2011.00209). A layer l = 1..L is a tensor of parameters, a weight or a bias. In inner step k of a
task, with S its support loss and Q its query loss:

    g       = dS/dtheta (theta)
    tau     = (mean theta_1, .., mean theta_L, mean g_1, .., mean g_L)          2 L numbers
    r, d    = halves of W2 relu(W1 tau + c1) + c2                               L numbers each
    theta_l = (1 - d_l b_lk) theta_l - r_l a_lk g_l

    gradient = d/d(theta, W1, c1, W2, c2, a, b) of the mean over tasks of Q(theta)

Known from the paper and the authors' code: the equations, that g counts as given in tau, that the
generator's layers are 2 L wide and begin as torch draws them, that all a_lk begin at the inner rate
and all b_lk at `decay` times it, with `decay` 0.0005. What is ours: all parameters are adapted, as
in MAML here, where theirs leaves those of BatchNorm out; and nothing else of MAML++ is added, such
as losses after every step.

As drawn, the generator's r is near zero and of any sign, so that adaptation must be learned from
nothing. With `start` "constant" W2 and d are zero in the beginning and r is 1: there ALFA is MAML.

`initial` "random" is the paper's other setting: theta stays where it was drawn, and entries have
decays e of their own, each `decay` times the inner rate, beside b_lk = 1:

    theta_l = (1 - e_l d_l b_lk) theta_l - r_l a_lk g_l
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import ClassVar, Literal

import torch
from torch import Tensor

from baselines.reference_maml import ReferenceMaml
from harness.declare.equivalence import Approximate, Equivalence
from harness.declare.learner import Gradient, Params
from harness.declare.outer import AdamState
from harness.registry import method
from harness.seeds import derive
from suites.fewshot import Tasks

GENERATOR = "generator."
RATES, DECAYS, OF_ENTRY = "rates.", "decays.", "entry_decays."
OWN = (GENERATOR, RATES, DECAYS, OF_ENTRY)  # what names of parameters beside theta's begin with


@method("alfa")
@dataclass(frozen=True)
class Alfa(ReferenceMaml):
    """MAML whose inner rates and decays a small network makes from the layers' means."""

    start: Literal["drawn", "constant"] = "drawn"
    """How the generator begins: as torch draws its layers, or as giving MAML's rates."""
    initial: Literal["learned", "random"] = "learned"
    """Whether the network's first weights are learned, or stay as they were drawn."""
    decay: float = 5e-4
    """Weight decay in the beginning, in parts of the inner rate."""

    equivalence: ClassVar[Equivalence] = Approximate(
        "baselines.naive_alfa:gradient", adaptation="baselines.naive_alfa:adaptations"
    )

    def __post_init__(self) -> None:
        if self.decay < 0:
            raise ValueError(f"decay = {self.decay} must not be negative")

    def init(self, seed: int) -> AdamState:
        theta = self.workload.initial(seed)
        return AdamState.start(theta | dict(self._beside(theta, seed)))

    def watched(self, state: AdamState) -> dict[str, float]:
        """Return the mean a of every inner step."""
        rates = [p for name, p in state.params.items() if name.startswith(RATES)]
        return {
            f"base rate, step {k + 1}": float(a) for k, a in enumerate(torch.stack(rates).mean(0))
        }

    def meta_gradient(self, state: AdamState, batch: Tasks) -> Gradient:
        params = {name: p.detach().requires_grad_() for name, p in state.params.items()}
        loss = torch.stack([self._query_loss(params, task) for task in batch]).mean()
        grads = torch.autograd.grad(
            loss, list(params.values()), allow_unused=True, materialize_grads=True
        )
        found = dict(zip(params, grads, strict=True))
        if self.initial == "random":
            found |= {name: torch.zeros_like(p) for name, p in of_network(state.params).items()}
        return Gradient(loss.detach(), found)

    def _adapted(self, params: Params, task: Tasks, keep_graph: bool) -> Params:
        theta = of_network(params)
        for k in range(self.workload.inner_steps):
            loss = self.workload.loss(self.workload.outputs(theta, task.support_x), task.support_y)
            slopes = torch.autograd.grad(loss, list(theta.values()), create_graph=keep_graph)
            means = [p.mean() for p in theta.values()] + [g.detach().mean() for g in slopes]
            rates, decays = _generated(params, torch.stack(means)).chunk(2)
            theta = {
                name: (1 - decay * _decay_of(params, name, k)) * p
                - rate * params[RATES + name][k] * g
                for (name, p), g, rate, decay in zip(
                    theta.items(), slopes, rates, decays, strict=True
                )
            }
        return theta

    def _beside(self, theta: Params, seed: int) -> Iterator[tuple[str, Tensor]]:
        """Yield what is learned beside the network's parameters, as it begins."""
        lr, steps = self.workload.inner_lr, self.workload.inner_steps
        some, layers = next(iter(theta.values())), len(theta)
        generator, bound = torch.Generator().manual_seed(derive(seed, "alfa")), (2 * layers) ** -0.5
        for layer in ("first", "second"):
            for part, shape in (("weight", (2 * layers, 2 * layers)), ("bias", (2 * layers,))):
                drawn = torch.empty(shape).uniform_(-bound, bound, generator=generator)
                yield f"{GENERATOR}{layer}.{part}", drawn.to(some)
        if self.start == "constant":
            yield f"{GENERATOR}second.weight", some.new_zeros(2 * layers, 2 * layers)
            constant = torch.cat([some.new_ones(layers), some.new_zeros(layers)])
            yield f"{GENERATOR}second.bias", constant
        learned = self.initial == "learned"
        for name, p in theta.items():
            yield RATES + name, p.new_full((steps,), lr)
            yield DECAYS + name, p.new_full((steps,), self.decay * lr if learned else 1.0)
            if not learned:
                yield OF_ENTRY + name, torch.full_like(p, self.decay * lr)


def of_network(params: Params) -> Params:
    """Return the network's parameters among a state's."""
    return {name: p for name, p in params.items() if not name.startswith(OWN)}


def _generated(params: Params, tau: Tensor) -> Tensor:
    for layer, rectified in (("first", True), ("second", False)):
        tau = torch.nn.functional.linear(
            tau, params[f"{GENERATOR}{layer}.weight"], params[f"{GENERATOR}{layer}.bias"]
        )
        tau = torch.relu(tau) if rectified else tau
    return tau


def _decay_of(params: Params, name: str, k: int) -> Tensor:
    shared = params[DECAYS + name][k]
    return shared * params[OF_ENTRY + name] if OF_ENTRY + name in params else shared

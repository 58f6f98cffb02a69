"""Small random bilevel problems, on which every learner of the family is held to the oracle.

All are linear models on full batches, with base losses as smooth and as convex as their names tell:
the Hessian's eigenvalues lie between .4 and 1.6. Those whose base loss is quadratic have their
hypergradient in closed form. Where the meta model sees the base model's losses, all that is true of
the base loss at given losses.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any, ClassVar, Literal

import torch
from hypothesis import strategies as st
from torch import Tensor, nn
from torch.nn.functional import binary_cross_entropy_with_logits

from harness.declare.learner import Params
from harness.declare.problem import Problem
from harness.declare.workload import Metric, Place
from harness.registry import problems, workload
from harness.seeds import derive
from suites.bilevel import Bilevel, BilevelBatch

KINDS = ("ridge", "weights", "network", "logistic", "losses")
LEAST_CURVATURE = 0.4
DIRECT = 0.1  # strength of the direct term, where there is one


@dataclass(frozen=True)
class Examples:
    """Inputs, outputs to be fitted, and which examples of all these are."""

    x: Tensor
    y: Tensor
    rows: Tensor | None = None

    def __len__(self) -> int:
        return len(self.x)


class Penalties(nn.Module):
    """A learned ridge penalty on every weight: 1/2 sum exp(lambda_j) w_j^2."""

    def __init__(self, weights: int) -> None:
        super().__init__()
        between = torch.empty(weights).uniform_(math.log(LEAST_CURVATURE), math.log(0.6))
        self.log_strength = nn.Parameter(between)

    def forward(self, weights: Tensor) -> Tensor:
        return (self.log_strength.exp() * weights.square()).sum() / 2


class FreeWeights(nn.Module):
    """A learned weight between 0 and 1 for every example, whatever the example is."""

    def __init__(self, examples: int) -> None:
        super().__init__()
        self.logits = nn.Parameter(torch.randn(examples))

    def forward(self, rows: Tensor) -> Tensor:
        return self.logits[rows].unsqueeze(1)


@workload("random_bilevel")
@dataclass(frozen=True)
class RandomBilevel(Bilevel):
    """A linear model under learned penalties, or under learned weights of its examples.

    ridge     1/(2n) |X w - y|^2 + 1/2 sum_j exp(lambda_j) w_j^2
    weights   1/(2n) sum_i s(lambda_i) (x_i w - y_i)^2 + .2 |w|^2,  s the logistic function
    network   the same with a meta network of (x_i, y_i) in lambda_i's place
    logistic  that, with the logistic loss of the signs of y in the square's place
    losses    weights with a meta network of l / (1 + l) in lambda_i's place, l being example i's
              loss, which counts as given: the only kind whose meta model sees the base model so

    The meta loss is the plain loss on other examples, with .05 |lambda|^2 if `direct`.
    """

    kind: Literal["ridge", "weights", "network", "logistic", "losses"] = "ridge"
    features: int = 4
    examples: int = 12
    clean: int = 8
    hidden: int = 3
    direct: bool = False

    metric: ClassVar[Metric] = Metric("squared error", higher_is_better=False)

    @property
    def data(self) -> str:
        return "linear models (generated)"

    def base_network(self) -> nn.Module:
        return nn.Linear(self.features, 1, bias=False)

    def meta_network(self) -> nn.Module:
        if self.kind == "ridge":
            return Penalties(self.features)
        if self.kind == "weights":
            return FreeWeights(self.examples)
        hidden = nn.Linear(1 if self.kind == "losses" else self.features + 1, self.hidden)
        return nn.Sequential(hidden, nn.Tanh(), nn.Linear(self.hidden, 1))

    def base_loss(self, base: Params, meta: Params, batch: Examples) -> Tensor:
        if self.kind == "ridge":
            penalty: Tensor = self.meta_outputs(meta, base["weight"])
            return self.losses(base, batch).mean() + penalty
        losses = self.losses(base, batch)
        weighted = self.example_weights(meta, batch, losses.detach()) * losses
        return weighted.mean() + self._decay(base)

    def plain_loss(self, base: Params, batch: Examples) -> Tensor:
        return self.losses(base, batch).mean() + self._decay(base)

    def meta_loss(self, base: Params, meta: Params, batch: Examples) -> Tensor:
        loss = self.losses(base, batch).mean()
        if self.direct:
            loss = loss + DIRECT / 2 * torch.stack([p.square().sum() for p in meta.values()]).sum()
        return loss

    def losses(self, base: Params, batch: Examples) -> Tensor:
        outputs: Tensor = self.base_outputs(base, batch.x)
        if self.kind == "logistic":
            positive = (batch.y > 0).to(outputs.dtype)
            logistic: Tensor = binary_cross_entropy_with_logits(outputs, positive, reduction="none")
            return logistic
        return (outputs - batch.y).square() / 2

    def _decay(self, base: Params) -> Tensor:
        return LEAST_CURVATURE / 2 * base["weight"].square().sum()

    def example_weights(
        self, meta: Params, batch: Examples, losses: Tensor | None = None
    ) -> Tensor:
        if self.kind == "weights":
            shown = batch.rows
        elif self.kind == "losses":
            assert losses is not None
            shown = losses / (1 + losses)
        else:
            shown = torch.cat([batch.x, batch.y], dim=1)
        return torch.sigmoid(self.meta_outputs(meta, shown))

    def base_batch(self, seed: int, index: int) -> Examples:
        return self._drawn(seed, "base", self.examples)

    def meta_batch(self, seed: int, index: int) -> Examples:
        return self._drawn(seed, "clean", self.clean)

    def held_out(self, seed: int, split: str, start: int, count: int) -> Examples:
        return self._drawn(seed, f"{split} {start}", count)

    def quality(self, base: Params, batch: Examples) -> Tensor:
        outputs: Tensor = self.base_outputs(base, batch.x, training=False)
        squares: Tensor = (outputs - batch.y).square()
        return squares.flatten()

    def minimum(self, meta: Params, batch: Examples) -> Tensor:
        """Return the weights that minimise a quadratic base loss, in closed form."""
        hessian, slope = self._normal_equations(meta, batch)
        weights: Tensor = torch.linalg.solve(hessian, slope)
        return weights

    def closed_form(self, meta: Params, batch: BilevelBatch) -> Params:
        """Return the hypergradient of a problem whose base loss is quadratic."""
        there: Examples = batch.base[-1]
        w = self.minimum(meta, there)
        v = batch.meta.x.T @ (batch.meta.x @ w - batch.meta.y) / len(batch.meta)
        u = torch.linalg.solve(self._normal_equations(meta, there)[0], v)
        if self.kind == "ridge":
            grads = {"log_strength": -(meta["log_strength"].exp().unsqueeze(1) * w * u).flatten()}
        else:
            by_weight = -(there.x @ w - there.y) * (there.x @ u) / len(there)
            meta = {name: p.detach().requires_grad_() for name, p in meta.items()}
            along = (self.example_weights(meta, there) * by_weight).sum()
            grads = dict(zip(meta, torch.autograd.grad(along, list(meta.values())), strict=True))
        return {n: g + (DIRECT * meta[n].detach() if self.direct else 0) for n, g in grads.items()}

    def _normal_equations(self, meta: Params, batch: Examples) -> tuple[Tensor, Tensor]:
        """Return A and b of A w = b, the base problem's condition of optimality."""
        eye = torch.eye(self.features, dtype=batch.x.dtype, device=batch.x.device)
        if self.kind == "ridge":
            weighted, penalty = batch.x.T, meta["log_strength"].exp() * eye
        else:
            weights = self.example_weights(meta, batch).detach()
            weighted, penalty = (weights * batch.x).T, LEAST_CURVATURE * eye
        return weighted @ batch.x / len(batch) + penalty, weighted @ batch.y / len(batch)

    def _drawn(self, seed: int, purpose: str, count: int) -> Examples:
        generator = torch.Generator().manual_seed(derive(seed, purpose))
        of_all = torch.Generator().manual_seed(derive(seed, "truth"))
        spread = torch.logspace(0, -1, self.features, dtype=torch.float64)
        truth = torch.randn(self.features, 1, generator=of_all, dtype=torch.float64)
        x = torch.randn(count, self.features, generator=generator, dtype=torch.float64) * spread
        x = x * count**0.5 / torch.linalg.matrix_norm(x, ord=2)  # X'X/n up to 1
        noise = torch.randn(count, 1, generator=generator, dtype=torch.float64)
        rows = torch.arange(count, device=self.place.device)
        return Examples(self._put(x), self._put(x @ truth + noise), rows)


@problems("bilevel")
class BilevelProblems:
    """Random linear models, penalties, weights and optimizers, against the true hypergradient."""

    oracle: ClassVar[str] = "exact_hypergradient"
    presumed: ClassVar[dict[str, Any]] = {
        "workload.unroll": 50,
        "workload.base_optimizer": "sgd",
        "workload.base_lr": 1.0,
    }
    """Where the base problem is solved to rounding, 50 steps at .6 each."""

    @staticmethod
    @st.composite
    def strategy(draw: st.DrawFn) -> Problem:
        drawn = RandomBilevel(
            Place(dtype="float64"),
            # Adam's first step forgets its gradient's size, which leaves SAMA without a direction.
            unroll=draw(st.integers(2, 6), label="unroll"),
            base_optimizer=draw(st.sampled_from(["sgd", "adam"]), label="base_optimizer"),
            base_lr=draw(st.sampled_from([0.01, 0.1, 1.0]), label="base_lr"),
            kind=draw(st.sampled_from(KINDS), label="kind"),
            features=draw(st.integers(2, 12), label="features"),
            examples=draw(st.integers(2, 24), label="examples"),
            clean=draw(st.integers(2, 16), label="clean"),
            hidden=draw(st.integers(1, 5), label="hidden"),
            direct=draw(st.booleans(), label="direct"),
        )
        return Problem(drawn, seed=draw(st.integers(0, 10_000), label="seed"))

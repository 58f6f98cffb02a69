"""What every learner of the bilevel family shares: state, base training, meta-step, evaluation.

The base model's parameters theta train on the base loss, which the meta-parameters lambda shape;
the meta loss judges the trained base model on clean data. A meta-step takes `unroll` base steps and
then moves lambda along the hypergradient

    dL_meta/dlambda + (dtheta/dlambda)^T dL_meta/dtheta.

How the second term, the response, is formed is all that the learners differ in.
"""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import ClassVar, TypeVar

import torch
from torch import Tensor

from harness.declare.learner import Gradient, Learner, Params
from harness.declare.outer import AdamState, Rules, SgdState
from suites.bilevel import Bilevel, BilevelBatch

Vector = Sequence[Tensor]
"""A vector of the base model's parameter space, one tensor a parameter."""

Name = TypeVar("Name")

OPTIMIZERS: dict[str, type[AdamState] | type[SgdState]] = {
    "adam": AdamState,
    "adamw": AdamState,
    "sgd": SgdState,
}


@dataclass(frozen=True)
class BilevelState:
    """Base and meta parameters under their optimizers, and the base model's buffers."""

    base: AdamState | SgdState
    meta: AdamState
    buffers: Params


@dataclass(frozen=True)
class Trained:
    """The base model after its steps."""

    base: AdamState | SgdState
    buffers: Params


@dataclass(frozen=True)
class BilevelLearner(Learner):
    """A learner of the bilevel family."""

    workload: Bilevel

    family: ClassVar[str] = "bilevel"

    def init(self, seed: int) -> BilevelState:
        params, buffers = self.workload.initial_base(seed)
        base = OPTIMIZERS[self.workload.base_optimizer].start(params)
        return BilevelState(base, AdamState.start(self.workload.initial(seed)), buffers)

    @abstractmethod
    def advance(self, state: BilevelState, batch: BilevelBatch) -> tuple[Trained, Gradient]:
        """Take the base steps; return the base model after them, and the hypergradient there."""

    def step(self, state: BilevelState, batch: BilevelBatch) -> tuple[BilevelState, Tensor]:
        trained, gradient = self.advance(state, batch)
        meta = state.meta.update(gradient.grads, self.workload.meta_lr)
        return BilevelState(trained.base, meta, trained.buffers), gradient.loss

    def meta_gradient(self, state: BilevelState, batch: BilevelBatch) -> Gradient:
        return self.advance(state, batch)[1]

    def adapt(self, state: BilevelState, batch: BilevelBatch) -> Params:
        """Return the base model after training on the batch under the learned meta-parameters."""
        trained = self.trained(state, batch)
        return {**trained.base.params, **trained.buffers}

    def evaluate(self, state: BilevelState, batch: BilevelBatch) -> Tensor:
        adapted = self.adapt(state, batch)
        with torch.no_grad():
            return self.workload.quality(adapted, batch.meta)

    def trained(self, state: BilevelState, batch: BilevelBatch) -> Trained:
        """Train the base model on the batch's base batches, one step each."""
        base, buffers = state.base, copies(state.buffers)
        for step in range(len(batch.base)):
            grads = self.base_gradients(base.params, buffers, state.meta.params, batch, step)
            base = base.update(grads, self.rules(grads))
        return Trained(base, buffers)

    def base_gradients(
        self, params: Params, buffers: Params, meta: Params, batch: BilevelBatch, step: int
    ) -> Params:
        """Return what a base step follows; running statistics move in the buffers given."""
        params = differentiable(params)
        return gradients(self.base_loss(params, buffers, meta, batch, step), params)

    def base_loss(
        self, params: Params, buffers: Params, meta: Params, batch: BilevelBatch, step: int
    ) -> Tensor:
        """Return the loss of a base step; wherever it is taken again, the same is drawn."""
        with self.workload.drawing(batch, "base", step):
            return self.workload.base_loss({**params, **buffers}, meta, batch.base[step])

    def meta_loss(
        self, params: Params, buffers: Params, meta: Params, batch: BilevelBatch
    ) -> Tensor:
        with self.workload.drawing(batch, "meta"):
            return self.workload.meta_loss({**params, **buffers}, meta, batch.meta)

    def meta_gradients(
        self, params: Params, buffers: Params, meta: Params, batch: BilevelBatch
    ) -> tuple[Tensor, Params, Params]:
        """Return the meta loss and its partial gradients by the base and by the meta parameters."""
        params, meta = differentiable(params), differentiable(meta)
        loss = self.meta_loss(params, copies(buffers), meta, batch)
        both = enumerate([*params.values(), *meta.values()])
        grads = list(gradients(loss, dict(both)).values())
        by_base = dict(zip(params, grads, strict=False))
        by_meta = dict(zip(meta, grads[len(params) :], strict=True))
        return loss.detach(), by_base, by_meta

    def rules(self, params: Params) -> Rules:
        return {name: self.workload.base_rule(name) for name in params}


@dataclass(frozen=True)
class HypergradientLearner(BilevelLearner):
    """A learner that forms the response where the base steps ended, whatever the way there."""

    @abstractmethod
    def response(
        self, trained: Trained, meta: Params, batch: BilevelBatch, vector: Params
    ) -> Params:
        """Return (dtheta/dlambda)^T vector at the trained base model, by the last base batch."""

    def advance(self, state: BilevelState, batch: BilevelBatch) -> tuple[Trained, Gradient]:
        trained = self.trained(state, batch)
        return trained, self.hypergradient(trained, state.meta.params, batch)

    def hypergradient(self, trained: Trained, meta: Params, batch: BilevelBatch) -> Gradient:
        params, buffers = trained.base.params, trained.buffers
        loss, vector, direct = self.meta_gradients(params, buffers, meta, batch)
        response = self.response(trained, meta, batch, vector)
        return Gradient(loss, {name: g + response[name] for name, g in direct.items()})

    def last_base_loss(
        self, params: Params, trained: Trained, meta: Params, batch: BilevelBatch
    ) -> Tensor:
        """Return the last base step's loss, leaving running statistics where training left them."""
        return self.base_loss(params, copies(trained.buffers), meta, batch, len(batch.base) - 1)


@dataclass(frozen=True)
class ImplicitLearner(HypergradientLearner):
    """A learner by the implicit function theorem.

    At a minimum of the base loss, where its Hessian is H, the response to a vector v is

        (dtheta/dlambda)^T v = -(d^2 L_base / dlambda dtheta) H^-1 v.
    """

    @abstractmethod
    def solve(self, product: Callable[[Vector], Vector], vector: Vector) -> Vector:
        """Return about H^-1 vector, given the product of H with a vector."""

    def response(
        self, trained: Trained, meta: Params, batch: BilevelBatch, vector: Params
    ) -> Params:
        params, meta = differentiable(trained.base.params), differentiable(meta)
        loss = self.last_base_loss(params, trained, meta, batch)
        slopes = gradients(loss, params, create_graph=True)

        def product(direction: Vector) -> Vector:
            along = dot(list(slopes.values()), direction)
            return list(gradients(along, params, retain_graph=True).values())

        solution = self.solve(product, list(vector.values()))
        mixed = gradients(dot(list(slopes.values()), solution), meta)
        return {name: -g for name, g in mixed.items()}


def gradients(
    of: Tensor,
    by: Mapping[Name, Tensor],
    create_graph: bool = False,
    retain_graph: bool | None = None,
) -> dict[Name, Tensor]:
    """Return the gradient by every tensor, zero for one that has no part in it."""
    if not of.requires_grad:
        return {name: torch.zeros_like(value) for name, value in by.items()}
    grads = torch.autograd.grad(
        of,
        list(by.values()),
        create_graph=create_graph,
        retain_graph=retain_graph,
        materialize_grads=True,
    )
    return dict(zip(by, grads, strict=True))


def differentiable(params: Params) -> Params:
    """Return the same values as leaves of a new graph."""
    return {name: p.detach().requires_grad_() for name, p in params.items()}


def copies(tensors: Params) -> Params:
    return {name: value.clone() for name, value in tensors.items()}


def dot(left: Vector, right: Vector) -> Tensor:
    return torch.stack([(a * b).sum() for a, b in zip(left, right, strict=True)]).sum()

"""Learners that owe less than the exact gradient; a plugin of the tests."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass
from typing import Any, ClassVar

import torch
from torch import Tensor

from baselines.reference_maml import ReferenceMaml
from harness.declare.equivalence import Approximate, Equivalence, Exact, InTheLimit
from harness.declare.learner import Gradient, Learner, Params
from harness.declare.outer import AdamState
from harness.registry import method
from suites.fewshot import Tasks


def first_order(learner: Learner, state: AdamState, batch: Tasks) -> Gradient:
    workload = dataclasses.replace(learner.workload, first_order=True)
    return ReferenceMaml(workload).meta_gradient(state, batch)


@method("honest_approximation")
@dataclass(frozen=True)
class HonestApproximation(ReferenceMaml):
    """First-order MAML, which is what it says it is, and MAML where nothing is adapted."""

    equivalence: ClassVar[Equivalence] = Approximate("first_order")
    corners: ClassVar[tuple[dict[str, Any], ...]] = ({"workload.inner_steps": 0},)

    def meta_gradient(self, state: AdamState, batch: Tasks) -> Gradient:
        return first_order(self, state, batch)


@method("not_its_definition")
@dataclass(frozen=True)
class NotItsDefinition(ReferenceMaml):
    """Says that it is first-order MAML, and is not."""

    equivalence: ClassVar[Equivalence] = Approximate("first_order")


@method("wrong_at_its_corner")
@dataclass(frozen=True)
class WrongAtItsCorner(ReferenceMaml):
    """Is exact, but not at the setting where it says that it falls back to the oracle."""

    scale: float = 1.0

    equivalence: ClassVar[Equivalence] = Exact()
    corners: ClassVar[tuple[dict[str, Any], ...]] = ({"scale": 2.0},)

    def meta_gradient(self, state: AdamState, batch: Tasks) -> Gradient:
        loss, grads = super().meta_gradient(state, batch)
        return Gradient(loss, {name: g * self.scale for name, g in grads.items()})


@method("rough_in_float32")
@dataclass(frozen=True)
class RoughInFloat32(ReferenceMaml):
    """Is exact in float64, and off by one part in two thousand in float32."""

    def meta_gradient(self, state: AdamState, batch: Tasks) -> Gradient:
        loss, grads = super().meta_gradient(state, batch)
        off = 5e-4 if loss.dtype == torch.float32 else 0.0
        return Gradient(loss, {name: g * (1 + off) for name, g in grads.items()})


@method("falls_linearly")
@dataclass(frozen=True)
class FallsLinearly(ReferenceMaml):
    """Has an error that falls with its knob, as it says."""

    knob: float = 0.1

    equivalence: ClassVar[Equivalence] = InTheLimit("knob", (1e-2, 1e-4), order=1.0)

    def meta_gradient(self, state: AdamState, batch: Tasks) -> Gradient:
        loss, grads = super().meta_gradient(state, batch)
        scale = max(float(g.abs().max()) for g in grads.values())
        return Gradient(
            loss, {n: g + self.knob * scale * torch.ones_like(g) for n, g in grads.items()}
        )


@method("boasts_of_its_order")
@dataclass(frozen=True)
class BoastsOfItsOrder(FallsLinearly):
    """Says second order, and is of the first."""

    equivalence: ClassVar[Equivalence] = InTheLimit("knob", (1e-2, 1e-4), order=2.0)


@dataclass(frozen=True)
class Momentum(AdamState):
    """Adam's state, and the latest gradient."""

    latest: Params


def with_momentum(learner: Learner, state: Momentum, batch: Tasks) -> Gradient:
    loss, grads = ReferenceMaml(learner.workload).meta_gradient(state, batch)
    return Gradient(loss, {name: g + state.latest[name] for name, g in grads.items()})


@method("forgets")
@dataclass(frozen=True)
class Forgets(ReferenceMaml):
    """Says that it adds the latest meta-step's gradient, and never does."""

    equivalence: ClassVar[Equivalence] = Approximate("with_momentum")

    def init(self, seed: int) -> Momentum:
        adam = super().init(seed)
        nothing = {name: torch.zeros_like(p) for name, p in adam.params.items()}
        return Momentum(**vars(adam), latest=nothing)

    def step(self, state: Momentum, batch: Tasks) -> tuple[Momentum, Tensor]:  # type: ignore[override]  # a state of its own
        gradient = self.meta_gradient(state, batch)
        adam, loss = super().step(state, batch)
        return Momentum(**(vars(state) | vars(adam)) | {"latest": gradient.grads}), loss


@method("breaks")
@dataclass(frozen=True)
class Breaks(Forgets):
    """Says the same, and is not finite as soon as there is a latest gradient."""

    def meta_gradient(self, state: Momentum, batch: Tasks) -> Gradient:  # type: ignore[override]  # a state of its own
        if not any(g.any() for g in state.latest.values()):
            return super().meta_gradient(state, batch)
        return Gradient(torch.tensor(0.0), {n: g * torch.nan for n, g in state.latest.items()})

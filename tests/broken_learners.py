"""Learners that each break one clause of the contract, in one way."""

from __future__ import annotations

import dataclasses
import random
from dataclasses import dataclass, field
from typing import Any

import numpy
import torch
from torch import Tensor

from baselines.reference_maml import ReferenceMaml
from harness.declare.learner import Gradient, Params
from harness.declare.outer import AdamState
from harness.registry import method
from suites.fewshot import Tasks


@method("starts_elsewhere")
@dataclass(frozen=True)
class StartsElsewhere(ReferenceMaml):
    def init(self, seed: int) -> AdamState:
        state = super().init(seed)
        return AdamState.start({name: p + 1e-12 for name, p in state.params.items()})


@method("starts_alike")
@dataclass(frozen=True)
class StartsAlike(ReferenceMaml):
    def init(self, seed: int) -> AdamState:
        return super().init(0)


@method("has_own_tasks")
@dataclass(frozen=True)
class HasOwnTasks(ReferenceMaml):
    def __post_init__(self) -> None:
        more = dataclasses.replace(self.workload, meta_batch=self.workload.meta_batch + 1)
        object.__setattr__(self, "workload", more)


@method("changes_state")
@dataclass(frozen=True)
class ChangesState(ReferenceMaml):
    def step(self, state: AdamState, batch: Tasks) -> tuple[AdamState, Tensor]:
        after, loss = super().step(state, batch)
        state.second["head.bias"].mul_(1 + 1e-12)
        return after, loss


@method("leaves_gradients")
@dataclass(frozen=True)
class LeavesGradients(ReferenceMaml):
    def meta_gradient(self, state: AdamState, batch: Tasks) -> Gradient:
        found = super().meta_gradient(state, batch)
        state.params["head.bias"].grad = found.grads["head.bias"]
        return found


@method("changes_batch")
@dataclass(frozen=True)
class ChangesBatch(ReferenceMaml):
    def adapt(self, state: AdamState, batch: Tasks) -> list[Params]:
        batch.support_x[0, 0] = 0
        return super().adapt(state, batch)


@method("draws_from_torch")
@dataclass(frozen=True)
class DrawsFromTorch(ReferenceMaml):
    def step(self, state: AdamState, batch: Tasks) -> tuple[AdamState, Tensor]:
        torch.rand(())
        return super().step(state, batch)


@method("draws_from_numpy")
@dataclass(frozen=True)
class DrawsFromNumpy(ReferenceMaml):
    def evaluate(self, state: AdamState, batch: Tasks) -> Tensor:
        numpy.random.rand()  # noqa: NPY002  # what it must be found to do
        return super().evaluate(state, batch)


@method("draws_from_python")
@dataclass(frozen=True)
class DrawsFromPython(ReferenceMaml):
    def init(self, seed: int) -> AdamState:
        random.random()
        return super().init(seed)


@method("is_inexact")
@dataclass(frozen=True)
class IsInexact(ReferenceMaml):
    def meta_gradient(self, state: AdamState, batch: Tasks) -> Gradient:
        loss, grads = super().meta_gradient(state, batch)
        return Gradient(loss, {name: 1.00001 * g for name, g in grads.items()})


@method("steps_otherwise")
@dataclass(frozen=True)
class StepsOtherwise(ReferenceMaml):
    def step(self, state: AdamState, batch: Tasks) -> tuple[AdamState, Tensor]:
        loss, grads = self.meta_gradient(state, batch)
        return state.update(grads, 1.01 * self.workload.outer_lr), loss


@method("reports_another_loss")
@dataclass(frozen=True)
class ReportsAnotherLoss(ReferenceMaml):
    def step(self, state: AdamState, batch: Tasks) -> tuple[AdamState, Tensor]:
        after, loss = super().step(state, batch)
        return after, loss * len(batch) + 1


@method("evaluates_otherwise")
@dataclass(frozen=True)
class EvaluatesOtherwise(ReferenceMaml):
    def evaluate(self, state: AdamState, batch: Tasks) -> Tensor:
        return super().evaluate(state, batch) + 0.01


@method("remembers_steps")
@dataclass(frozen=True)
class RemembersSteps(ReferenceMaml):
    taken: list[Any] = field(default_factory=list)

    def step(self, state: AdamState, batch: Tasks) -> tuple[AdamState, Tensor]:
        self.taken.append(state)
        loss, grads = self.meta_gradient(state, batch)
        return state.update(grads, self.workload.outer_lr + 1e-9 * len(self.taken)), loss


@method("seeds_by_the_world")
@dataclass(frozen=True)
class SeedsByTheWorld(ReferenceMaml):
    def step(self, state: AdamState, batch: Tasks) -> tuple[AdamState, Tensor]:
        with torch.random.fork_rng():
            noise = 1e-9 * torch.rand(())
        loss, grads = self.meta_gradient(state, batch)
        return state.update(grads, self.workload.outer_lr + float(noise)), loss


@method("learns_from_evaluation")
@dataclass(frozen=True)
class LearnsFromEvaluation(ReferenceMaml):
    seen: list[Any] = field(default_factory=list)

    def evaluate(self, state: AdamState, batch: Tasks) -> Tensor:
        self.seen.append(state)
        return super().evaluate(state, batch)

    def step(self, state: AdamState, batch: Tasks) -> tuple[AdamState, Tensor]:
        loss, grads = self.meta_gradient(state, batch)
        return state.update(grads, self.workload.outer_lr + 1e-9 * len(self.seen)), loss


@method("holds_its_graph")
@dataclass(frozen=True)
class HoldsItsGraph(ReferenceMaml):
    def meta_gradient(self, state: AdamState, batch: Tasks) -> Gradient:
        loss, grads = super().meta_gradient(state, batch)
        return Gradient(loss * torch.ones((), requires_grad=True), grads)


@method("averages_quality")
@dataclass(frozen=True)
class AveragesQuality(ReferenceMaml):
    def evaluate(self, state: AdamState, batch: Tasks) -> Tensor:
        return super().evaluate(state, batch).mean()


@method("returns_losses")
@dataclass(frozen=True)
class ReturnsLosses(ReferenceMaml):
    def step(self, state: AdamState, batch: Tasks) -> tuple[AdamState, Tensor]:
        after, loss = super().step(state, batch)
        return after, loss[None]


@method("renames_gradients")
@dataclass(frozen=True)
class RenamesGradients(ReferenceMaml):
    def meta_gradient(self, state: AdamState, batch: Tasks) -> Gradient:
        loss, grads = super().meta_gradient(state, batch)
        return Gradient(loss, {f"module.{name}": g for name, g in grads.items()})

    def step(self, state: AdamState, batch: Tasks) -> tuple[AdamState, Tensor]:
        loss, grads = super().meta_gradient(state, batch)
        return state.update(grads, self.workload.outer_lr), loss


@method("gradients_in_float32")
@dataclass(frozen=True)
class GradientsInFloat32(ReferenceMaml):
    def meta_gradient(self, state: AdamState, batch: Tasks) -> Gradient:
        loss, grads = super().meta_gradient(state, batch)
        return Gradient(loss, {name: g.float() for name, g in grads.items()})

    def step(self, state: AdamState, batch: Tasks) -> tuple[AdamState, Tensor]:
        loss, grads = super().meta_gradient(state, batch)
        return state.update(grads, self.workload.outer_lr), loss

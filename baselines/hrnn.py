"""What every implementation of the hierarchical RNN optimizer shares: state and meta-update.

An implementation says how it goes through an unroll and how it runs the optimizer; all else is
here, so that a pair differs in nothing else.
"""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

import torch
from torch import Tensor

from baselines.inner_learner import of_family
from harness.declare.learner import Gradient, Learner, Params
from harness.errors import MeasurementError
from suites.hrnn import Standing, Start
from suites.optimizer_training import MetaBatch, OptimizerTraining, Run, entered

MOST_SLOPE = 1e4
DECAY, EPSILON = 0.9, 1e-20


@dataclass(frozen=True)
class RmsPropState:
    """Weights under RMSProp as TensorFlow has it.

        ms <- .9 ms + .1 g^2        p <- p - rate g / sqrt(ms + 1e-20)        ms begins at 1

    In torch.optim.RMSprop the mean begins at 0 and the epsilon stands outside the root.
    """

    params: Params
    mean_square: Params

    @classmethod
    def start(cls, params: Params) -> RmsPropState:
        return cls(params, {name: torch.ones_like(p) for name, p in params.items()})

    def update(self, grads: Params, rate: float) -> RmsPropState:
        """Return the state after one step; this one is left as it was."""
        mean_square = {
            name: DECAY * ms + (1 - DECAY) * grads[name] ** 2
            for name, ms in self.mean_square.items()
        }
        params = {
            name: p - rate * grads[name] / (mean_square[name] + EPSILON).sqrt()
            for name, p in self.params.items()
        }
        return RmsPropState(params, mean_square)


@dataclass(frozen=True)
class HrnnState:
    """The optimizer's weights, and where the last unroll's tasks stand; None is one that diverged.

    Where tasks began the last unroll is kept only if later runs take over from there.
    """

    outer: RmsPropState
    ended: tuple[Standing | None, ...] = ()
    began: tuple[Standing | None, ...] = ()
    dropped: int = 0
    """Tasks that have diverged so far, each counted once a run."""
    redone: int = 0
    """Unrolls of tasks that an accelerated learner had to take again plainly."""


@dataclass(frozen=True)
class Unrolled:
    """What an unroll gave: the sum over its tasks of losses and gradients, and where they stand.

    The standings, by task, are free of any graph; None is a task that has diverged.
    """

    loss: Tensor
    grads: Params
    ended: tuple[Standing | None, ...]
    redone: int = 0
    """Tasks whose unroll was taken a second time, plainly."""

    @property
    def left(self) -> int:
        return sum(standing is not None for standing in self.ended)


@dataclass(frozen=True)
class HrnnLearner(Learner):
    """A learner of the family of the hierarchical RNN optimizer."""

    workload: OptimizerTraining

    family: ClassVar[str] = "hrnn"

    @abstractmethod
    def through_unroll(
        self, params: Params, batch: MetaBatch, starts: Sequence[Start | None]
    ) -> Unrolled:
        """Go through an unroll with those tasks that have a start."""

    @abstractmethod
    def adapt(self, state: HrnnState, batch: MetaBatch) -> Run:
        """Run the optimizer on tasks from their start, over all steps of the batch."""

    def init(self, seed: int) -> HrnnState:
        return HrnnState(RmsPropState.start(self.workload.initial(seed)))

    def step(self, state: HrnnState, batch: MetaBatch) -> tuple[HrnnState, Tensor]:
        starts = self._starts(state, batch)
        (loss, grads), unrolled = self._mean(state, batch, starts)
        return HrnnState(
            state.outer.update(grads, self.workload.meta_lr),
            unrolled.ended,
            self._began(state, batch, starts) if self.workload.state == "carry" else (),
            state.dropped + sum(start is not None for start in starts) - unrolled.left,
            state.redone + unrolled.redone,
        ), loss

    def meta_gradient(self, state: HrnnState, batch: MetaBatch) -> Gradient:
        return self._mean(state, batch, self._starts(state, batch))[0]

    def evaluate(self, state: HrnnState, batch: MetaBatch) -> Tensor:
        return self.adapt(state, batch).gained

    def watched(self, state: HrnnState) -> dict[str, float]:
        return {"tasks diverged": float(state.dropped), "unrolls redone": float(state.redone)}

    def _mean(
        self, state: HrnnState, batch: MetaBatch, starts: Sequence[Start | None]
    ) -> tuple[Gradient, Unrolled]:
        """Return means: of the losses that are left, and over all tasks of gradients, 0 or not."""
        unrolled = self.through_unroll(state.outer.params, batch, starts)
        lost = len(batch) - unrolled.left
        if self.workload.diverged == "raise" and lost:
            raise MeasurementError(
                f"{lost} of {len(batch)} tasks diverged in unroll {batch.unroll}. "
                "Set diverged = drop to go on without them, or take a smaller meta_lr."
            )
        grads = {name: g / len(batch) for name, g in unrolled.grads.items()}
        return Gradient(unrolled.loss / max(1, unrolled.left), grads), unrolled

    def _began(
        self, state: HrnnState, batch: MetaBatch, starts: Sequence[Start | None]
    ) -> tuple[Standing | None, ...]:
        begun, params = self.workload.hrnn.begun, state.outer.params
        return tuple(
            None if start is None else begun(params, start, len(task.objective.sizes)).detached()
            for task, start in zip(batch.tasks, starts, strict=True)
        )

    def _starts(self, state: HrnnState, batch: MetaBatch) -> tuple[Start | None, ...]:
        return entered(self.workload, batch, state.ended, state.began)


def sanitised(gradient: Tensor) -> Tensor:
    """Return a task's gradient with what is not finite set to 0, each entry within 1e4."""
    finite = torch.where(gradient.isfinite(), gradient, 0.0)
    return finite.clamp(-MOST_SLOPE, MOST_SLOPE)


def hrnn_named(name: str) -> type[HrnnLearner]:
    """Return an implementation of the optimizer's training by its name."""
    found: type[HrnnLearner] = of_family(name, HrnnLearner.family, "hrnn_optimizer or hrnn_product")
    return found

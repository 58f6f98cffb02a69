"""The hand-made optimizers that a learned one must beat: SGD, Nesterov, RMSprop and Adam.

They are torch's, with torch's settings but for the rate, and momentum 0.9 for Nesterov. The rate is
the one of RATES with the least mean of summed losses on validation functions; it is found once,
before the first step. Nothing else is learned, so a step changes nothing.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import ClassVar, Literal

import torch
from torch import Tensor
from torch.optim import SGD, Adam, Optimizer, RMSprop

from baselines.rnn import run_together
from harness.declare.equivalence import Approximate, Equivalence
from harness.declare.learner import Gradient, Learner, Params
from harness.errors import MeasurementError
from harness.registry import baseline
from suites.learned_optimization import Functions, LearnedOptimization, Run

Make = Callable[[list[Tensor], float], Optimizer]

OPTIMIZERS: dict[str, Make] = {
    "sgd": lambda tensors, rate: SGD(tensors, rate),
    "nesterov": lambda tensors, rate: SGD(tensors, rate, momentum=0.9, nesterov=True),
    "rmsprop": lambda tensors, rate: RMSprop(tensors, rate),
    "adam": lambda tensors, rate: Adam(tensors, rate),
}
RATES = tuple(10 ** (-4 + k / 8) for k in range(33))
"""The rates of the search: eight to a decade, from 1e-4 to 1."""


@dataclass(frozen=True)
class HandTunedState:
    """The rate that was found, and the weights of a learned optimizer, which nobody asks."""

    rate: float
    weights: Params


def unmoved(learner: HandTuned, state: HandTunedState, batch: Functions) -> Gradient:
    """What it claims to compute: torch's optimizer on one function after another."""
    total = torch.zeros_like(batch.start.theta[0, 0])
    for index in range(len(batch)):
        theta = batch.start.theta[index].clone().requires_grad_()
        optimizer = OPTIMIZERS[learner.optimizer]([theta], state.rate)
        for data in list(batch.of(index))[: batch.steps]:
            optimizer.zero_grad()
            loss = batch.optimizee.loss(theta, data)
            loss.backward()
            optimizer.step()
            total = total + loss.detach() / len(batch)
    return Gradient(total, {name: torch.zeros_like(p) for name, p in state.weights.items()})


@baseline("hand_tuned")
@dataclass(frozen=True)
class HandTuned(Learner):
    """SGD, Nesterov, RMSprop or Adam with its rate tuned: what a learned optimizer must beat."""

    workload: LearnedOptimization
    optimizer: Literal["sgd", "nesterov", "rmsprop", "adam"] = "adam"
    tuned_on: int = 100
    """Validation functions of the search for a rate."""

    family: ClassVar[str] = "rnn"
    equivalence: ClassVar[Equivalence] = Approximate("unmoved")

    def __post_init__(self) -> None:
        if self.tuned_on < 1:
            raise ValueError(f"tuned_on = {self.tuned_on} must be at least 1")

    def init(self, seed: int) -> HandTunedState:
        functions = self.workload.eval_batch(seed, "valid", 0, self.tuned_on)
        return HandTunedState(self.tuned(functions), self.workload.initial(seed))

    def step(self, state: HandTunedState, batch: Functions) -> tuple[HandTunedState, Tensor]:
        return state, self.meta_gradient(state, batch).loss

    def meta_gradient(self, state: HandTunedState, batch: Functions) -> Gradient:
        loss = self.adapt(state, batch).summed.mean()
        return Gradient(loss, {name: torch.zeros_like(p) for name, p in state.weights.items()})

    def adapt(self, state: HandTunedState, batch: Functions) -> Run:
        return self.run(state.rate, batch)

    def evaluate(self, state: HandTunedState, batch: Functions) -> Tensor:
        return self.adapt(state, batch).summed

    def tuned(self, functions: Functions) -> float:
        """Return the rate with the least mean of summed losses; one that diverges has none."""
        reached = {rate: float(self.run(rate, functions).summed.mean()) for rate in RATES}
        finite = {rate: mean for rate, mean in reached.items() if math.isfinite(mean)}
        if not finite:
            raise MeasurementError(f"{self.optimizer} diverges at every rate of the search")
        return min(finite, key=finite.__getitem__)

    def run(self, rate: float, functions: Functions) -> Run:
        """Run on functions from their start, over all steps of the batch."""
        own = functions.start.theta.clone()
        optimizer = OPTIMIZERS[self.optimizer]([own], rate)

        def move(theta: Tensor, gradient: Tensor) -> Tensor:
            own.grad = gradient
            optimizer.step()
            return own.clone()

        return run_together(functions, move)

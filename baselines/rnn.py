"""What every implementation of the RNN optimizer shares: state, the outer step, and evaluation.

An implementation says how it goes through a window and how it runs the optimizer; all else is here,
so that a pair differs in nothing else.
"""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Callable
from dataclasses import dataclass
from typing import ClassVar

import torch
from torch import Tensor
from torch.func import grad_and_value, vmap

from harness.declare.learner import Gradient, Learner, Params
from harness.declare.outer import AdamState
from suites.learned_optimization import Functions, LearnedOptimization, Position, Run
from suites.lstm import States


@dataclass(frozen=True)
class RnnState:
    """The optimizer's weights under Adam, and where the last window's functions stand."""

    outer: AdamState
    position: Position | None = None


@dataclass(frozen=True)
class RnnLearner(Learner):
    """A learner of the RNN-optimizer family."""

    workload: LearnedOptimization

    family: ClassVar[str] = "rnn"

    @abstractmethod
    def through_window(
        self, params: Params, start: Position, batch: Functions
    ) -> tuple[Gradient, Position]:
        """Return the gradient of the mean over functions of the window's summed loss.

        And where the functions stand at the window's end. Both are free of any graph.
        """

    @abstractmethod
    def adapt(self, state: RnnState, batch: Functions) -> Run:
        """Run the optimizer on functions from their start, over all steps of the batch."""

    def init(self, seed: int) -> RnnState:
        return RnnState(AdamState.start(self.workload.initial(seed)))

    def step(self, state: RnnState, batch: Functions) -> tuple[RnnState, Tensor]:
        start = batch.entered_from(state.position)
        (loss, grads), end = self.through_window(state.outer.params, start, batch)
        return RnnState(state.outer.update(grads, self.workload.outer_lr), end), loss

    def meta_gradient(self, state: RnnState, batch: Functions) -> Gradient:
        start = batch.entered_from(state.position)
        return self.through_window(state.outer.params, start, batch)[0]

    def evaluate(self, state: RnnState, batch: Functions) -> Tensor:
        return self.adapt(state, batch).summed


def run_together(functions: Functions, move: Callable[[Tensor, Tensor], Tensor]) -> Run:
    """Run an optimizer on all functions in one tensor, over all steps of the batch.

    Given coordinates and their gradient, `move` returns the next coordinates. It must treat every
    coordinate by itself; then the functions run as each would alone.
    """
    of_each = vmap(grad_and_value(functions.optimizee.loss))
    theta, losses = functions.start.theta, []
    for evaluation in range(functions.steps):
        gradient, loss = of_each(theta, functions.at(evaluation))
        losses.append(loss)
        theta = move(theta, gradient)
    losses.append(vmap(functions.optimizee.loss)(theta, functions.at(functions.steps)))
    return Run(theta, torch.stack(losses, dim=1))


@torch.no_grad()
def run_learned(workload: LearnedOptimization, params: Params, functions: Functions) -> Run:
    """Run a learned optimizer on all functions in one tensor."""

    def in_a_row(states: States) -> States:
        return tuple(state.flatten(0, 1) for state in states)

    hidden, cell = in_a_row(functions.start.hidden), in_a_row(functions.start.cell)

    def move(theta: Tensor, gradient: Tensor) -> Tensor:
        nonlocal hidden, cell
        step, hidden, cell = workload.lstm(params, gradient.flatten(), hidden, cell)
        return theta + step.view_as(theta)

    return run_together(functions, move)

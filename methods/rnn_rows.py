"""The coordinatewise LSTM optimizer with all coordinates of all functions as rows of one matrix.

The functions of a batch differ in their data alone, so their losses are one vmapped call, and the
LSTM, which treats every coordinate by itself, is given all of them at once. Nothing is
approximated. With a single function at a time, as in the paper, there is nothing to put together.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import torch
from torch import Tensor
from torch.func import vmap

from baselines.rnn import RnnLearner, RnnState, run_learned
from harness.declare.equivalence import Equivalence, Exact
from harness.declare.learner import Gradient, Params
from harness.registry import method
from suites.learned_optimization import Functions, Position, Run
from suites.lstm import States


@method("rnn_rows")
@dataclass(frozen=True)
class RnnRows(RnnLearner):
    """The RNN optimizer (Andrychowicz et al. 2016), all functions' coordinates in one matrix."""

    equivalence: ClassVar[Equivalence] = Exact()

    def through_window(
        self, params: Params, start: Position, batch: Functions
    ) -> tuple[Gradient, Position]:
        params = {name: p.detach().requires_grad_() for name, p in params.items()}
        of_each = vmap(batch.optimizee.loss)
        theta, shape = start.theta.detach().requires_grad_(), start.theta.shape
        hidden, cell = _rows(start.hidden), _rows(start.cell)
        losses: list[Tensor] = []
        for evaluation in range(batch.steps):
            losses.append(of_each(theta, batch.at(evaluation)).sum())
            (gradient,) = torch.autograd.grad(losses[-1], theta, retain_graph=True)
            step, hidden, cell = self.workload.lstm(params, gradient.flatten(), hidden, cell)
            theta = theta + step.view(shape)
        if self.workload.loss_after_last:
            losses.append(of_each(theta, batch.at(batch.steps)).sum())
        loss = torch.stack(losses).sum() / len(batch)
        grads = torch.autograd.grad(loss, list(params.values()))
        end = Position(theta, _unflattened(hidden, shape), _unflattened(cell, shape))
        return Gradient(loss.detach(), dict(zip(params, grads, strict=True))), end.detached()

    def adapt(self, state: RnnState, batch: Functions) -> Run:
        return run_learned(self.workload, state.outer.params, batch)


def _rows(states: States) -> States:
    return tuple(state.flatten(0, 1) for state in states)


def _unflattened(states: States, shape: torch.Size) -> States:
    return tuple(state.unflatten(0, shape) for state in states)

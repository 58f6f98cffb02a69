"""The RNN optimizer written plainly: the oracle that every other implementation is held to.

    theta_{t+1} = theta_t + g_t,   (g_t, h_{t+1}) = m(grad f(theta_t), h_t; phi)

The meta-loss of a window is the sum of f(theta_t) over its steps; the gradients that enter m are
detached, so it is differentiated by phi along the steps alone.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import torch
from torch import Tensor

from baselines.rnn import RnnLearner, RnnState
from harness.declare.learner import Gradient, Params
from harness.registry import baseline
from suites.learned_optimization import Functions, Position, Run
from suites.optimizees import Data, Optimizee


@baseline("rnn_optimizer")
@dataclass(frozen=True)
class RnnOptimizer(RnnLearner):
    """The RNN optimizer (Andrychowicz et al. 2016) in plain PyTorch, one function after another."""

    def through_window(
        self, params: Params, start: Position, batch: Functions
    ) -> tuple[Gradient, Position]:
        params = {name: p.detach().requires_grad_() for name, p in params.items()}
        mean_loss = torch.zeros_like(start.theta[0, 0])
        mean_grads = [torch.zeros_like(p) for p in params.values()]
        ends = []
        for index in range(len(batch)):
            losses, end = self._window(
                params, start.one(index), batch.optimizee, list(batch.of(index))
            )
            loss = losses.sum() / len(batch)
            grads = torch.autograd.grad(loss, list(params.values()))
            mean_loss = mean_loss + loss.detach()
            mean_grads = [a + b for a, b in zip(mean_grads, grads, strict=True)]
            ends.append(end.detached())
        gradient = Gradient(mean_loss, dict(zip(params, mean_grads, strict=True)))
        return gradient, Position.stack(ends)

    def adapt(self, state: RnnState, batch: Functions) -> Run:
        runs = [
            self._run(state.outer.params, batch.start.one(index), batch.optimizee, batch.of(index))
            for index in range(len(batch))
        ]
        thetas, losses = zip(*runs, strict=True)
        return Run(torch.stack(thetas), torch.stack(losses))

    def _window(
        self, params: Params, position: Position, optimizee: Optimizee, data: list[Data]
    ) -> tuple[Tensor, Position]:
        losses = []
        for of_step in data[:-1]:
            loss, position = self._step(params, position, optimizee, of_step)
            losses.append(loss)
        if self.workload.loss_after_last:
            losses.append(optimizee.loss(position.theta, data[-1]))
        return torch.stack(losses), position

    def _run(
        self, params: Params, position: Position, optimizee: Optimizee, data: Iterator[Data]
    ) -> tuple[Tensor, Tensor]:
        losses = []
        for of_step in data:
            theta = position.theta
            loss, position = self._step(params, position, optimizee, of_step)
            position = position.detached()
            losses.append(loss.detach())
        return theta, torch.stack(losses)

    def _step(
        self, params: Params, position: Position, optimizee: Optimizee, data: Data
    ) -> tuple[Tensor, Position]:
        """Return the loss before a step, and where the step leads."""
        theta = position.theta
        if not theta.requires_grad:
            theta = theta.detach().requires_grad_()
        loss = optimizee.loss(theta, data)
        (gradient,) = torch.autograd.grad(loss, theta, retain_graph=True)
        step, hidden, cell = self.workload.lstm(params, gradient, position.hidden, position.cell)
        return loss, Position(theta + step, hidden, cell)

"""The coordinatewise LSTM optimizer's ladder: functions together in what is computed of them.

Three rungs, and what they come to together, each Exact:

    optimizer    the LSTM treats every coordinate by itself, so it is given those of all functions
                 at once, as rows of one matrix, or function after function
    objectives   the functions of a batch differ in their data alone, so their losses are one
                 vmapped call, or one call each
    ranks        functions are dealt out to ranks; one all-reduce a window sums the loss and its
                 gradient, and tells every rank where all functions stand

Nothing is approximated. With a single function at a time, as in the paper, there is nothing to put
together.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import ClassVar, Literal

import torch
from torch import Tensor
from torch.func import vmap

from baselines.flat import flat, shaped
from baselines.rnn import RnnLearner, RnnState, run_learned
from harness.declare.equivalence import Equivalence, Exact
from harness.declare.learner import Gradient, Params
from harness.declare.tree import leaves, rows
from harness.registry import method
from harness.team.communicator import Communicator
from suites.learned_optimization import Functions, Position, Run
from suites.lstm import States
from suites.optimizees import Data

Losses = Callable[[Tensor, Data], Tensor]
Moved = tuple[Tensor, States, States]


@method("rnn_rows")
@dataclass(frozen=True)
class RnnRows(RnnLearner):
    """The RNN optimizer (Andrychowicz et al. 2016), all functions' coordinates in one matrix."""

    optimizer: Literal["function", "rows"] = "rows"
    """What the LSTM is given at a time."""
    objectives: Literal["function", "batch"] = "batch"
    """What losses are computed of at a time."""

    equivalence: ClassVar[Equivalence] = Exact()
    shares: ClassVar[bool] = True

    def through_window(
        self, params: Params, start: Position, batch: Functions
    ) -> tuple[Gradient, Position]:
        team, functions = self.workload.place.team, len(batch)
        if team.size == 1:
            return self._through(params, start, batch, functions)
        mine = team.share(functions)
        own, end = Gradient(start.theta.new_zeros(()), _zeros(params)), rows(start, mine)
        if mine:
            own, end = self._through(params, end, batch.some(mine), functions)
        return _told_by_all(own, end, start, team)

    def adapt(self, state: RnnState, batch: Functions) -> Run:
        return run_learned(self.workload, state.outer.params, batch)

    def _through(
        self, params: Params, start: Position, batch: Functions, functions: int
    ) -> tuple[Gradient, Position]:
        """Go through a window with some of so many functions."""
        params = {name: p.detach().requires_grad_() for name, p in params.items()}
        losses_of, move = self._losses(batch), self._move(params)
        theta = start.theta.detach().requires_grad_()
        hidden, cell = start.hidden, start.cell
        losses: list[Tensor] = []
        for evaluation in range(batch.steps):
            losses.append(losses_of(theta, batch.at(evaluation)).sum())
            (gradient,) = torch.autograd.grad(losses[-1], theta, retain_graph=True)
            step, hidden, cell = move(gradient, hidden, cell)
            theta = theta + step
        if self.workload.loss_after_last:
            losses.append(losses_of(theta, batch.at(batch.steps)).sum())
        loss = torch.stack(losses).sum() / functions
        grads = torch.autograd.grad(loss, list(params.values()))
        end = Position(theta, hidden, cell).detached()
        return Gradient(loss.detach(), dict(zip(params, grads, strict=True))), end

    def _losses(self, batch: Functions) -> Losses:
        of_one = batch.optimizee.loss
        if self.objectives == "batch":
            together: Losses = vmap(of_one)
            return together

        def one_by_one(theta: Tensor, data: Data) -> Tensor:
            each = (dict(zip(data, one, strict=True)) for one in zip(*data.values(), strict=True))
            return torch.stack([of_one(t, one) for t, one in zip(theta, each, strict=True)])

        return one_by_one

    def _move(self, params: Params) -> Callable[[Tensor, States, States], Moved]:
        lstm = self.workload.lstm

        def in_rows(gradient: Tensor, hidden: States, cell: States) -> Moved:
            flat_states = (tuple(s.flatten(0, 1) for s in states) for states in (hidden, cell))
            step, *after = lstm(params, gradient.flatten(), *flat_states)
            shape = gradient.shape
            hidden, cell = (tuple(s.unflatten(0, shape) for s in states) for states in after)
            return step.view(shape), hidden, cell

        def one_by_one(gradient: Tensor, hidden: States, cell: States) -> Moved:
            found = [
                lstm(params, g, tuple(h[n] for h in hidden), tuple(c[n] for c in cell))
                for n, g in enumerate(gradient)
            ]
            steps, *after = zip(*found, strict=True)
            hidden, cell = (
                tuple(torch.stack(layer) for layer in zip(*states, strict=True)) for states in after
            )
            return torch.stack(steps), hidden, cell

        return in_rows if self.optimizer == "rows" else one_by_one


def _told_by_all(
    own: Gradient, end: Position, like: Position, team: Communicator
) -> tuple[Gradient, Position]:
    """Return what all ranks found, each of its own functions; a rank may have none."""
    places = []
    for whole, part in zip(leaves(like), leaves(end), strict=True):
        place = torch.zeros_like(whole)
        place[team.rank :: team.size] = part
        places.append(place)
    parts = [own.loss.view(1), flat(own.grads), *(place.flatten() for place in places)]
    buffer = torch.cat(parts)
    team.all_reduce(buffer)
    loss, gradient, *told = buffer.split([len(part) for part in parts])
    theta, *states = (found.view_as(place) for found, place in zip(told, places, strict=True))
    layers = len(like.hidden)
    stands = Position(theta, tuple(states[:layers]), tuple(states[layers:]))
    return Gradient(loss[0], shaped(gradient, own.grads)), stands


def _zeros(params: Params) -> Params:
    return {name: torch.zeros_like(p) for name, p in params.items()}

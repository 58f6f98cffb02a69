"""Tasks that go through their steps together: their objectives, and what moves them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Protocol, TypeVar

import torch
from torch import Tensor

from baselines.hrnn_cells import step as plain_step
from harness.declare.learner import Params
from methods.hrnn_objectives import Group, Objectives, grouped
from methods.hrnn_rows import Layout, Weights, step
from suites.hrnn import Hrnn, Standing, Start
from suites.optimizer_training import OptimizerTraining, Task, log_ratio

T = TypeVar("T")
Layouts = Sequence[Sequence[int]]


class Mover(Protocol):
    """The optimizer's half of a step."""

    def __call__(self, standing: Standing, gradient: Tensor, first: bool) -> Standing:
        """Move tasks, given the gradient by all coordinates. An unroll's first step says so."""


@dataclass(frozen=True)
class TensorMover:
    """Moves one tensor after another, as the baseline does."""

    hrnn: Hrnn
    params: Params
    layouts: Layouts

    def __call__(self, standing: Standing, gradient: Tensor, first: bool) -> Standing:
        gradients = gradient.split([sum(sizes) for sizes in self.layouts])
        parts = zip(standing.split(self.layouts), self.layouts, gradients, strict=True)
        moved = [plain_step(self.hrnn, self.params, one, sizes, g) for one, sizes, g in parts]
        return Standing.join(moved)


@dataclass(frozen=True)
class RowsMover:
    """Moves all coordinates as rows of one matrix."""

    hrnn: Hrnn
    weights: Weights
    layout: Layout

    def __call__(self, standing: Standing, gradient: Tensor, first: bool) -> Standing:
        unseen = self.layout.unseen(standing.rows.squares) if first else None
        return step(self.hrnn, self.weights, self.layout, standing, gradient, unseen)


@dataclass(frozen=True)
class Passed:
    """An unroll of tasks, by task: meta-objectives, with their graph, and where they stand."""

    losses: Tensor
    ended: tuple[Standing, ...]


@dataclass(frozen=True)
class Together:
    """Tasks in the order of their groups."""

    workload: OptimizerTraining
    tasks: tuple[Task, ...]
    alike: bool
    """Whether equal objectives are computed in one call."""

    @cached_property
    def _groups(self) -> list[list[int]]:
        return grouped(self.tasks, self.alike)

    @cached_property
    def _order(self) -> list[int]:
        return [number for group in self._groups for number in group]

    @cached_property
    def layouts(self) -> list[tuple[int, ...]]:
        return [self.tasks[number].objective.sizes for number in self._order]

    def begun(self, params: Params, starts: Sequence[Start]) -> Standing:
        """Return where all stand, given where each task begins."""
        ordered = [starts[number] for number in self._order]
        begun = self.workload.hrnn.begun
        return Standing.join(
            [begun(params, s, len(sizes)) for s, sizes in zip(ordered, self.layouts, strict=True)]
        )

    def through_unroll(self, move: Mover, standing: Standing, steps: int) -> Passed:
        objectives = self._objectives(self.workload.second_derivatives)
        losses = []
        for number in range(steps):
            standing = replace(standing, rows=standing.rows.led())
            rows = standing.rows
            loss, gradient = objectives.losses_and_gradient(rows.theta, rows.point, number)
            losses.append(loss)
            standing = move(standing, gradient, first=number == 0)
        first = standing.first_loss
        if first is None:
            first = losses[0].detach()
        if self.workload.listed == "all":
            losses.append(objectives.losses(standing.rows.theta))
        else:
            losses.insert(0, losses[0])
        each = log_ratio(torch.stack(losses), first).mean(0)
        ended = replace(standing, first_loss=first).detached().split(self.layouts)
        return Passed(each[self._back], tuple(self._sorted(list(ended))))

    def through_run(
        self, move: Mover, standing: Standing, steps: int
    ) -> tuple[list[Tensor], Tensor]:
        """Return where every task ends, and its losses before each step and after the last."""
        objectives, losses = self._objectives(False), []
        for number in range(steps):
            standing = replace(standing, rows=standing.rows.led())
            rows = standing.rows
            loss, gradient = objectives.losses_and_gradient(rows.theta, rows.point, number)
            losses.append(loss.detach())
            with torch.no_grad():
                standing = move(standing.detached(), gradient, first=number == 0)
        theta = standing.rows.theta
        losses.append(objectives.losses(theta))
        ends = list(theta.split([sum(sizes) for sizes in self.layouts]))
        return self._sorted(ends), torch.stack(losses, 1)[self._back]

    def _objectives(self, second_derivatives: bool) -> Objectives:
        groups = [Group(tuple(self.tasks[n] for n in group)) for group in self._groups]
        return Objectives(tuple(groups), second_derivatives)

    @cached_property
    def _back(self) -> list[int]:
        """The place of every task in the order of groups."""
        return sorted(range(len(self._order)), key=self._order.__getitem__)

    def _sorted(self, ordered: list[T]) -> list[T]:
        return [ordered[place] for place in self._back]

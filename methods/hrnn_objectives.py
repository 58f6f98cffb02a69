"""Losses and gradients of many tasks in one pass, those of equal objectives in one call.

Tasks are put in an order in which equal objectives follow each other, so that each group's
coordinates are a stretch of the vector of all. A group's losses are computed together, by leading
dimensions that count its tasks, and one backward pass gives all gradients.
"""

from __future__ import annotations

from collections.abc import Hashable, Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property

import torch
from torch import Tensor

from suites.objectives import Data, Objective
from suites.optimizer_training import Task


@dataclass(frozen=True)
class Group:
    """Tasks that differ in their data alone; the data's first dimension counts them."""

    tasks: tuple[Task, ...]

    def __len__(self) -> int:
        return len(self.tasks)

    @property
    def objective(self) -> Objective:
        return self.tasks[0].objective

    @cached_property
    def data(self) -> Data:
        names = self.tasks[0].data
        return {name: torch.stack([task.data[name] for task in self.tasks]) for name in names}

    @cached_property
    def rows(self) -> Tensor | None:
        """The examples that each step's gradient is of, if they are not all."""
        rows = [task.rows for task in self.tasks if task.rows is not None]
        return torch.stack(rows) if rows else None

    def data_of(self, step: int) -> Data:
        """Return the data that a step's gradients are of."""
        if self.rows is None:
            return self.data
        return self.objective.minibatch(self.data, self.rows[:, step])


@dataclass(frozen=True)
class Objectives:
    """The objectives of tasks, group by group."""

    groups: tuple[Group, ...]
    second_derivatives: bool

    def losses(self, theta: Tensor) -> Tensor:
        """Return the losses of all tasks on all their data."""
        return torch.cat([group.objective(at, group.data) for group, at in self._parts(theta)])

    def losses_and_gradient(self, theta: Tensor, point: Tensor, step: int) -> tuple[Tensor, Tensor]:
        """Return all losses at theta, and the gradient at the point that leads a step.

        A loss serves its gradient where both are of the same examples at the same place.
        """
        losses, leading, places = [], [], []
        for (group, here), (_, there) in zip(self._parts(theta), self._parts(point), strict=True):
            at = there if point is theta else here
            loss = group.objective(at, group.data)
            losses.append(loss)
            if at is not there or group.rows is not None:
                loss = group.objective(there, group.data_of(step))
            leading.append(loss)
            places.append(there)
        slopes = torch.autograd.grad(
            leading,
            places,
            [torch.ones_like(loss) for loss in leading],
            retain_graph=True,
            create_graph=self.second_derivatives,
        )
        gradient = torch.cat([slope.flatten() for slope in slopes])
        if self._noise is not None:
            gradient = gradient + self._noise[step]
        if self._mask is not None:
            gradient = gradient * self._mask[step]
        return torch.cat(losses), gradient

    def _parts(self, theta: Tensor) -> Iterator[tuple[Group, Tensor]]:
        sizes = [len(group) * group.objective.size for group in self.groups]
        for group, part in zip(self.groups, theta.split(sizes), strict=True):
            yield group, part.view(len(group), -1)

    @cached_property
    def _noise(self) -> Tensor | None:
        return _beside([(t.noise, t.objective.size) for g in self.groups for t in g.tasks], 0.0)

    @cached_property
    def _mask(self) -> Tensor | None:
        return _beside([(t.mask, t.objective.size) for g in self.groups for t in g.tasks], 1.0)


def _beside(drawn: Sequence[tuple[Tensor | None, int]], neutral: float) -> Tensor | None:
    """Return what is drawn for each step and task, side by side, if anything is for any task."""
    given = next((values for values, _ in drawn if values is not None), None)
    if given is None:
        return None
    return torch.cat(
        [
            given.new_full((len(given), size), neutral) if values is None else values
            for values, size in drawn
        ],
        1,
    )


def grouped(tasks: Sequence[Task], alike: bool) -> list[list[int]]:
    """Return the numbers of tasks with equal objectives, or each task's number alone."""
    groups: dict[Hashable, list[int]] = {}
    for number, task in enumerate(tasks):
        examples = None if task.rows is None else task.rows.shape[1]
        groups.setdefault((task.objective, examples) if alike else number, []).append(number)
    return list(groups.values())

"""The hierarchical RNN optimizer of Wichrowska et al. 2017: its meta-parameters and its state.

A task's coordinates, its tensors and the task itself each have a recurrent state, of 10, 20 and 20
units. The meta-parameters are shared by all of them: 8,349 numbers in 31 tensors. How a step is
taken is the learners' business; see baselines.hrnn_cells for the plain one. arXiv 1703.04813; the
definition is that of the published code, tensorflow/models, research/learned_optimizer.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, fields, replace
from typing import Literal

import torch
from torch import Tensor

from harness.declare.learner import Params

UNITS = (10, 20, 20)
"""Of a coordinate, of a tensor and of a task."""
TIMESCALES = 4
FEATURES = 12
Level2 = Literal["last", "mean"]


@dataclass(frozen=True)
class MetaParameter:
    """One tensor of the optimizer's weights: its shape, and how it starts."""

    name: str
    shape: tuple[int, ...]
    mean: float = 0.0
    std: float | None = None
    """Of a Gaussian; a matrix has half the root of its inputs' inverse if null."""
    uniform: bool = False
    """Whether it starts uniform within 1 instead."""

    def drawn(self, generator: torch.Generator) -> Tensor:
        if self.uniform:
            return 2 * torch.rand(self.shape, generator=generator) - 1
        std = 0.5 / math.sqrt(self.shape[0]) if self.std is None else self.std
        if std == 0:
            return torch.full(self.shape, self.mean)
        return self.mean + std * torch.randn(self.shape, generator=generator)


def _affine(
    names: tuple[str, str], inputs: int, outputs: int, bias: float, std: float | None = None
) -> tuple[MetaParameter, MetaParameter]:
    matrix, offset = names
    return (
        MetaParameter(matrix, (inputs, outputs), std=std),
        MetaParameter(offset, (outputs,), bias, std=0.0),
    )


def _cell(level: int, inputs: int) -> tuple[MetaParameter, ...]:
    """Return the weights of a level's recurrent cell: its gates, then its candidate."""
    units = UNITS[level]
    return (
        *_affine((f"G{level}", f"g{level}"), inputs + units, 2 * units, 2.2),
        *_affine((f"C{level}", f"c{level}"), inputs + units, units, 0.0),
    )


META_PARAMETERS = (
    *(MetaParameter(f"h{level}", (1, units), uniform=True) for level, units in enumerate(UNITS)),
    MetaParameter("wu", (UNITS[0], 1)),  # direction
    *_affine(("ws", "bs0"), UNITS[0], 1, 3.2),  # decay of the mean squares
    *_affine(("wi", "bi0"), UNITS[0], 1, 2.2),  # decay of the gradient averages
    *_affine(("wl", "bl"), UNITS[0], 1, 0.0, std=0.0),  # rate
    *_affine(("P01", "p01"), UNITS[1], 3 * UNITS[0], 0.0),  # tensor to coordinate
    *_affine(("P02", "p02"), UNITS[2], 3 * UNITS[0], 0.0),  # task to coordinate
    *_cell(0, FEATURES),
    *_affine(("P12", "p12"), UNITS[2], 3 * UNITS[1], 0.0),  # task to tensor
    *_cell(1, UNITS[0] + FEATURES),
    MetaParameter("sc", (TIMESCALES, 1), 0.25, std=0.05),  # gradient shortcut
    MetaParameter("mu", (), 3.2, std=0.0),  # momentum of the rates, a logit
    MetaParameter("off", (), -1.0, std=0.0),  # offset of the steps' logarithm
    *_cell(2, UNITS[1]),
)
"""In the order in which the published code makes them."""


@dataclass(frozen=True)
class Rows:
    """What belongs to coordinates; the first dimension of every tensor counts them."""

    theta: Tensor
    attended: Tensor | None
    """Where gradients are taken, if that is not where the task stands."""
    hidden: Tensor
    averages: Tensor
    """Of the gradient, at four timescales."""
    squares: Tensor
    """Running means of the averages' squares."""
    input_decay: Tensor
    scale_decay: Tensor
    log_rate: Tensor

    def map(self, change: Callable[[Tensor], Tensor]) -> Rows:
        values = (getattr(self, field.name) for field in fields(self))
        return Rows(*(None if value is None else change(value) for value in values))  # type: ignore[arg-type]  # only `attended` is ever None

    def split(self, sizes: Sequence[int]) -> Iterator[Rows]:
        start = 0
        for size in sizes:
            part = slice(start, start + size)
            yield self.map(lambda values, part=part: values[part])  # type: ignore[misc]
            start += size

    @classmethod
    def join(cls, parts: Sequence[Rows]) -> Rows:
        columns = ([getattr(part, field.name) for part in parts] for field in fields(cls))
        return cls(*(None if column[0] is None else torch.cat(column) for column in columns))  # type: ignore[arg-type]

    @property
    def point(self) -> Tensor:
        """Where gradients are taken."""
        return self.theta if self.attended is None else self.attended

    def led(self) -> Rows:
        """Return the rows with a point that gradients can be taken at."""
        if self.point.requires_grad:
            return self
        point = self.point.detach().requires_grad_()
        if self.attended is None:
            return replace(self, theta=point)
        return replace(self, attended=point)


@dataclass(frozen=True)
class Standing:
    """Where tasks stand: their coordinates, and the optimizer's state for all levels."""

    rows: Rows
    of_tensor: Tensor
    of_task: Tensor
    first_loss: Tensor | None = None
    """Of every task, at the start of its run; none before it was seen."""

    def map(self, change: Callable[[Tensor], Tensor]) -> Standing:
        first = None if self.first_loss is None else change(self.first_loss)
        return Standing(self.rows.map(change), change(self.of_tensor), change(self.of_task), first)

    def detached(self) -> Standing:
        return self.map(lambda values: values.detach())

    def seen(self) -> Standing:
        """Return the standing with a first loss, of 0 where it had none."""
        if self.first_loss is not None:
            return self
        return replace(self, first_loss=self.of_task.new_zeros(len(self.of_task)))

    @classmethod
    def join(cls, parts: Sequence[Standing]) -> Standing:
        """Put tasks together; either all of them or none has been seen."""
        first = [part.first_loss for part in parts if part.first_loss is not None]
        return cls(
            Rows.join([part.rows for part in parts]),
            torch.cat([part.of_tensor for part in parts]),
            torch.cat([part.of_task for part in parts]),
            torch.cat(first) if first else None,
        )

    def split(self, layouts: Sequence[Sequence[int]]) -> Iterator[Standing]:
        """Take tasks apart, given the sizes of each one's tensors."""
        parts = self.rows.split([sum(sizes) for sizes in layouts])
        of_tensor = self.of_tensor.split([len(sizes) for sizes in layouts])
        for number, rows in enumerate(parts):
            own = slice(number, number + 1)
            first = None if self.first_loss is None else self.first_loss[own]
            yield Standing(rows, of_tensor[number], self.of_task[own], first)


@dataclass(frozen=True)
class Fresh:
    """Where a task begins: its coordinates and the logarithms of their rates."""

    theta: Tensor
    log_rate: Tensor


Start = Fresh | Standing


@dataclass(frozen=True)
class Hrnn:
    """The optimizer's definition, with what the published code leaves open."""

    attention: bool = False
    """Take gradients at a point of its own, led by a readout of its own."""
    level2: Level2 = "last"
    """What a task's state is fed with: its last tensor's state, as the published code has it by a
    slip of a loop's variable, or the mean over tensors, as that code's comment has it."""

    def initial(self, generator: torch.Generator) -> Params:
        params = {each.name: each.drawn(generator) for each in META_PARAMETERS}
        if self.attention:
            scale = next(each for each in META_PARAMETERS if each.name == "sc")
            params |= {"wa": params["wu"].clone(), "sca": scale.drawn(generator)}
        return params

    def begun(self, params: Params, start: Start, tensors: int) -> Standing:
        """Return a task's standing before its first step, a function of the initial states."""
        if isinstance(start, Standing):
            return start
        size, zeros = len(start.theta), start.theta.new_zeros
        rows = Rows(
            theta=start.theta,
            attended=start.theta if self.attention else None,
            hidden=params["h0"].expand(size, -1),
            averages=zeros(size, TIMESCALES),
            squares=zeros(size, TIMESCALES),
            input_decay=zeros(size, 1),
            scale_decay=zeros(size, 1),
            log_rate=start.log_rate,
        )
        return Standing(rows, params["h1"].expand(tensors, -1), params["h2"])

    def carried_over(self, start: Fresh, earlier: Standing) -> Standing:
        """Return the start of a run that takes over the optimizer's state of an earlier one."""
        return replace(earlier, rows=replace(earlier.rows, theta=start.theta), first_loss=None)

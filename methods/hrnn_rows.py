"""A step of the hierarchical RNN optimizer for all coordinates of all tasks, as rows of one matrix.

The formulas are those of baselines.hrnn_cells. Coordinates see each other through means alone: of
[h, x] and of the squared direction over a tensor, of log rates over a task. So tensors and tasks
need not be alike to be moved together, and nothing is approximated. What a step takes of the
meta-parameters is put together once an unroll, in as few products as there can be.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from baselines.hrnn_cells import clipped, features, timescales
from harness.declare.learner import Params
from suites.hrnn import FEATURES, TIMESCALES, UNITS, Hrnn, Rows, Standing


@dataclass(frozen=True)
class Layout:
    """Which tensor and which task each row belongs to."""

    tensor_of_row: Tensor
    task_of_row: Tensor
    task_of_tensor: Tensor
    last_tensor: Tensor
    """Of every task."""
    rows_in_tensor: Tensor
    rows_in_task: Tensor
    tensors_in_task: Tensor

    @classmethod
    def of(cls, layouts: Sequence[Sequence[int]], like: Tensor) -> Layout:
        """Return the layout of tasks, given the sizes of each one's tensors."""

        def numbers(values: Sequence[int]) -> Tensor:
            return torch.tensor(values, device=like.device)

        def repeated(counts: Tensor) -> Tensor:
            return torch.arange(len(counts), device=like.device).repeat_interleave(counts)

        in_tensor = numbers([size for sizes in layouts for size in sizes])
        in_task = numbers([sum(sizes) for sizes in layouts])
        tensors = numbers([len(sizes) for sizes in layouts])
        return cls(
            tensor_of_row=repeated(in_tensor),
            task_of_row=repeated(in_task),
            task_of_tensor=repeated(tensors),
            last_tensor=tensors.cumsum(0) - 1,
            rows_in_tensor=in_tensor.to(like.dtype).unsqueeze(1),
            rows_in_task=in_task.to(like.dtype).unsqueeze(1),
            tensors_in_task=tensors.to(like.dtype).unsqueeze(1),
        )

    def over_tensors(self, rows: Tensor) -> Tensor:
        """Return the mean over every tensor's rows."""
        return _sums(rows, self.tensor_of_row, self.rows_in_tensor) / self.rows_in_tensor

    def over_tasks(self, rows: Tensor) -> Tensor:
        """Return the mean over every task's rows."""
        return _sums(rows, self.task_of_row, self.rows_in_task) / self.rows_in_task

    def below_tasks(self, of_tensor: Tensor, hrnn: Hrnn) -> Tensor:
        """Return what every task's cell is fed with."""
        if hrnn.level2 == "last":
            return of_tensor.index_select(0, self.last_tensor)
        sums = _sums(of_tensor, self.task_of_tensor, self.tensors_in_task)
        return sums / self.tensors_in_task

    def unseen(self, squares: Tensor) -> Tensor:
        """Return where the mean squares of a whole tensor are 0, at whichever timescale."""
        seen = _sums((squares != 0).to(squares.dtype), self.tensor_of_row, self.rows_in_tensor)
        return (seen == 0).index_select(0, self.tensor_of_row)


def _sums(values: Tensor, owner: Tensor, owners: Tensor) -> Tensor:
    return values.new_zeros(len(owners), values.shape[1]).index_add(0, owner, values)


@dataclass(frozen=True)
class Cell:
    """A level's recurrent cell, cut so that its input meets gates and candidate in one product."""

    units: int
    of_input: Tensor
    to_gates: Tensor
    to_candidate: Tensor
    bias: Tensor

    @classmethod
    def of(cls, params: Params, level: int, inputs: int, bias: Tensor | None = None) -> Cell:
        gates, candidate = params[f"G{level}"], params[f"C{level}"]
        own = torch.cat([params[f"g{level}"], params[f"c{level}"]])
        return cls(
            UNITS[level],
            torch.cat([gates[:inputs], candidate[:inputs]], 1),
            gates[inputs:],
            candidate[inputs:],
            own if bias is None else own + bias,
        )

    def __call__(self, x: Tensor, state: Tensor, above: Tensor | None = None) -> Tensor:
        fed = torch.addmm(self.bias, x, self.of_input)
        if above is not None:
            fed = fed + above
        to_gates, to_candidate = fed[:, : 2 * self.units], fed[:, 2 * self.units :]
        gates = torch.sigmoid(torch.addmm(to_gates, state, self.to_gates))
        reset, update = gates[:, : self.units], gates[:, self.units :]
        candidate = torch.tanh(torch.addmm(to_candidate, reset * state, self.to_candidate))
        return torch.lerp(candidate, state, update)


@dataclass(frozen=True)
class Weights:
    """The meta-parameters as a step takes them."""

    cells: tuple[Cell, Cell, Cell]
    tensor_to_row: Tensor
    task_to_row: Tensor
    task_to_tensor: Tensor
    readouts: Tensor
    """Of a coordinate's state: direction, rate, both decays, and where gradients are taken next."""
    readout_bias: Tensor
    shortcuts: Tensor
    momentum: Tensor
    offset: Tensor

    @classmethod
    def of(cls, params: Params, hrnn: Hrnn) -> Weights:
        lead = ["wa"] if hrnn.attention else []
        none = torch.zeros_like(params["bl"])
        above = params["p01"] + params["p02"]
        return cls(
            cells=(
                Cell.of(params, 0, FEATURES, above),
                Cell.of(params, 1, UNITS[0] + FEATURES, params["p12"]),
                Cell.of(params, 2, UNITS[1]),
            ),
            tensor_to_row=params["P01"],
            task_to_row=params["P02"],
            task_to_tensor=params["P12"],
            readouts=torch.cat([params[name] for name in ("wu", "wl", "wi", "ws", *lead)], 1),
            readout_bias=torch.cat(
                [none, params["bl"], params["bi0"], params["bs0"], *[none for _ in lead]]
            ),
            shortcuts=torch.cat([params["sc"], *[params["sca"] for _ in lead]], 1),
            momentum=torch.sigmoid(params["mu"]),
            offset=params["off"],
        )


def step(
    hrnn: Hrnn,
    weights: Weights,
    layout: Layout,
    standing: Standing,
    gradient: Tensor,
    unseen: Tensor | None = None,
) -> Standing:
    """Move all tasks, given the gradient by all coordinates.

    `unseen` tells, for the first step of an unroll, where no gradient has been seen; a later step
    finds none such.
    """
    rows = standing.rows
    if unseen is None:
        decay, keep = _roots(rows.input_decay), rows.scale_decay
    else:
        decay, keep = timescales(rows.input_decay), torch.where(unseen, 0.0, rows.scale_decay)
    averages = torch.lerp(gradient.unsqueeze(1), rows.averages, decay)
    squares = torch.lerp(averages.square() + 1e-12, rows.squares, keep)
    scaled = torch.asinh(averages * (squares + 1e-16).rsqrt())
    mean_rate = layout.over_tasks(rows.log_rate).index_select(0, layout.task_of_row)
    x = features(scaled, squares, rows.log_rate - mean_rate)

    from_task = standing.of_task.index_select(0, layout.task_of_tensor)
    above = standing.of_tensor @ weights.tensor_to_row + from_task @ weights.task_to_row
    hidden = weights.cells[0](x, rows.hidden, above.index_select(0, layout.tensor_of_row))
    seen = layout.over_tensors(torch.cat([hidden, x], 1))
    of_tensor = weights.cells[1](seen, standing.of_tensor, from_task @ weights.task_to_tensor)
    of_task = weights.cells[2](layout.below_tasks(of_tensor, hrnn), standing.of_task)

    read = torch.addmm(weights.readout_bias, hidden, weights.readouts)
    log_rate = clipped(rows.log_rate + read[:, 1:2])
    decays = torch.sigmoid(read[:, 2:4])
    leads = torch.cat([read[:, :1], read[:, 4:]], 1) if hrnn.attention else read[:, :1]
    leads = leads + scaled @ weights.shortcuts
    squared = layout.over_tensors(leads.square()) + 1e-16
    leads = leads * squared.rsqrt().index_select(0, layout.tensor_of_row)
    theta = rows.theta - torch.exp(log_rate + weights.offset)[:, 0] * leads[:, 0]
    attended = rows.theta - torch.exp(log_rate)[:, 0] * leads[:, 1] if hrnn.attention else None
    moved = Rows(
        theta=theta,
        attended=attended,
        hidden=hidden,
        averages=averages,
        squares=squares,
        input_decay=decays[:, :1],
        scale_decay=decays[:, 1:],
        log_rate=torch.lerp(log_rate, rows.log_rate, weights.momentum),
    )
    return Standing(moved, of_tensor, of_task, standing.first_loss)


def _roots(decay: Tensor) -> Tensor:
    """Return decays above 0 with their roots, one a timescale."""
    roots = [decay]
    for _ in range(TIMESCALES - 1):
        roots.append(roots[-1].sqrt())
    return torch.cat(roots, 1)

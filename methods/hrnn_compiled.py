"""The optimizer's half of a step, compiled for any number of coordinates, tensors and tasks.

Inductor writes C++ (on a GPU Triton) for methods.hrnn_rows.step and for its backward pass. A call
has costs of its own for every tensor that goes in and out, so what belongs to rows goes through as
one matrix, and all weights as one vector. Sizes are left open, so that one compilation serves
meta-batches of all shapes but the smallest: the compiler insists on knowing sizes of 1, and whether
there are a few dozen rows. Compilations are counted, and their seconds kept.

What it gives. On a CPU a compilation takes half a minute to a minute and a half, and with the small
list's few thousand rows an unroll is then as fast as hrnn_rows is without: calling compiled code
costs what its fewer passes over memory save. Of the product the objectives take the larger part.

The first step of an unroll, which looks for tensors that have seen no gradient, is not compiled,
nor is adaptation, which no gradient goes through.
"""

from __future__ import annotations

import dataclasses
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import torch
import torch._dynamo.config
import torch._dynamo.utils
from torch import Tensor

from methods.compiler import quiet, require_a_compiler
from methods.hrnn_rows import Layout, Weights, step
from suites.hrnn import TIMESCALES, UNITS, Hrnn, Rows, Standing

Step = Callable[..., tuple[Tensor, Tensor, Tensor]]
MOST_COMPILATIONS = 64


class CompiledStep:
    """A definition's step, compiled when it is first asked for and where the compiler has to anew.

    `seconds` has an entry for every compilation.
    """

    def __init__(self, hrnn: Hrnn) -> None:
        self.seconds: list[float] = []
        self._hrnn = hrnn
        self._step: Step | None = None

    def __call__(self, weights: Weights, *given: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        if self._step is None:
            require_a_compiler(given[0].device.type)
            packed = _packed(self._hrnn, weights)
            self._step = torch.compile(packed, fullgraph=True, dynamic=True)
        known, start = _graphs_so_far(), time.perf_counter()
        with torch._dynamo.config.patch(recompile_limit=MOST_COMPILATIONS), quiet():
            moved = self._step(*given)
        if _graphs_so_far() > known:
            self.seconds.append(time.perf_counter() - start)
        return moved


def _graphs_so_far() -> int:
    """Return how many graphs this process has compiled."""
    return int(torch._dynamo.utils.counters["stats"]["unique_graphs"])


@dataclass(frozen=True)
class CompiledMover:
    """Moves all coordinates as rows of one matrix, by compiled code."""

    hrnn: Hrnn
    weights: Weights
    layout: Layout
    compiled: CompiledStep
    vector: Tensor
    """All weights end to end."""

    @classmethod
    def of(
        cls, hrnn: Hrnn, weights: Weights, layout: Layout, compiled: CompiledStep
    ) -> CompiledMover:
        vector = torch.cat([w.flatten() for w in _tensors(weights)])
        return cls(hrnn, weights, layout, compiled, vector)

    def __call__(self, standing: Standing, gradient: Tensor, first: bool) -> Standing:
        if first:
            unseen = self.layout.unseen(standing.rows.squares)
            return step(self.hrnn, self.weights, self.layout, standing, gradient, unseen)
        rows, of_tensor, of_task = self.compiled(
            self.weights,
            self.vector,
            _matrix(standing.rows),
            standing.of_tensor,
            standing.of_task,
            gradient,
            *_tensors(self.layout),
        )
        return Standing(_rows(self.hrnn, rows), of_tensor, of_task, standing.first_loss)


def _packed(hrnn: Hrnn, like: Weights) -> Step:
    """Return the step as a function of few tensors."""
    shapes = [w.shape for w in _tensors(like)]

    def packed(
        vector: Tensor,
        rows: Tensor,
        of_tensor: Tensor,
        of_task: Tensor,
        gradient: Tensor,
        *layout: Tensor,
    ) -> tuple[Tensor, Tensor, Tensor]:
        parts = vector.split([shape.numel() for shape in shapes])
        tensors = [part.view(shape) for part, shape in zip(parts, shapes, strict=True)]
        weights = _weights(like, tensors)
        standing = Standing(_rows(hrnn, rows), of_tensor, of_task)
        after = step(hrnn, weights, Layout(*layout), standing, gradient)
        return _matrix(after.rows), after.of_tensor, after.of_task

    return packed


def _tensors(tree: Any) -> list[Tensor]:
    """Return the tensors of weights or of a layout, field after field."""
    if isinstance(tree, Tensor):
        return [tree]
    if dataclasses.is_dataclass(tree):
        return [t for f in dataclasses.fields(tree) for t in _tensors(getattr(tree, f.name))]
    return [t for part in tree for t in _tensors(part)] if isinstance(tree, tuple) else []


def _weights(like: Weights, tensors: Sequence[Tensor]) -> Weights:
    """Return weights of these tensors, in the order of their fields."""
    left = iter(tensors)

    def filled(tree: Any) -> Any:
        if isinstance(tree, Tensor):
            return next(left)
        if isinstance(tree, tuple):
            return tuple(filled(part) for part in tree)
        if dataclasses.is_dataclass(tree) and not isinstance(tree, type):
            values = {f.name: filled(getattr(tree, f.name)) for f in dataclasses.fields(tree)}
            return type(tree)(**values)
        return tree

    weights: Weights = filled(like)
    return weights


def _matrix(rows: Rows) -> Tensor:
    """Return what belongs to rows as the columns of one matrix."""
    columns = [rows.theta.unsqueeze(1)]
    if rows.attended is not None:
        columns.append(rows.attended.unsqueeze(1))
    columns += [rows.hidden, rows.averages, rows.squares]
    return torch.cat([*columns, rows.input_decay, rows.scale_decay, rows.log_rate], 1)


def _rows(hrnn: Hrnn, matrix: Tensor) -> Rows:
    points = [1, 1] if hrnn.attention else [1]
    theta, *parts = matrix.split([*points, UNITS[0], TIMESCALES, TIMESCALES, 1, 1, 1], 1)
    attended = parts.pop(0).squeeze(1) if hrnn.attention else None
    return Rows(theta.squeeze(1), attended, *parts)

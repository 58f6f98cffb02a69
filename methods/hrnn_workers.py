"""What ranks found, each on its own tasks of a meta-batch, put together in one all-reduce.

The buffer holds the sum of the losses, the number of unrolls that were taken again, the 8,349
numbers of the gradient and, for every task, whether it is left and where it stands: 22 numbers a
coordinate, 20 a tensor, 21 a task. The standings go along because every rank's state is the whole
one; a rank's next unroll needs its own alone.
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor

from baselines.flat import flat, shaped
from baselines.hrnn import Unrolled
from harness.team.communicator import Communicator
from suites.hrnn import Standing


def summed(own: Unrolled, shapes: Sequence[Standing | None], team: Communicator) -> Unrolled:
    """Return what all ranks found, given standings with the shapes of those that take part."""
    head = torch.stack([own.loss, own.loss.new_tensor(own.redone)])
    tails = [
        own.loss.new_zeros(1 + sum(_sizes(shape)))
        if ended is None
        else torch.cat([own.loss.new_ones(1), _flat(ended)])
        for ended, shape in zip(own.ended, shapes, strict=True)
        if shape is not None
    ]
    buffer = torch.cat([head, flat(own.grads), *tails])
    team.all_reduce(buffer)
    slopes = sum(p.numel() for p in own.grads.values())
    head, gradient, *tails = buffer.split([2, slopes, *map(len, tails)])
    left = iter(tails)
    ended = [None if shape is None else _shaped(next(left), shape) for shape in shapes]
    grads = shaped(gradient, own.grads)
    return Unrolled(head[0], grads, tuple(ended), round(float(head[1])))


def _sizes(standing: Standing) -> list[int]:
    sizes: list[int] = []
    standing.map(lambda values: sizes.append(values.numel()) or values)  # type: ignore[func-returns-value]
    return sizes


def _flat(standing: Standing) -> Tensor:
    parts: list[Tensor] = []
    standing.map(lambda values: parts.append(values.flatten()) or values)  # type: ignore[func-returns-value]
    return torch.cat(parts)


def _shaped(told: Tensor, shape: Standing) -> Standing | None:
    """Return where a task stands, or nothing if it is not left."""
    if not bool(told[0]):
        return None
    parts = iter(told[1:].split(_sizes(shape)))
    return shape.map(lambda values: next(parts).view_as(values))

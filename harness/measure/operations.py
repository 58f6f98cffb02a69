"""Counts that have no noise: floating-point operations and backward passes of a step."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any
from unittest import mock

import torch
from torch.utils.flop_counter import FlopCounterMode, conv_flop_count

Shape = list[int]


@dataclass(frozen=True)
class Operations:
    """What a call did, counted."""

    flops: int
    backward_passes: int


def operations_of(call: Callable[[], object]) -> Operations:
    counter = FlopCounterMode(
        display=False, custom_mapping={torch.ops.aten.convolution_backward: _convolution_backward}
    )
    with counter as flops, _backward_passes() as passes:
        call()
    return Operations(flops.get_total_flops(), passes[0])


@contextmanager
def _backward_passes() -> Iterator[list[int]]:
    """Count entries into the autograd engine: `grad`, `backward` and torch.func all pass there."""
    count = [0]
    engine = torch.autograd._engine_run_backward  # type: ignore[attr-defined]  # no public hook sees every entry

    def counting(*arguments: Any, **options: Any) -> Any:
        count[0] += 1
        return engine(*arguments, **options)

    with mock.patch.object(torch.autograd, "_engine_run_backward", counting):
        yield count


def _convolution_backward(
    grad: Shape,
    x: Shape,
    weight: Shape,
    _bias: Any,
    _stride: Any,
    _padding: Any,
    _dilation: Any,
    transposed: bool,
    _output_padding: Any,
    groups: int,
    wanted: list[bool],
    out_shape: Any = None,
) -> int:
    """Count a convolution's backward pass with its groups, which torch 2.13's own formula forgets.

    Under vmap per-task weights become groups, so a batched method would be charged for products
    between tasks that nobody forms.
    """
    flops = 0
    if wanted[0]:
        flops += conv_flop_count(grad, weight, x, transposed=not transposed)
    if wanted[1]:
        big, small = (grad, x) if transposed else (x, grad)
        flops += conv_flop_count(_swapped(big), _swapped(small), _swapped(weight)) // groups
    return flops


def _swapped(shape: Shape) -> Shape:
    """Exchange examples and channels: a weight's gradient is a convolution over examples."""
    return [shape[1], shape[0], *shape[2:]]

"""A convolution's patches, so that a convolution is a matrix product: images with channels last.

    patches   [images, height, width, channels] -> [images, positions, 9 channels]
    folded    its adjoint: every entry of a patch is added where it was taken from

Each is the other's derivative, so both can be differentiated as often as one likes. The kernel is
of 3 by 3, with a border of one zero around the image.
"""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor
from torch.autograd import Function

KERNEL = 3


def positions(side: int, stride: int) -> int:
    """Return how many positions the kernel takes along a side."""
    return (side - 1) // stride + 1


def patches(images: Tensor, stride: int) -> Tensor:
    found: Tensor = _Patches.apply(images, stride)  # type: ignore[no-untyped-call]
    return found


class _Patches(Function):
    @staticmethod
    def forward(ctx: Any, images: Tensor, stride: int) -> Tensor:
        ctx.shape, ctx.stride = images.shape, stride
        return _taken(images, stride)

    @staticmethod
    def backward(ctx: Any, *slopes: Tensor) -> tuple[Tensor, None]:
        return _Folded.apply(slopes[0], ctx.shape, ctx.stride), None  # type: ignore[no-untyped-call]


class _Folded(Function):
    @staticmethod
    def forward(ctx: Any, taken: Tensor, shape: torch.Size, stride: int) -> Tensor:
        ctx.stride = stride
        return _added(taken, shape, stride)

    @staticmethod
    def backward(ctx: Any, *slopes: Tensor) -> tuple[Tensor, None, None]:
        return _Patches.apply(slopes[0], ctx.stride), None, None  # type: ignore[no-untyped-call]


def _taken(images: Tensor, stride: int) -> Tensor:
    count, height, width, channels = images.shape
    bordered = _bordered(images.shape, images)
    bordered[:, 1 : height + 1, 1 : width + 1] = images
    down, across = positions(height, stride), positions(width, stride)
    image, row, column, one = bordered.stride()
    windows = bordered.as_strided(
        (count, down, across, KERNEL, KERNEL, channels),
        (image, stride * row, stride * column, row, column, one),
    )
    return windows.reshape(count, down * across, KERNEL**2 * channels)


def _added(taken: Tensor, shape: torch.Size, stride: int) -> Tensor:
    count, height, width, channels = shape
    down, across = positions(height, stride), positions(width, stride)
    windows = taken.reshape(count, down, across, KERNEL, KERNEL, channels)
    bordered = _bordered(shape, taken)
    for i in range(KERNEL):
        for j in range(KERNEL):
            rows = slice(i, i + stride * (down - 1) + 1, stride)
            columns = slice(j, j + stride * (across - 1) + 1, stride)
            bordered[:, rows, columns] += windows[:, :, :, i, j]
    return bordered[:, 1 : height + 1, 1 : width + 1].contiguous()


def _bordered(shape: torch.Size, like: Tensor) -> Tensor:
    count, height, width, channels = shape
    return like.new_zeros(count, height + 2, width + 2, channels)

"""A convolution's patches, so that a convolution is a matrix product: images with channels last.

    patches   [images, height, width, channels] -> [images, positions, 9 channels]
    folded    its adjoint: every entry of a patch is added where it was taken from

Each is the other's derivative, so both can be differentiated as often as one likes. The kernel is
of 3 by 3, with a border of one zero around the image.
"""

from __future__ import annotations

from itertools import product
from typing import Any

import torch
from torch import Tensor
from torch.autograd import Function
from torch.nn.functional import pad

KERNEL = 3


def positions(side: int, stride: int) -> int:
    """Return how many positions the kernel takes along a side."""
    return (side - 1) // stride + 1


def patches(images: Tensor, stride: int) -> Tensor:
    found: Tensor = _Patches.apply(images, stride)  # type: ignore[no-untyped-call]  # torch's is bare
    return found


class _Patches(Function):
    @staticmethod
    def forward(ctx: Any, images: Tensor, stride: int) -> Tensor:
        ctx.shape, ctx.stride = images.shape, stride
        return _taken(images, stride)

    @staticmethod
    def jvp(ctx: Any, *along: Tensor) -> Tensor:
        return _taken(along[0], ctx.stride)

    @staticmethod
    def backward(ctx: Any, *slopes: Tensor) -> tuple[Tensor, None]:
        return _Folded.apply(slopes[0], ctx.shape, ctx.stride), None  # type: ignore[no-untyped-call]  # torch's is bare


class _Folded(Function):
    @staticmethod
    def forward(ctx: Any, taken: Tensor, shape: torch.Size, stride: int) -> Tensor:
        ctx.shape, ctx.stride = shape, stride
        return _added(taken, shape, stride)

    @staticmethod
    def jvp(ctx: Any, *along: Tensor) -> Tensor:
        return _added(along[0], ctx.shape, ctx.stride)

    @staticmethod
    def backward(ctx: Any, *slopes: Tensor) -> tuple[Tensor, None, None]:
        return _Patches.apply(slopes[0], ctx.stride), None, None  # type: ignore[no-untyped-call]  # torch's is bare


def _taken(images: Tensor, stride: int) -> Tensor:
    count, height, width, channels = images.shape
    down, across = positions(height, stride), positions(width, stride)
    bordered = pad(images, (0, 0, 1, 1, 1, 1))
    image, row, column, one = bordered.stride()
    windows = bordered.as_strided(
        (count, down, across, KERNEL, KERNEL, channels),
        (image, stride * row, stride * column, row, column, one),
    )
    return windows.reshape(count, down * across, KERNEL**2 * channels)


def _added(taken: Tensor, shape: torch.Size, stride: int) -> Tensor:
    """Add up windows in tiles of the image, as high and wide as a stride.

    A window touches few of them, and the first that each window touches is no other's first: so
    they are added all at once, then all seconds. At stride 2 that is four sums, and not nine.
    """
    count, height, width, channels = shape
    down, across = positions(height, stride), positions(width, stride)
    windows = taken.reshape(count, down, across, KERNEL, KERNEL, channels).transpose(2, 3)
    touched = -(-KERNEL // stride)
    rows, columns = ((side + 1) // stride + 1 for side in (height, width))
    tiles = taken.new_zeros(count, rows, stride, columns, stride, channels)
    for i, j in product(range(touched), repeat=2):
        part = windows[:, :, stride * i : stride * (i + 1), :, stride * j : stride * (j + 1)]
        there = tiles[:, i : i + down, : part.shape[2], j : j + across, : part.shape[4]]
        there.add_(part)
    bordered = tiles.view(count, stride * rows, stride * columns, channels)
    return bordered[:, 1 : height + 1, 1 : width + 1].contiguous()

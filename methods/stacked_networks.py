"""Networks that run many tasks at once, each at parameters of its own, as batched matrix products.

A task's parameters are a row of a matrix. Images have their channels last, so that a layer's
positions are rows and its channels columns: a convolution is then a product of patches and weights,
and needs no grouped kernels, which is what vmap makes of it.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property

import torch
from torch import Tensor, nn

from baselines.flat import shaped
from harness.declare.learner import Params
from methods.norm_relu import EPSILON, norm_relu
from methods.patches import patches, positions
from suites.conv4_pooled import Conv4Pooled
from suites.fewshot import FewShot
from suites.models import MLP, Conv4

Forward = Callable[["Stacked", Params, Tensor], Tensor]


@dataclass(frozen=True)
class Stacked:
    """A workload's network for a stack of tasks, if a function here runs its kind.

    rows [tasks, parameters], x [tasks, examples, ...]
    """

    workload: FewShot

    @staticmethod
    def knows(network: nn.Module) -> bool:
        return type(network) in FORWARDS and all(
            layer.eps == EPSILON for layer in network.modules() if isinstance(layer, nn.BatchNorm2d)
        )

    def outputs(self, rows: Tensor, x: Tensor) -> Tensor:
        sizes = [p.numel() for p in self.shapes.values()]
        parts = rows.split(sizes, dim=1)
        params = {
            name: part.unflatten(1, p.shape)
            for part, (name, p) in zip(parts, self.shapes.items(), strict=True)
        }
        return FORWARDS[type(self.workload.skeleton)](self, params, x)

    @cached_property
    def shapes(self) -> Params:
        return dict(self.workload.skeleton.named_parameters())


@dataclass(frozen=True)
class OneByOne:
    """Any network, one task after another, with the same face."""

    workload: FewShot

    def outputs(self, rows: Tensor, x: Tensor) -> Tensor:
        return torch.stack(
            [
                self.workload.outputs(shaped(row, self.shapes), one)
                for row, one in zip(rows, x, strict=True)
            ]
        )

    @cached_property
    def shapes(self) -> Params:
        return dict(self.workload.skeleton.named_parameters())


def _linear(params: Params, name: str, x: Tensor) -> Tensor:
    return _with_bias(x, params[f"{name}.weight"].mT, params[f"{name}.bias"])


def _with_bias(rows: Tensor, weights: Tensor, bias: Tensor) -> Tensor:
    return torch.baddbmm(bias.unsqueeze(1), rows, weights)


def _convolution(params: Params, name: str, images: Tensor, stride: int, bias: bool) -> Tensor:
    """Return [tasks, rows, channels] of images [tasks, examples, height, width, channels]."""
    weight = params[f"{name}.weight"]
    tasks, filters, channels = weight.shape[:3]
    taken = patches(images.flatten(0, 1), stride)
    products = weight.permute(0, 3, 4, 2, 1).reshape(tasks, 9 * channels, filters)
    rows = taken.reshape(tasks, -1, 9 * channels)
    if not bias:  # BatchNorm takes it out again: its gradient is nothing
        return torch.bmm(rows, products)
    return _with_bias(rows, products, params[f"{name}.bias"])


def _block(params: Params, name: str, images: Tensor, stride: int) -> Tensor:
    """Convolution, BatchNorm if the block has one, ReLU; images with channels last."""
    _, examples, height, width = images.shape[:4]
    normed = f"{name}.1.weight" in params
    rows = _convolution(params, f"{name}.0", images, stride, bias=not normed)
    if normed:
        rows = norm_relu(rows, params[f"{name}.1.weight"], params[f"{name}.1.bias"])
    else:
        rows = rows.relu()
    return rows.unflatten(1, (examples, positions(height, stride), positions(width, stride)))


def _blocks(stacked: Stacked) -> list[str]:
    names = [name.rpartition(".0.weight")[0] for name in stacked.shapes if ".0.weight" in name]
    return [name for name in names if name.startswith("blocks.")]


def _conv4(stacked: Stacked, params: Params, x: Tensor) -> Tensor:
    images = x.movedim(2, -1).contiguous()
    for name in _blocks(stacked):
        images = _block(params, name, images, stride=2)
    return _linear(params, "head", images.mean((2, 3)))


def _conv4_pooled(stacked: Stacked, params: Params, x: Tensor) -> Tensor:
    images = x.movedim(2, -1).contiguous()
    for name in _blocks(stacked):
        images = _halved(_block(params, name, images, stride=1))
    return _linear(params, "head", images.movedim(-1, 2).flatten(2))


def _halved(images: Tensor) -> Tensor:
    """Return the largest of every two by two: where several are, ReLU has made them nothing."""
    height, width = (images.shape[2] // 2, images.shape[3] // 2)
    even = images[:, :, : 2 * height, : 2 * width]
    largest: Tensor = even.unflatten(3, (width, 2)).unflatten(2, (height, 2)).amax((3, 5))
    return largest


def _mlp(stacked: Stacked, params: Params, x: Tensor) -> Tensor:
    rows = x.flatten(2)
    for name in [n.removesuffix(".weight") for n in stacked.shapes if n.endswith(".weight")][:-1]:
        rows = _linear(params, name, rows).relu()
    return _linear(params, "head", rows)


FORWARDS: dict[type[nn.Module], Forward] = {Conv4: _conv4, Conv4Pooled: _conv4_pooled, MLP: _mlp}

"""Networks that run many tasks at once, each at parameters of its own, as batched matrix products.

A task's parameters are a row of a matrix. Images have their channels last, so that a layer's
positions are rows and its channels columns: a convolution is then a product of patches and weights,
and needs no grouped kernels, which is what vmap makes of it.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping
from copy import copy, deepcopy
from dataclasses import dataclass, field
from functools import cached_property
from typing import ClassVar

import torch
from torch import Tensor, nn

from baselines.flat import shaped
from harness.declare.learner import Params
from methods.norm_relu import EPSILON, norm_relu
from methods.patches import patches, positions
from suites.conv4_pooled import Conv4Pooled
from suites.fewshot import FewShot
from suites.models import MLP, Conv4

Forward = Callable[[Params, Tensor], Tensor]


@dataclass(frozen=True)
class Stacked:
    """A workload's network for a stack of tasks, if a function here runs its kind.

    A convolution's weights lie in a row as its product takes them, [patch, filter]: `packed` puts
    them there, and `unpacked` puts them, or slopes, back.
    """

    workload: FewShot
    has_tangents: ClassVar[bool] = True

    @staticmethod
    def knows(network: nn.Module) -> bool:
        return type(network) in FORWARDS and all(
            layer.eps == EPSILON for layer in network.modules() if isinstance(layer, nn.BatchNorm2d)
        )

    def packed(self, params: Params) -> Tensor:
        ordered = [params[name] for name in self._shapes]
        return torch.cat(
            [(p.permute(2, 3, 1, 0) if p.dim() == 4 else p).flatten() for p in ordered]
        )

    def unpacked(self, rows: Tensor) -> Params:
        return {
            name: part.permute(0, 4, 3, 1, 2).contiguous() if part.dim() == 5 else part.clone()
            for name, part in _unflattened(rows, self._shapes).items()
        }

    def outputs(self, rows: Tensor, x: Tensor) -> Tensor:
        """Return the outputs on x [tasks, examples, ...] at packed rows [tasks, parameters]."""
        params = {
            name: part.flatten(1, 3) if part.dim() == 5 else part
            for name, part in _unflattened(rows, self._shapes).items()
        }
        return FORWARDS[type(self.workload.skeleton)](params, x)

    @cached_property
    def _shapes(self) -> dict[str, torch.Size]:
        """The shapes of parameters as they are packed."""
        return {
            name: p.permute(2, 3, 1, 0).shape if p.dim() == 4 else p.shape
            for name, p in self.workload.skeleton.named_parameters()
        }


@dataclass(frozen=True)
class OneByOne:
    """Any network, one task after another, with the same face.

    A module can be run by one thread alone at a time, so each has a copy of it.
    """

    workload: FewShot
    has_tangents: ClassVar[bool] = False
    _of_thread: threading.local = field(default_factory=threading.local, compare=False, repr=False)

    def packed(self, params: Params) -> Tensor:
        return torch.cat([params[name].flatten() for name in self.like])

    def unpacked(self, rows: Tensor) -> Params:
        return _unflattened(rows, {name: p.shape for name, p in self.like.items()})

    def outputs(self, rows: Tensor, x: Tensor) -> Tensor:
        params = [shaped(row, self.like) for row in rows]
        outputs = [self.own.outputs(*one) for one in zip(params, x, strict=True)]
        return torch.stack(outputs)

    @property
    def own(self) -> FewShot:
        """The workload with a network that is this thread's own."""
        if not hasattr(self._of_thread, "workload"):
            own = copy(self.workload)
            vars(own)["skeleton"] = deepcopy(self.workload.skeleton)
            self._of_thread.workload = own
        mine: FewShot = self._of_thread.workload
        return mine

    @cached_property
    def like(self) -> Params:
        return dict(self.workload.skeleton.named_parameters())


def _unflattened(rows: Tensor, shapes: Mapping[str, torch.Size]) -> Params:
    """Return every parameter of all tasks, [tasks, *shape], of rows that hold them one by one."""
    parts = rows.split([shape.numel() for shape in shapes.values()], dim=1)
    return {
        name: part.view(len(rows), *shape)
        for part, (name, shape) in zip(parts, shapes.items(), strict=True)
    }


def _linear(params: Params, name: str, x: Tensor) -> Tensor:
    return _with_bias(x, params[f"{name}.weight"].mT, params[f"{name}.bias"])


def _with_bias(rows: Tensor, weights: Tensor, bias: Tensor) -> Tensor:
    return torch.baddbmm(bias.unsqueeze(1), rows, weights)


def _convolution(params: Params, name: str, images: Tensor, stride: int, bias: bool) -> Tensor:
    """Return [tasks, rows, channels] of images [tasks, examples, height, width, channels]."""
    weight = params[f"{name}.weight"]
    taken = patches(images.flatten(0, 1), stride)
    rows = taken.reshape(len(weight), -1, weight.shape[1])
    if not bias:  # BatchNorm takes it out again: its gradient is nothing
        return torch.bmm(rows, weight)
    return _with_bias(rows, weight, params[f"{name}.bias"])


def _block(params: Params, name: str, images: Tensor, stride: int) -> Tensor:
    """Convolution, BatchNorm if the block has one, ReLU; images with channels last."""
    _, examples, height, width = images.shape[:4]
    normed = f"{name}.1.weight" in params
    rows = _convolution(params, f"{name}.0", images, stride, bias=not normed)
    if normed:
        rows = norm_relu(rows, params[f"{name}.1.weight"], params[f"{name}.1.bias"])
    else:
        rows = rows.relu()
    shape = (examples, positions(height, stride), positions(width, stride))
    return rows.reshape(len(rows), *shape, rows.shape[-1])


def _blocks(params: Params) -> list[str]:
    end = ".0.weight"
    return [n.removesuffix(end) for n in params if n.startswith("blocks.") and n.endswith(end)]


def _conv4(params: Params, x: Tensor) -> Tensor:
    images = x.movedim(2, -1).contiguous()
    for name in _blocks(params):
        images = _block(params, name, images, stride=2)
    return _linear(params, "head", images.mean((2, 3)))


def _conv4_pooled(params: Params, x: Tensor) -> Tensor:
    images = x.movedim(2, -1).contiguous()
    for name in _blocks(params):
        images = _halved(_block(params, name, images, stride=1))
    return _linear(params, "head", images.movedim(-1, 2).flatten(2))


def _halved(images: Tensor) -> Tensor:
    """Return the largest of every two by two: where several are, ReLU has made them nothing."""
    height, width = (images.shape[2] // 2, images.shape[3] // 2)
    even = images[:, :, : 2 * height, : 2 * width]
    largest: Tensor = even.unflatten(3, (width, 2)).unflatten(2, (height, 2)).amax((3, 5))
    return largest


def _mlp(params: Params, x: Tensor) -> Tensor:
    rows = x.flatten(2)
    for name in [n.removesuffix(".weight") for n in params if n.endswith(".weight")][:-1]:
        rows = _linear(params, name, rows).relu()
    return _linear(params, "head", rows)


FORWARDS: dict[type[nn.Module], Forward] = {Conv4: _conv4, Conv4Pooled: _conv4_pooled, MLP: _mlp}

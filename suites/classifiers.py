"""Classifiers of two classes as objectives: logistic, fully connected, convolutional, recurrent.

Label 1 means that the first output should be above 0. The published code, whose logistic and fully
connected networks these are, has a second output that nothing but the penalty on weights reaches.
Convolutional and recurrent networks are ours: no published definition of them was found.
"""

from __future__ import annotations

from abc import abstractmethod
from dataclasses import dataclass
from itertools import pairwise

import torch
from torch import Tensor
from torch.nn.functional import binary_cross_entropy_with_logits, pad, unfold

from suites.objectives import Data, Objective, Shape, Tensors

PENALTY = 1e-3
OUTPUTS = 2


@dataclass(frozen=True)
class Classifier(Objective):
    """Mean cross entropy over examples, and a penalty on the mean over tensors of their squares."""

    @abstractmethod
    def logits(self, tensors: Tensors, x: Tensor) -> Tensor:
        """Return both outputs for every example."""

    def value(self, tensors: Tensors, data: Data) -> Tensor:
        labels = data["labels"]
        logit = self.logits(tensors, data["x"])[..., 0]
        losses = binary_cross_entropy_with_logits(logit, labels, reduction="none")
        squares = [
            (tensor * tensor).flatten(-len(shape)).sum(-1)
            for tensor, shape in zip(tensors, self.shapes, strict=True)
        ]
        return losses.mean(-1) + PENALTY * torch.stack(squares).mean(0)

    def minibatch(self, data: Data, rows: Tensor) -> Data:
        if rows.dim() == 1:
            return data | {name: data[name][rows] for name in ("x", "labels")}
        of = torch.arange(len(rows), device=rows.device).unsqueeze(1)
        return data | {name: data[name][of, rows] for name in ("x", "labels")}


@dataclass(frozen=True)
class FullyConnected(Classifier):
    """A network with sigmoid units; without hidden layers it is logistic regression."""

    inputs: int
    hidden: tuple[int, ...] = ()

    @property
    def shapes(self) -> tuple[Shape, ...]:
        widths = pairwise((self.inputs, *self.hidden, OUTPUTS))
        return tuple(s for before, after in widths for s in ((before, after), (after,)))

    def logits(self, tensors: Tensors, x: Tensor) -> Tensor:
        *inner, last = zip(tensors[::2], tensors[1::2], strict=True)
        for weight, bias in inner:
            x = torch.sigmoid(x @ weight + bias.unsqueeze(-2))
        weight, bias = last
        return x @ weight + bias.unsqueeze(-2)


@dataclass(frozen=True)
class Convolutional(Classifier):
    """Two 3 x 3 convolutions without bias over square images, the mean over places, a head."""

    side: int
    channels: int

    @property
    def shapes(self) -> tuple[Shape, ...]:
        return (
            (9, self.channels),
            (9 * self.channels, self.channels),
            (self.channels, OUTPUTS),
            (OUTPUTS,),
        )

    def logits(self, tensors: Tensors, x: Tensor) -> Tensor:
        first, second, head, bias = tensors
        flow = torch.sigmoid(self._patches(x.unsqueeze(-1)) @ first.unsqueeze(-3))
        flow = torch.sigmoid(self._patches(flow) @ second.unsqueeze(-3))
        return flow.mean(-2) @ head + bias.unsqueeze(-2)

    def _patches(self, x: Tensor) -> Tensor:
        """Return the 3 x 3 surroundings of every place: [..., places, channels] to 9 times them."""
        *leading, _, channels = x.shape
        images = x.reshape(-1, self.side, self.side, channels).permute(0, 3, 1, 2)
        patches = unfold(pad(images, (1, 1, 1, 1)), 3)
        return patches.mT.reshape(*leading, self.side**2, 9 * channels)


@dataclass(frozen=True)
class Recurrent(Classifier):
    """Elman's network of tanh units over short sequences, judged after the last step."""

    inputs: int
    units: int

    @property
    def shapes(self) -> tuple[Shape, ...]:
        return (
            (self.inputs, self.units),
            (self.units, self.units),
            (self.units,),
            (self.units, OUTPUTS),
            (OUTPUTS,),
        )

    def logits(self, tensors: Tensors, x: Tensor) -> Tensor:
        enter, recur, bias, head, head_bias = tensors
        state = torch.zeros_like(x[..., 0, :1]).expand(*x.shape[:-2], self.units)
        for moment in x.unbind(-2):
            state = torch.tanh(moment @ enter + state @ recur + bias.unsqueeze(-2))
        return state @ head + head_bias.unsqueeze(-2)

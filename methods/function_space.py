"""Tasks as regression, for methods that adapt a function in closed form and not its parameters."""

from __future__ import annotations

import torch
from torch import Tensor


def targets(y: Tensor, outputs: Tensor) -> Tensor:
    """Return what outputs are to be: of a class's number, its one-hot code with a mean of 0."""
    if y.is_floating_point():
        return y
    classes = torch.arange(outputs.shape[-1], device=y.device)
    return (y[:, None] == classes).to(outputs.dtype) - 1 / len(classes)


def squared_loss(outputs: Tensor, wanted: Tensor) -> Tensor:
    """Return half the squared distance of an example's outputs, in the mean."""
    return (outputs - wanted).square().sum(-1).mean() / 2

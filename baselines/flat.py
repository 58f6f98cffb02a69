"""Parameters as one vector, for the dense linear algebra of oracles and definitions."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TypeVar

import torch
from torch import Tensor

Name = TypeVar("Name")


def flat(params: Mapping[Name, Tensor]) -> Tensor:
    """Return all entries as one vector."""
    return torch.cat([p.detach().flatten() for p in params.values()])


def shaped(vector: Tensor, like: Mapping[Name, Tensor]) -> dict[Name, Tensor]:
    """Return the vector's entries in the names and shapes of other parameters."""
    parts = vector.split([p.numel() for p in like.values()])
    return {name: part.view_as(p) for part, (name, p) in zip(parts, like.items(), strict=True)}

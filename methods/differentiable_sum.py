"""A sum over a team's ranks that a gradient can be taken through."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor

from harness.team.communicator import Communicator


def differentiable_sum(part: Tensor, team: Communicator) -> Tensor:
    """Return the sum of all ranks' parts.

    Its derivative is one more sum, so all ranks must take it, or none.
    """
    total: Tensor = _Sum.apply(part, team)  # type: ignore[no-untyped-call]  # torch's is bare
    return total


class _Sum(torch.autograd.Function):
    """The slope of a part is the sum of the slopes of all ranks' sums, each of which has it."""

    @staticmethod
    def forward(ctx: Any, part: Tensor, team: Communicator) -> Tensor:
        ctx.team = team
        return _summed(part, team)

    @staticmethod
    def backward(ctx: Any, slope: Tensor) -> tuple[Tensor, None]:
        return _summed(slope, ctx.team), None


def _summed(part: Tensor, team: Communicator) -> Tensor:
    total = part.clone()
    team.all_reduce(total)
    return total

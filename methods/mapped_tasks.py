"""Tasks of any network side by side: torch.vmap runs what was written for one.

Both derivatives of an inner step are formed inside vmap, task by task. From outside, the second one
is as fast but wrong in torch 2.13 where the network has BatchNorm (see batched_maml); so nothing is
stored for it, and an inner step is recomputed on the way back.

Not every network can be mapped: one may branch on what it computes, or draw numbers. Whether it can
is tried out, and what comes of it is held to the network itself.
"""

from __future__ import annotations

import torch
from torch import Tensor
from torch.func import grad, vjp, vmap

from baselines.flat import shaped
from methods.stacked_networks import OneByOne
from methods.task_stack import TaskStack

AGREES = {torch.float32: 1e-3, torch.float64: 1e-8}
"""The relative error up to which a sum agrees with itself over another order of operations."""

SMALL = 1e-2
"""Of all parameters' slopes: those of one that are smaller are held to this."""


class Mapped(OneByOne):
    """Any network, with its tasks in one call of vmap."""

    def outputs(self, rows: Tensor, x: Tensor) -> Tensor:
        outputs: Tensor = vmap(self.outputs_of_one)(rows, x)
        return outputs

    def outputs_of_one(self, row: Tensor, x: Tensor) -> Tensor:
        return self.own.outputs(shaped(row, self.like), x)


class MappedTasks(TaskStack):
    """The tasks of one call, mapped."""

    network: Mapped

    def bent(self, rows: Tensor, x: Tensor, y: Tensor, directions: Tensor) -> Tensor:
        bent: Tensor = vmap(self._bent)(rows, x, y, directions)
        return bent

    def _bent(self, row: Tensor, x: Tensor, y: Tensor, direction: Tensor) -> Tensor:
        def loss(row: Tensor) -> Tensor:
            return self.workload.loss(self.network.outputs_of_one(row, x), y)

        bent: Tensor = vjp(grad(loss), row)[1](direction)[0]
        return bent

    def agrees_with(
        self, plain: TaskStack, rows: Tensor, x: Tensor, y: Tensor, *, bent: bool
    ) -> bool:
        """Say whether the tasks' slopes, and these bent, are what they are one after another."""
        try:
            slopes = plain.slopes(rows, x, y)[1]
            pairs = [(self.slopes(rows, x, y)[1], slopes)]
            if bent:
                given = rows, x, y, slopes
                pairs.append((self.bent(*given), plain.bent(*given)))
        except (MemoryError, torch.OutOfMemoryError):
            raise
        except Exception:  # a network may fail in its own way at what vmap hands it
            return False
        return all(self._close(one, other) for one, other in pairs)

    def _close(self, found: Tensor, owed: Tensor) -> bool:
        """Compare every parameter's part; one that cancels out is nothing but rounding."""
        parts = zip(*(self.network.unpacked(each).values() for each in (found, owed)), strict=True)
        of_all, agrees = torch.linalg.vector_norm(owed), AGREES[owed.dtype]
        return all(
            torch.linalg.vector_norm(one - other)
            <= agrees * (torch.linalg.vector_norm(other) + SMALL * of_all)
            for one, other in parts
        )

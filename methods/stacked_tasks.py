"""Many tasks' losses and their derivatives, each task at parameters of its own.

A task's parameters are a row of a matrix. Every derivative is formed inside vmap, task by task: see
batched_maml for what torch 2.13 does to BatchNorm otherwise. There may be no rows at all, as on a
rank of a team that has more ranks than tasks; vmap takes one at least.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

from torch import Tensor
from torch.func import grad, grad_and_value, vjp, vmap

from baselines.flat import shaped
from harness.declare.learner import Params
from suites.fewshot import FewShot


@dataclass(frozen=True)
class StackedTasks:
    """The losses of a workload's tasks, of which at most `chunk` are worked on in one call."""

    workload: FewShot
    chunk: int | None

    def slopes(self, thetas: Tensor, x: Tensor, y: Tensor) -> Tensor:
        """Return the gradient of every task's loss."""
        if not len(thetas):
            return thetas.clone()
        slopes: Tensor = vmap(grad(self._loss), chunk_size=self.chunk)(thetas, x, y)
        return slopes

    def losses_and_slopes(self, thetas: Tensor, x: Tensor, y: Tensor) -> tuple[Tensor, Tensor]:
        if not len(thetas):
            return thetas.new_zeros(0), thetas.clone()
        slopes, losses = vmap(grad_and_value(self._loss), chunk_size=self.chunk)(thetas, x, y)
        return losses, slopes

    def bent(self, thetas: Tensor, x: Tensor, y: Tensor, directions: Tensor) -> Tensor:
        """Return every task's second derivative times its direction."""
        if not len(thetas):
            return directions
        bent: Tensor = vmap(self._bent, chunk_size=self.chunk)(thetas, x, y, directions)
        return bent

    @cached_property
    def network(self) -> Params:
        """The network's parameters, which tell the names and shapes of a row's parts."""
        return dict(self.workload.skeleton.named_parameters())

    def _loss(self, theta: Tensor, x: Tensor, y: Tensor) -> Tensor:
        return self.workload.loss(self.workload.outputs(shaped(theta, self.network), x), y)

    def _bent(self, theta: Tensor, x: Tensor, y: Tensor, direction: Tensor) -> Tensor:
        pull = vjp(lambda there: grad(self._loss)(there, x, y), theta)[1]
        product: Tensor = pull(direction)[0]
        return product

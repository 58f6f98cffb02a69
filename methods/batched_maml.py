"""MAML with the tasks of a meta-batch in one call.

For every task i of the batch, with U one inner step on the task's support set:

    theta_i = U_i(... U_i(theta))          the same formulas as MAML's
    gradient = d/dtheta mean_i L_query_i(theta_i)

torch.func.vmap runs all theta_i at once, so a convolution sees the whole meta-batch. Nothing is
approximated: the method is Exact. What it gives is fewer, larger kernels; what it costs is that
per-task weights turn convolutions into grouped ones, and that all tasks' graphs live at once.

The meta-gradient is formed inside vmap, task by task, and averaged after. The other order, one
gradient of the vmapped mean, is as fast but wrong in torch 2.13: differentiating BatchNorm twice
by its weight through vmap from outside loses a term (relative error .17 on conv4, no warning).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar

from torch import Tensor
from torch.func import grad, grad_and_value, vmap

from baselines.maml import MamlLearner
from harness.declare.equivalence import Equivalence, Exact
from harness.declare.learner import Gradient, Params
from harness.declare.outer import AdamState
from harness.registry import method
from suites.fewshot import Tasks


@method("batched_maml")
@dataclass(frozen=True)
class BatchedMaml(MamlLearner):
    """MAML with all tasks of the meta-batch in one vmapped call."""

    chunk: int | None = None
    """Most tasks in one call, to bound memory; all of them if null."""

    equivalence: ClassVar[Equivalence] = Exact()
    corners: ClassVar[tuple[dict[str, Any], ...]] = ({"chunk": 1},)

    def meta_gradient(self, state: AdamState, batch: Tasks) -> Gradient:
        def query_loss(params: Params, sx: Tensor, sy: Tensor, qx: Tensor, qy: Tensor) -> Tensor:
            adapted = self._adapted(params, sx, sy)
            return self.workload.loss(self.workload.outputs(adapted, qx), qy)

        of_each_task = vmap(
            grad_and_value(query_loss), in_dims=(None, 0, 0, 0, 0), chunk_size=self.chunk
        )
        grads, losses = of_each_task(
            state.params, batch.support_x, batch.support_y, batch.query_x, batch.query_y
        )
        return Gradient(losses.mean(), {name: g.mean(0) for name, g in grads.items()})

    def adapt(self, state: AdamState, batch: Tasks) -> list[Params]:
        def one(sx: Tensor, sy: Tensor) -> Params:
            return self._adapted(state.params, sx, sy)

        stacked = vmap(one, chunk_size=self.chunk)(batch.support_x, batch.support_y)
        return [{name: p[i] for name, p in stacked.items()} for i in range(len(batch))]

    def _adapted(self, params: Params, x: Tensor, y: Tensor) -> Params:
        def support_loss(params: Params) -> Tensor:
            return self.workload.loss(self.workload.outputs(params, x), y)

        for _ in range(self.workload.inner_steps):
            grads = grad(support_loss)(params)
            if self.workload.first_order:
                grads = {name: g.detach() for name, g in grads.items()}
            params = {name: p - self.workload.inner_lr * grads[name] for name, p in params.items()}
        return params

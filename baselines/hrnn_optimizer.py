"""The hierarchical RNN optimizer trained plainly: the oracle that its implementations are held to.

Task after task an unroll of T steps is taken, and its meta-objective J (suites.optimizer_training)
differentiated by the meta-parameters, through everything: the steps, the optimizer's states and, by
second derivatives, the tasks' gradients. Each task's gradient is made finite and clipped, then the
mean over tasks is what RMSProp follows. One step is that of baselines.hrnn_cells.

What is not as in the published code is said where it can be set: `level2`, `listed`, `state` and
`diverged` of the workload. Two things are not to be set. There a meta-update has one task, which
`meta_batch` = 1 gives. And a negative loss, which raises there, has no logarithm and counts as a
divergence.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import torch
from torch import Tensor

from baselines.hrnn import HrnnLearner, HrnnState, Unrolled, sanitised
from baselines.hrnn_cells import step
from harness.declare.learner import Params
from harness.registry import baseline
from suites.hrnn import Standing, Start
from suites.optimizer_training import MetaBatch, Run, Task, log_ratio


@baseline("hrnn_optimizer")
@dataclass(frozen=True)
class HrnnOptimizer(HrnnLearner):
    """The hierarchical RNN optimizer (Wichrowska et al. 2017) in plain PyTorch, task after task."""

    def through_unroll(
        self, params: Params, batch: MetaBatch, starts: Sequence[Start | None]
    ) -> Unrolled:
        params = {name: p.detach().requires_grad_() for name, p in params.items()}
        loss = next(iter(params.values())).new_zeros(())
        grads = {name: torch.zeros_like(p) for name, p in params.items()}
        ended: list[Standing | None] = []
        for task, start in zip(batch.tasks, starts, strict=True):
            after = None
            if start is not None:
                begun = self.workload.hrnn.begun(params, start, len(task.objective.sizes))
                of_task, after = self._unroll(params, task, begun, batch.steps)
                if of_task.isfinite():
                    own = torch.autograd.grad(
                        of_task, list(params.values()), materialize_grads=True
                    )
                    grads = {
                        n: g + sanitised(o) for (n, g), o in zip(grads.items(), own, strict=True)
                    }
                    loss = loss + of_task.detach()
                else:
                    after = None
            ended.append(after)
        return Unrolled(loss, grads, tuple(ended))

    def adapt(self, state: HrnnState, batch: MetaBatch) -> Run:
        ends, losses = [], []
        for task, start in zip(batch.tasks, batch.starts, strict=True):
            params = state.outer.params
            standing = self.workload.hrnn.begun(params, start, len(task.objective.sizes))
            seen = []
            for number in range(batch.steps):
                loss, standing = self._step(params, task, standing.detached(), number)
                seen.append(loss.detach())
            theta = standing.rows.theta.detach()
            ends.append(theta)
            losses.append(torch.stack([*seen, task.objective(theta, task.data)]))
        return Run(tuple(ends), torch.stack(losses))

    def _unroll(
        self, params: Params, task: Task, standing: Standing, steps: int
    ) -> tuple[Tensor, Standing]:
        """Return the meta-objective of one task's unroll, and where it leads."""
        losses = []
        for number in range(steps):
            loss, standing = self._step(params, task, standing, number)
            losses.append(loss)
        first = standing.first_loss
        if first is None:
            first = losses[0].detach().unsqueeze(0)
        if self.workload.listed == "all":
            losses.append(task.objective(standing.rows.theta, task.data))
        else:
            losses.insert(0, losses[0])
        ratios = log_ratio(torch.stack(losses), first)
        return ratios.mean(), replace(standing, first_loss=first).detached()

    def _step(
        self, params: Params, task: Task, standing: Standing, number: int
    ) -> tuple[Tensor, Standing]:
        """Return the loss before a step, and where the step leads."""
        standing = replace(standing, rows=standing.rows.led())
        loss = task.objective(standing.rows.theta, task.data)
        gradient = task.disturbed(self._gradient(task, standing.rows.point, loss, number), number)
        return loss, step(self.workload.hrnn, params, standing, task.objective.sizes, gradient)

    def _gradient(self, task: Task, point: Tensor, loss: Tensor, number: int) -> Tensor:
        """Return the gradient by the coordinates, before it is disturbed.

        The loss serves it where it is the loss of the same examples at the same point.
        """
        if task.rows is not None:
            data = task.objective.minibatch(task.data, task.rows[number])
            loss = task.objective(point, data)
        elif self.workload.attention:
            loss = task.objective(point, task.data)
        second = self.workload.second_derivatives
        (gradient,) = torch.autograd.grad(loss, point, retain_graph=True, create_graph=second)
        return gradient

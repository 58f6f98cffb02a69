"""Meta-RKHS: meta-learning in the function space of the neural tangent kernel, in two ways.

Zhou, Wang, Xian, Chen and Xu, "Meta-Learning with Neural Tangent Kernels" (arXiv 2102.03909). Both
do without an inner loop in training. I, `meta_rkhs_regularised`, with L_i the loss of all of task
i's examples, favours parameters that a gradient step gains much from:

    objective = mean over tasks of L_i(theta) - a |dL_i/dtheta|^2

which is MAML's to first order in a, the rate or the rates of all its steps together. A held-out
task is adapted as by MAML.

II, `meta_rkhs_analytic`, follows gradient flow for a time t in closed form, as if the network were
linear in its parameters. With X, Y the n support examples, f their outputs, r = Y - f and
J = df/dtheta, so that H = J J^T / n is the network's own kernel:

    u      = H^-1 (I - e^(-t H)) r
    delta  = J^T u / n
    f_i(x) = f(x) + df(x)/dtheta delta          what a task's examples are answered with
    objective = mean over tasks of the squared loss of f_i on the query set

Known, from the paper: all of this, that I regularises by k a for k steps, and that II learns
classes as regression; the codes of classes, 1 and 0 less their mean, are of the work that it names.
Open: `regulariser`, by default the workload's inner rate times its steps, and `time`.

u is taken from e^A with A = [[-t H, t r], [0, 0]], whose last column begins with it; so H may be
singular, as it is where units are dead. J takes a backward pass for each output, n times the
classes: for small networks and few examples alone. Tasks are worked on in one call. Each
derivative is formed inside vmap, and no vmap lies inside the network: see batched_maml for why.
Nor is df/dtheta delta differentiated, which torch 2.13 gets wrong for BatchNorm (relative error
.08, no warning), but c f + d(c f)/dtheta delta with c, the objective's slope by f_i, as given.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from typing import ClassVar

import torch
from torch import Tensor
from torch.func import grad, grad_and_value, jvp, vjp, vmap

from baselines.flat import shaped
from baselines.maml import MamlLearner
from baselines.reference_maml import ReferenceMaml
from harness.declare.equivalence import Approximate, Equivalence
from harness.declare.learner import Gradient, Params
from harness.declare.outer import AdamState
from harness.registry import method
from methods.function_space import squared_loss, targets
from suites.fewshot import Tasks

MOVE = "move."  # begins the name of a parameter's move, before that of the parameter


@method("meta_rkhs_regularised")
@dataclass(frozen=True)
class MetaRkhsRegularised(ReferenceMaml):
    """Training on the loss less the squared length of its gradient, without inner steps."""

    regulariser: float | None = None
    """a; the workload's inner rate times its inner steps if null."""

    equivalence: ClassVar[Equivalence] = Approximate("naive_regularised_gradient")

    @property
    def weight(self) -> float:
        by_steps = self.workload.inner_lr * self.workload.inner_steps
        return by_steps if self.regulariser is None else self.regulariser

    def _query_loss(self, params: Params, task: Tasks) -> Tensor:
        """Return the objective on all of a task's examples."""
        x, y = torch.cat([task.support_x, task.query_x]), torch.cat([task.support_y, task.query_y])
        loss = self.workload.loss(self.workload.outputs(params, x), y)
        slopes = torch.autograd.grad(loss, list(params.values()), create_graph=True)
        return loss - self.weight * torch.cat([slope.flatten() for slope in slopes]).square().sum()


@method("meta_rkhs_analytic")
@dataclass(frozen=True)
class MetaRkhsAnalytic(MamlLearner):
    """Adaptation in closed form by the network's tangent kernel, in training and at meta-test."""

    time: float = 10.0
    """t, how long gradient flow is followed."""
    chunk: int | None = None
    """Most tasks in one call, to bound memory; all of them if null."""

    equivalence: ClassVar[Equivalence] = Approximate(
        "naive_analytic_gradient", adaptation="naive_analytic_adaptations"
    )

    def __post_init__(self) -> None:
        if self.time <= 0:
            raise ValueError(f"time = {self.time} must be above 0")
        if self.chunk is not None and self.chunk < 1:
            raise ValueError(f"chunk = {self.chunk} must be 1 or more, or null for all at once")

    def meta_gradient(self, state: AdamState, batch: Tasks) -> Gradient:
        of_each_task = vmap(
            grad(self._pulled, has_aux=True), in_dims=(None, 0, 0, 0, 0), chunk_size=self.chunk
        )
        grads, losses = of_each_task(
            state.params, batch.support_x, batch.support_y, batch.query_x, batch.query_y
        )
        return Gradient(losses.mean(), {name: g.mean(0) for name, g in grads.items()})

    def adapt(self, state: AdamState, batch: Tasks) -> list[Params]:
        """Return the parameters, and each task's move of them, in which the network is linear."""
        moves = vmap(self._move, in_dims=(None, 0, 0), chunk_size=self.chunk)(
            state.params, batch.support_x, batch.support_y
        )
        return [
            state.params | {MOVE + name: move[i] for name, move in moves.items()}
            for i in range(len(batch))
        ]

    def outputs(self, adapted: Params, x: Tensor) -> Tensor:
        params = {name: p for name, p in adapted.items() if not name.startswith(MOVE)}
        return self._linear(params, {name: adapted[MOVE + name] for name in params}, x)

    def _pulled(
        self, params: Params, sx: Tensor, sy: Tensor, qx: Tensor, qy: Tensor
    ) -> tuple[Tensor, Tensor]:
        """Return c f + d(c f)/dtheta delta, whose slope is the objective's; and the objective."""
        move = self._move(params, sx, sy)
        outputs = self._linear(params, move, qx).detach()
        wanted = targets(qy, outputs)
        c = (outputs - wanted) / len(qx)
        slopes, there = grad_and_value(lambda p: (c * self.workload.outputs(p, qx)).sum())(params)
        along = torch.stack([(slope * move[name]).sum() for name, slope in slopes.items()]).sum()
        return there + along, squared_loss(outputs, wanted)

    def _move(self, params: Params, x: Tensor, y: Tensor) -> Params:
        """Return delta: where gradient flow takes the parameters of the linear network."""
        outputs, pull, *_ = vjp(partial(self.workload.outputs, x=x), params)
        each = torch.eye(outputs.numel(), dtype=outputs.dtype, device=outputs.device)
        rows = [pull(one.view_as(outputs))[0] for one in each]
        jacobian = torch.stack([torch.cat([p.flatten() for p in row.values()]) for row in rows])
        left = (targets(y, outputs) - outputs).flatten()
        u = _flowed(jacobian @ jacobian.T / len(x), left, self.time)
        return shaped(u @ jacobian / len(x), params)

    def _linear(self, params: Params, move: Params, x: Tensor) -> Tensor:
        """Return the outputs of the network that is linear in its parameters, after the move."""
        run = partial(self.workload.outputs, x=x)
        outputs, change, *_ = jvp(run, (params,), (move,))
        result: Tensor = outputs + change
        return result


def _flowed(kernel: Tensor, left: Tensor, time: float) -> Tensor:
    """Return H^-1 (I - e^(-t H)) r, of an H that may be singular."""
    column = torch.cat([-time * kernel, time * left[:, None]], dim=1)
    augmented = torch.cat([column, torch.zeros_like(column[:1])])
    flowed: Tensor = torch.linalg.matrix_exp(augmented)[:-1, -1]
    return flowed


def naive_regularised_gradient(
    learner: MetaRkhsRegularised, state: AdamState, batch: Tasks
) -> Gradient:
    """The definition of I: with g = dL/dtheta, the derivative of L - a |g|^2 is g - 2 a dg g."""
    workload, losses, all_grads = learner.workload, [], []
    params = {name: p.detach().requires_grad_() for name, p in state.params.items()}
    for task in batch:
        x, y = (
            torch.cat(p) for p in ((task.support_x, task.query_x), (task.support_y, task.query_y))
        )
        loss = workload.loss(workload.outputs(params, x), y)
        slopes = torch.autograd.grad(loss, list(params.values()), create_graph=True)
        given = [slope.detach() for slope in slopes]
        bent = torch.autograd.grad(slopes, list(params.values()), given)
        losses.append(
            float(loss.detach()) - learner.weight * sum(float((g * g).sum()) for g in given)
        )
        all_grads.append([g - 2 * learner.weight * h for g, h in zip(given, bent, strict=True)])
    means = [torch.stack(each).mean(0) for each in zip(*all_grads, strict=True)]
    loss = batch.query_x.new_tensor(losses).mean()
    return Gradient(loss, dict(zip(params, means, strict=True)))


def naive_analytic_gradient(learner: MetaRkhsAnalytic, state: AdamState, batch: Tasks) -> Gradient:
    """The definition of II: task by task, derivative by derivative, all in one graph."""
    params = {name: p.detach().requires_grad_() for name, p in state.params.items()}
    losses = []
    for task in batch:
        outputs = learner.workload.outputs(params, task.query_x)
        change = _jacobian(outputs, params) @ _naive_move(learner, params, task)
        wanted = targets(task.query_y, outputs)
        losses.append(
            0.5 * ((outputs + change.view_as(outputs) - wanted) ** 2).sum() / len(outputs)
        )
    loss = torch.stack(losses).mean()
    found = torch.autograd.grad(loss, list(params.values()))
    return Gradient(loss.detach(), dict(zip(params, found, strict=True)))


def naive_analytic_adaptations(
    learner: MetaRkhsAnalytic, state: AdamState, batch: Tasks
) -> list[Params]:
    """What `adapt` must return."""
    params = {name: p.detach().requires_grad_() for name, p in state.params.items()}
    moves = [shaped(_naive_move(learner, params, task).detach(), params) for task in batch]
    return [state.params | {MOVE + name: part for name, part in move.items()} for move in moves]


def _naive_move(learner: MetaRkhsAnalytic, params: Params, task: Tasks) -> Tensor:
    """Return delta by the integral of e^(-s H) over s from 0 to t, times r."""
    outputs, n = learner.workload.outputs(params, task.support_x), len(task.support_x)
    jacobian = _jacobian(outputs, params)
    kernel, size = jacobian @ jacobian.T / n, outputs.numel()
    corner = torch.zeros(2 * size, 2 * size, dtype=kernel.dtype, device=kernel.device)
    corner[:size, :size], corner[:size, size:] = -kernel, torch.eye(size).to(kernel)
    integral: Tensor = torch.linalg.matrix_exp(learner.time * corner)[:size, size:]
    return jacobian.T @ integral @ (targets(task.support_y, outputs) - outputs).flatten() / n


def _jacobian(outputs: Tensor, params: Params) -> Tensor:
    rows = [
        torch.autograd.grad(
            one, list(params.values()), create_graph=True, materialize_grads=True, allow_unused=True
        )
        for one in outputs.flatten()
    ]
    return torch.stack([torch.cat([part.flatten() for part in row]) for row in rows])

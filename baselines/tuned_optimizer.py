"""Adam and RMSProp with the rate that suits the tasks best: what a learned optimizer has to beat.

They are torch's, with torch's settings but for the rate. As a learner, all that such an optimizer
learns is that rate: each meta-step tries the next of RATES on the same whole runs of tuning tasks,
which neither training, validation nor test holds, and from then on the best so far is used. When
all have been tried a step changes nothing any more. The hierarchical optimizer's weights, which
every learner of the family begins with, are carried along untouched, and their gradient is 0.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import ClassVar, Literal

import torch
from torch import Tensor

from baselines.hand_tuned import OPTIMIZERS
from baselines.hand_tuned import RATES as EVERY_RATE
from harness.declare.equivalence import Approximate, Equivalence
from harness.declare.learner import Gradient, Learner, Params
from harness.registry import baseline
from suites.hrnn import Fresh, Start
from suites.optimizer_training import (
    MetaBatch,
    OptimizerTraining,
    Run,
    Task,
    bounded,
    log_ratio,
)

RATES = EVERY_RATE[::2]
"""Four to a decade, from 1e-4 to 1."""
UNTUNED = 1e-3


@dataclass(frozen=True)
class TunedState:
    """The weights of the family, and what each rate that was tried has left of the losses."""

    params: Params
    seed: int
    reached: tuple[float, ...] = ()
    """The mean over tuning tasks, by the rates in their order; one that diverged counts as most."""

    @property
    def rate(self) -> float:
        """The best rate so far."""
        if not self.reached:
            return UNTUNED
        return RATES[self.reached.index(min(self.reached))]

    @property
    def next_rate(self) -> float:
        return RATES[len(self.reached)] if len(self.reached) < len(RATES) else self.rate


@baseline("tuned_optimizer")
@dataclass(frozen=True)
class TunedOptimizer(Learner):
    """Adam or RMSProp with its rate tuned: the hand-made rivals of a learned optimizer."""

    workload: OptimizerTraining
    optimizer: Literal["adam", "rmsprop"] = "adam"
    tuning_batches: int = 2
    """Meta-batches of tuning tasks."""

    family: ClassVar[str] = "hrnn"
    equivalence: ClassVar[Equivalence] = Approximate("baselines.tuned_optimizer:by_formula")

    def __post_init__(self) -> None:
        if self.tuning_batches < 1:
            raise ValueError(f"tuning_batches = {self.tuning_batches}: must be at least 1.")

    def init(self, seed: int) -> TunedState:
        return TunedState(self.workload.initial(seed), seed)

    def step(self, state: TunedState, batch: MetaBatch) -> tuple[TunedState, Tensor]:
        loss = self._tried(state)
        if len(state.reached) == len(RATES):
            return state, loss
        return replace(state, reached=(*state.reached, float(loss))), loss

    def meta_gradient(self, state: TunedState, batch: MetaBatch) -> Gradient:
        none = {name: torch.zeros_like(p) for name, p in state.params.items()}
        return Gradient(self._tried(state), none)

    def adapt(self, state: TunedState, batch: MetaBatch) -> Run:
        return self.run(state.rate, batch)

    def evaluate(self, state: TunedState, batch: MetaBatch) -> Tensor:
        return self.adapt(state, batch).gained

    def run(self, rate: float, batch: MetaBatch) -> Run:
        """Run the optimizer on all tasks in one vector: it treats every coordinate by itself."""
        theta = torch.cat([_theta(start) for start in batch.starts])
        optimizer, losses = OPTIMIZERS[self.optimizer]([theta], rate), []
        for number in range(batch.steps):
            loss, theta.grad = _losses_and_gradient(theta, batch, number)
            losses.append(loss)
            optimizer.step()
        ends = theta.detach().split(_sizes(batch))
        last = [task.objective(end, task.data) for task, end in zip(batch.tasks, ends, strict=True)]
        return Run(ends, torch.stack([*losses, torch.stack(last)], 1))

    def tuning_tasks(self, state: TunedState) -> MetaBatch:
        tasks = self.tuning_batches * self.workload.meta_batch
        return self.workload.eval_batch(state.seed, "tune", 0, tasks)

    def _tried(self, state: TunedState) -> Tensor:
        """Return what the next rate leaves of the tuning tasks, or, of all rates, the best."""
        if len(state.reached) == len(RATES):
            place = self.workload.place
            return torch.tensor(min(state.reached), dtype=place.torch_dtype, device=place.device)
        return self.run(state.next_rate, self.tuning_tasks(state)).gained.mean()


def by_formula(learner: TunedOptimizer, state: TunedState, batch: MetaBatch) -> Gradient:
    """What the next rate leaves of the tuning tasks, task after task by the optimizers' formulas.

    Adam: m <- .9 m + .1 g, v <- .999 v + .001 g^2, x <- x - rate m' / (sqrt(v') + 1e-8), where m'
    and v' are m and v over 1 less their decay to the power of the steps so far. RMSProp: v <- .99 v
    + .01 g^2, x <- x - rate g / (sqrt(v) + 1e-8).
    """
    tasks, left = learner.tuning_tasks(state), []
    of_momentum, of_square = (0.9, 0.999) if learner.optimizer == "adam" else (0.0, 0.99)
    for task, start in zip(tasks.tasks, tasks.starts, strict=True):
        x = _theta(start)
        m, v, first = torch.zeros_like(x), torch.zeros_like(x), task.objective(x, task.data)
        for number in range(tasks.steps):
            g = task.disturbed(_gradient(task, x, number), number)
            m = of_momentum * m + (1 - of_momentum) * g
            v = of_square * v + (1 - of_square) * g**2
            unbiased = [1 - decay ** (number + 1) for decay in (of_momentum, of_square)]
            if learner.optimizer == "rmsprop":
                unbiased = [1.0, 1.0]
            x = x - state.next_rate * (m / unbiased[0]) / ((v / unbiased[1]).sqrt() + 1e-8)
        left.append(bounded(log_ratio(task.objective(x, task.data), first)))
    none = {name: torch.zeros_like(p) for name, p in state.params.items()}
    return Gradient(torch.stack(left).mean(), none)


def _theta(start: Start) -> Tensor:
    return start.theta.clone() if isinstance(start, Fresh) else start.rows.theta.clone()


def _sizes(batch: MetaBatch) -> list[int]:
    return [task.objective.size for task in batch.tasks]


def _losses_and_gradient(theta: Tensor, batch: MetaBatch, number: int) -> tuple[Tensor, Tensor]:
    """Return every task's loss on all data, and the gradients of the step's own, disturbed."""
    losses, gradients = [], []
    for task, own in zip(batch.tasks, theta.split(_sizes(batch)), strict=True):
        losses.append(task.objective(own, task.data))
        gradients.append(task.disturbed(_gradient(task, own, number), number))
    return torch.stack(losses), torch.cat(gradients)


def _gradient(task: Task, at: Tensor, number: int) -> Tensor:
    point, data = at.detach().requires_grad_(), task.data
    if task.rows is not None:
        data = task.objective.minibatch(data, task.rows[number])
    (gradient,) = torch.autograd.grad(task.objective(point, data), point)
    return gradient

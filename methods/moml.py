"""MOML: a memory of what every task of a fixed set was adapted to.

Wang, Yuan, Ying and Yang, "Memory-Based Optimization Methods for Model-Agnostic Meta-Learning and
Personalized Federated Learning" (JMLR 24, 2023; arXiv 2106.04911). Training goes round a set of
tasks, each of them met again with new examples. Of the tasks i of a meta-batch, with U_i(theta) =
theta - alpha dS_i/dtheta, S_i and Q_i the losses of support and query set, and b `rate`:

    u_i      = (1 - b) u_i + b U_i(theta)
    gradient = mean over tasks of (dU_i/dtheta)^T dQ_i/du (u_i)

so that the noise of few examples averages out over the times that a task was met.

Known from the paper and the authors' code: the memory, the gradient at it, and b from 0.1 to 0.9.
What is ours: a task that is met for the first time has u_i = U_i(theta), where theirs gives every
task a memory before training; Adam takes the outer step; tasks come in turn and are not drawn; U_i
may have several inner steps; the factor b that their gradient has is left out, since it would only
scale the outer rate. At b = 1 it is MAML, and under the workload's `first_order`, where dU_i/dtheta
counts as 1, MAML's first-order step.

Held-out tasks are adapted to as MAML's are, from theta.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar

import torch
from torch import Tensor

from baselines.flat import flat, shaped
from baselines.reference_maml import ReferenceMaml
from harness.declare.equivalence import Approximate, Equivalence
from harness.declare.learner import Gradient
from harness.declare.outer import AdamState
from harness.errors import UsageError
from harness.registry import method
from suites.fewshot import Tasks


@dataclass(frozen=True)
class MomlState(AdamState):
    """The parameters under Adam, and every task's memory."""

    memory: Tensor
    """u of every task, [tasks, parameters]."""
    met: Tensor
    """Whether a task has a memory."""


@method("moml")
@dataclass(frozen=True)
class Moml(ReferenceMaml):
    """MAML over a fixed set of tasks, of which each has a memory of its adapted parameters."""

    rate: float = 0.5
    """b: how much of a task's memory each meeting replaces."""

    equivalence: ClassVar[Equivalence] = Approximate("baselines.naive_moml:gradient")
    corners: ClassVar[tuple[dict[str, Any], ...]] = ({"rate": 1.0},)

    def __post_init__(self) -> None:
        if not 0 < self.rate <= 1:
            raise ValueError(f"rate = {self.rate} must be above 0, and at most 1")
        if self.workload.task_set is None:
            raise UsageError(
                f"moml keeps a memory for every task of a set, but {self.workload.name} has no end "
                "of tasks. Use a workload that has a task_set, such as sinusoid_set."
            )
        if self.workload.task_set < self.workload.meta_batch:
            raise ValueError(
                f"task_set = {self.workload.task_set} must be at least meta_batch = "
                f"{self.workload.meta_batch}, so that no task is in a batch twice"
            )

    @classmethod
    def workload_needed(cls, settings: Mapping[str, Any]) -> dict[str, Any]:
        return {"task_set": 5}

    def init(self, seed: int) -> MomlState:
        start = super().init(seed)
        theta = flat(start.params)
        met = torch.zeros(self._tasks, dtype=torch.bool, device=theta.device)
        return MomlState(**vars(start), memory=theta.new_zeros(self._tasks, len(theta)), met=met)

    def step(self, state: MomlState, batch: Tasks) -> tuple[MomlState, Tensor]:  # type: ignore[override]  # its own state
        (loss, grads), adapted = self._worked(state, batch)
        after = state.update(grads, self.workload.outer_rate(state.taken))
        numbers, memory, met = self._numbers(state, batch), state.memory.clone(), state.met.clone()
        memory[numbers], met[numbers] = torch.stack(adapted), True
        return MomlState(**vars(after), memory=memory, met=met), loss

    def meta_gradient(self, state: MomlState, batch: Tasks) -> Gradient:  # type: ignore[override]  # likewise
        return self._worked(state, batch)[0]

    @property
    def _tasks(self) -> int:
        assert self.workload.task_set is not None  # or it would have been refused
        return self.workload.task_set

    def _numbers(self, state: AdamState, batch: Tasks) -> list[int]:
        """Return the numbers of the batch's tasks in the set, which training goes round."""
        first = state.taken * self.workload.meta_batch
        return [(first + place) % self._tasks for place in range(len(batch))]

    def _worked(self, state: MomlState, batch: Tasks) -> tuple[Gradient, list[Tensor]]:
        """Return the meta-gradient, and every task's new memory."""
        theta = {name: p.detach().requires_grad_() for name, p in state.params.items()}
        losses, total, memories = [], torch.zeros_like(state.memory[0]), []
        for number, task in zip(self._numbers(state, batch), batch, strict=True):
            adapted = self._adapted(theta, task, keep_graph=not self.workload.first_order)
            memory = flat(adapted)
            if state.met[number]:
                memory = (1 - self.rate) * state.memory[number] + self.rate * memory
            memories.append(memory)
            there = {n: p.requires_grad_() for n, p in shaped(memory.clone(), theta).items()}
            loss = self.workload.loss(self.workload.outputs(there, task.query_x), task.query_y)
            slopes = torch.autograd.grad(loss, list(there.values()))
            pulled = torch.autograd.grad(list(adapted.values()), list(theta.values()), slopes)
            losses.append(loss.detach())
            total += torch.cat([p.flatten() for p in pulled]) / len(batch)
        return Gradient(torch.stack(losses).mean(), shaped(total, theta)), memories

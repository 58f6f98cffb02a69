"""Robust MAML: the inner rate is learned by gradient, and hard tasks are met again.

Reconstructed from the abstract of Nguyen et al. (ICASSP 2021, arXiv 2103.08233), which says that
the best rate is found by gradient-based optimization, and that a buffer of tasks by priority moves
the training tasks towards those of the test. Of a meta-batch of B tasks, with S_i and Q_i their
support and query losses:

    batch    its last `replayed` * B places, rounded down, go to tasks of the buffer, drawn without
             replacement, each as likely as p_i ^ sharpness
    theta_i  = theta_i - alpha * dS_i/dtheta (theta_i)                  inner_steps times
    gradient = d/d(theta, alpha) of the mean over the batch of Q_i(theta_i)
    p_i      = Q_i(theta_i)
    buffer   the `capacity` tasks with the highest p among those of the batch and of the buffer

alpha is one number that begins at the inner rate, and Adam moves it with theta.

What was open, and how each choice is set. How much of a batch is met again: `replayed`. How much
priority counts: `sharpness`, where 0 makes all tasks of the buffer alike. How many tasks are kept:
`capacity`. How fast alpha is learned: `rate_lr`. What a priority is: nobody may train on tasks of
the test here, so ours is how hard a task of the training was. With nothing replayed, and alpha
fixed by `rate_lr` 0, it is MAML.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import torch
from torch import Tensor

from baselines.reference_maml import ReferenceMaml
from harness.declare.equivalence import Approximate, Equivalence
from harness.declare.learner import Gradient, Params
from harness.declare.outer import AdamState, Rule
from harness.declare.tree import leaves, rows
from harness.registry import method
from harness.seeds import derive
from suites.fewshot import Tasks

RATE = "rate"


@dataclass(frozen=True)
class Buffer:
    """The hardest tasks that were met, and how hard each was."""

    tasks: Tasks
    priorities: Tensor

    def drawn(self, many: int, sharpness: float, seed: int) -> Tensor:
        """Draw tasks without replacement, and return their numbers.

        The largest of ln w_i + Gumbel noise are such a draw by the weights w_i.
        """
        generator = torch.Generator().manual_seed(seed)
        noise = -torch.empty(len(self.priorities)).exponential_(generator=generator).log()
        weights = sharpness * self.priorities.clamp(min=1e-30).log()
        return (weights + noise.to(weights)).topk(min(many, len(weights))).indices

    def without(self, numbers: Tensor) -> Buffer:
        left = torch.ones_like(self.priorities, dtype=torch.bool)
        left[numbers] = False
        return Buffer(_chosen(self.tasks, left), self.priorities[left])

    def with_those(self, tasks: Tasks, priorities: Tensor, capacity: int) -> Buffer:
        """Return the hardest of its own tasks and of these."""
        all_tasks, hard = _joined(self.tasks, tasks), torch.cat([self.priorities, priorities])
        hardest = hard.topk(min(capacity, len(hard))).indices
        return Buffer(_chosen(all_tasks, hardest), hard[hardest])


@dataclass(frozen=True)
class RobustState(AdamState):
    """The network's parameters and the inner rate under Adam, and the buffer of hard tasks."""

    seed: int
    """Of the draws from the buffer."""
    buffer: Buffer | None = None
    """None before the first step."""


@method("robust_maml")
@dataclass(frozen=True)
class RobustMaml(ReferenceMaml):
    """MAML that learns its inner rate, and meets hard tasks again from a buffer."""

    replayed: float = 0.25
    """The part of a meta-batch that is taken from the buffer."""
    sharpness: float = 1.0
    """The power of the priority that a task of the buffer is drawn by; at 0 all are alike."""
    capacity: int = 64
    """Tasks that the buffer holds."""
    rate_lr: float | None = None
    """Adam's rate for the inner rate; the workload's outer_lr if null."""

    equivalence: ClassVar[Equivalence] = Approximate(
        "baselines.naive_robust_maml:gradient", adaptation="baselines.naive_robust_maml:adaptations"
    )
    origin: ClassVar[str] = "reconstructed"

    def __post_init__(self) -> None:
        if not 0 <= self.replayed <= 1:
            raise ValueError(f"replayed = {self.replayed} must be from 0 to 1")
        for name in ("sharpness", "capacity", "rate_lr"):
            value = getattr(self, name)
            if value is not None and value < 0:
                raise ValueError(f"{name} = {value} must not be negative")

    def init(self, seed: int) -> RobustState:
        theta = self.workload.initial(seed)
        some = next(iter(theta.values()))
        start = AdamState.start(theta | {RATE: some.new_tensor(self.workload.inner_lr)})
        return RobustState(**vars(start), seed=seed)

    def step(self, state: RobustState, batch: Tasks) -> tuple[RobustState, Tensor]:  # type: ignore[override]  # its own state
        met, unmet = self._met(state, batch)
        (loss, grads), priorities = self._worked(state, met)
        rules = dict.fromkeys(state.params, Rule(self.workload.outer_rate(state.taken)))
        if self.rate_lr is not None:
            rules[RATE] = Rule(self.rate_lr)
        after, buffer = state.update(grads, rules), unmet.with_those(met, priorities, self.capacity)
        return RobustState(**vars(after), seed=state.seed, buffer=buffer), loss

    def meta_gradient(self, state: RobustState, batch: Tasks) -> Gradient:  # type: ignore[override]  # likewise
        return self._worked(state, self._met(state, batch)[0])[0]

    def watched(self, state: AdamState) -> dict[str, float]:
        return {"inner rate": float(state.params[RATE])}

    def _met(self, state: RobustState, batch: Tasks) -> tuple[Tasks, Buffer]:
        """Return the tasks that are trained on, and the buffer without those that are from it."""
        buffer = state.buffer or Buffer(rows(batch, range(0)), batch.query_x.new_zeros(0))
        many, seed = int(self.replayed * len(batch)), derive(state.seed, "replay", state.taken)
        again = buffer.drawn(many, self.sharpness, seed)
        new = rows(batch, range(len(batch) - len(again)))
        return _joined(new, _chosen(buffer.tasks, again)), buffer.without(again)

    def _worked(self, state: AdamState, met: Tasks) -> tuple[Gradient, Tensor]:
        """Return the meta-gradient, and every task's query loss."""
        params = {name: p.detach().requires_grad_() for name, p in state.params.items()}
        losses = torch.stack([self._query_loss(params, task) for task in met])
        grads = torch.autograd.grad(
            losses.mean(), list(params.values()), allow_unused=True, materialize_grads=True
        )
        losses = losses.detach()
        return Gradient(losses.mean(), dict(zip(params, grads, strict=True))), losses

    def _adapted(self, params: Params, task: Tasks, keep_graph: bool) -> Params:
        """theta <- theta - alpha * dL_support/dtheta, inner_steps times."""
        theta = {name: p for name, p in params.items() if name != RATE}
        for _ in range(self.workload.inner_steps):
            loss = self.workload.loss(self.workload.outputs(theta, task.support_x), task.support_y)
            slopes = torch.autograd.grad(loss, list(theta.values()), create_graph=keep_graph)
            theta = {
                name: p - params[RATE] * g
                for (name, p), g in zip(theta.items(), slopes, strict=True)
            }
        return theta


def _chosen(tasks: Tasks, which: Tensor) -> Tasks:
    return Tasks(*(part[which] for part in leaves(tasks)))


def _joined(first: Tasks, second: Tasks) -> Tasks:
    return Tasks(*map(torch.cat, zip(leaves(first), leaves(second), strict=True)))

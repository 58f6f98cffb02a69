"""MAML as one process can do it fastest: tasks stacked into matrix products, derivatives by hand.

For a call's tasks i, side by side as rows, each at parameters of its own:

    theta_i^0     = theta
    theta_i^{k+1} = theta_i^k - alpha g_i(theta_i^k)            g_i: gradient of the support loss
    lambda_i      = gradient of the query loss at theta_i^K
    lambda_i     <- lambda_i - alpha H_i(theta_i^k) lambda_i    k = K-1, ..., 0; H_i: its Hessian
    gradient      = mean_i lambda_i

That is the chain rule of MAML, written out; nothing is approximated, so the method is Exact. With
first_order the Hessians are left out. What makes it fast:

- convolutions are products of patches and weights (`stacked_networks`), batched over the tasks,
  where vmap makes grouped convolutions and one task at a time makes small ones;
- BatchNorm and ReLU are one function whose both derivatives are written out (`norm_relu`);
- each inner step is a graph by itself, which is stored until its Hessian is needed, or recomputed
  then (`call_plan`): in that case bytes do not grow with the inner steps; a graph that is
  differentiated once is of no more tasks than a cache may hold (`task_stack`);
- cores share every operation, or have tasks of their own (`task_threads`);
- a small network's call, which is mostly dispatch, is one compiled graph if `compiled` allows it
  (`traced_calls`);
- which of these, and how many tasks a call takes, is timed at the first step on the shapes at hand,
  within `memory`, and once more for adaptation alone, which has other costs.

A network that `stacked_networks` doesn't know runs task after task; each thread has a copy of it.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property, partial
from typing import Any, ClassVar

import torch
from torch import Tensor

from baselines.maml import MamlLearner
from harness.declare.equivalence import Equivalence, Exact
from harness.declare.learner import Gradient, Params
from harness.declare.outer import AdamState
from harness.errors import UsageError
from harness.registry import method
from methods.call_plan import CallPlan, Planned, candidates, fastest, fitting
from methods.stacked_networks import OneByOne, Stacked
from methods.task_calls import calls, shares
from methods.task_stack import Bend, TaskStack
from methods.task_threads import shared
from methods.traced_calls import TracedCalls
from suites.fewshot import Tasks

PINNED: dict[str, Any] = {
    "architecture": "mlp",
    "layers": 2,
    "width": 4,
    "side": 5,
    "meta_batch": 2,
    "norm": False,
    "inner_steps": 2,
    "inner_lr": 0.1,
    "first_order": False,
    "ways": 3,
    "shots": 1,
    "queries": 2,
}
"""What the random problems of a compiled learner have in common, since each shape is compiled."""

Shapes = tuple[Any, ...]
Work = Callable[[Tensor, CallPlan, Sequence[Tasks]], list[Any]]
"""What is planned: calls on the tasks of parts, one after another, from packed parameters."""


@method("fast_maml")
@dataclass(frozen=True)
class FastMaml(MamlLearner):
    """MAML with stacked tasks and hand-written derivatives, planned for the shapes at hand."""

    memory: int | None = None
    """Most bytes that a step may keep at once; if null 32 MiB, or what eight tasks need if more."""
    tasks: int | None = None
    """Tasks in one call; null has the fastest number that memory allows."""
    recompute: bool = False
    """Recompute inner steps instead of storing them (checkpointing); only where tasks is given."""
    threads: int = 1
    """Threads that have tasks of their own; only where tasks is given."""
    compiled: bool = False
    """Let a call be traced and compiled too, which takes seconds to minutes; where tasks is given
    it is, if one thread runs it and nothing is recomputed."""

    equivalence: ClassVar[Equivalence] = Exact()
    corners: ClassVar[tuple[dict[str, Any], ...]] = (
        {"tasks": 1},
        {"tasks": 3, "recompute": True},
        {"tasks": 1, "threads": 2},
    )

    def __post_init__(self) -> None:
        for words, given in (
            ("recompute = true goes", self.recompute),
            (f"threads = {self.threads} go", self.threads > 1),
        ):
            if given and self.tasks is None:
                raise UsageError(f"{words} with a number of tasks: give tasks = 8, say.")
        numbers = {"tasks": self.tasks, "memory": self.memory, "threads": self.threads}
        for name, least in numbers.items():
            if least is not None and least < 1:
                raise UsageError(f"{name} = {least}: give 1 or more, or leave it out.")

    @classmethod
    def workload_needed(cls, settings: Mapping[str, Any]) -> dict[str, Any]:
        """Ask for one workload where each would be compiled for seconds, in either precision."""
        return PINNED if settings.get("compiled", cls.compiled) else {}

    def meta_gradient(self, state: AdamState, batch: Tasks) -> Gradient:
        theta, plan = self._packed(state), self._trained(state, batch).plan
        losses, totals = zip(*self._worked(self._query_sums, theta, batch, plan), strict=True)
        mean = self._stack.network.unpacked(sum(totals).unsqueeze(0) / len(batch))
        return Gradient(sum(losses) / len(batch), {name: grad[0] for name, grad in mean.items()})

    def adapt(self, state: AdamState, batch: Tasks) -> list[Params]:
        unpacked = self._stack.network.unpacked
        of_parts = [
            (len(rows), unpacked(rows)) for rows in self._adapting(state, batch, self._adapted)
        ]
        return [
            {name: p[task] for name, p in params.items()}
            for tasks, params in of_parts
            for task in range(tasks)
        ]

    def evaluate(self, state: AdamState, batch: Tasks) -> Tensor:
        return torch.cat(self._adapting(state, batch, self._qualities))

    def preparations(self) -> Sequence[float]:
        planned = (each for plans in self._plans.values() for each in plans.values())
        return [each.spent for each in planned if each.seconds] + self._traced.seconds

    def fast_paths(self) -> dict[str, str]:
        told = {"network": "stacked" if self._stacked else "one-by-one"}
        for work, plans in self._plans.items():
            for number, planned in enumerate(plans.values(), start=1):
                end = "" if number == 1 else f"-{number}"
                told |= {f"{work}{name}{end}": words for name, words in planned.told().items()}
        if self._traced.seconds:
            told["compiling"] = f"{sum(self._traced.seconds):.3g}s"
        return told

    def _query_sums(
        self, theta: Tensor, plan: CallPlan, parts: Sequence[Tasks]
    ) -> list[tuple[Tensor, Tensor]]:
        """Return the tasks' losses and slopes, summed up: no part's are kept beside the next's."""
        loss, total = theta.new_zeros(()), torch.zeros_like(theta)
        for part in parts:
            loss_there, total_there = (
                self._traced(theta, *vars(part).values())
                if plan.compiled
                else self._part_sums(theta, plan, part)
            )
            loss += loss_there
            total += total_there
        return [(loss, total)]

    def _part_sums(self, theta: Tensor, plan: CallPlan, part: Tasks) -> tuple[Tensor, Tensor]:
        losses, slopes = self._query_slopes(theta, plan, part)
        return losses.sum(), slopes.sum(0)

    @cached_property
    def _traced(self) -> TracedCalls:
        plan = CallPlan(self.workload.meta_batch, recompute=False)

        def call(theta: Tensor, *tasks: Tensor) -> tuple[Tensor, Tensor]:
            return self._part_sums(theta, plan, Tasks(*tasks))

        return TracedCalls(call, self.workload)

    def _query_slopes(self, theta: Tensor, plan: CallPlan, part: Tasks) -> tuple[Tensor, Tensor]:
        """Return every task's query loss, and its gradient by the parameters before adaptation."""
        stack, alpha, bends = self._stack, self.workload.inner_lr, list[Bend]()
        thetas, support = theta.expand(len(part), -1), (part.support_x, part.support_y)
        for _ in range(self.workload.inner_steps):
            if self.workload.first_order:
                slopes = stack.slopes(thetas, *support, plan.threads)[1]
            else:
                step = stack.slopes_to_recompute if plan.recompute else stack.slopes_to_bend
                slopes, bend = step(thetas, *support)
                bends.append(bend)
            thetas = torch.sub(thetas, slopes, alpha=alpha)
        losses, lambdas = stack.slopes(thetas, part.query_x, part.query_y, plan.threads)
        while bends:  # a graph goes as soon as it was used
            lambdas = torch.sub(lambdas, bends.pop()(lambdas), alpha=alpha)
        return losses, lambdas

    def _adapted(self, theta: Tensor, plan: CallPlan, parts: Sequence[Tasks]) -> list[Tensor]:
        return [self._adapted_rows(theta, plan, part) for part in parts]

    def _adapted_rows(self, theta: Tensor, plan: CallPlan, part: Tasks) -> Tensor:
        thetas, alpha = theta.repeat(len(part), 1), self.workload.inner_lr
        for _ in range(self.workload.inner_steps):
            slopes = self._stack.slopes(thetas, part.support_x, part.support_y, plan.threads)[1]
            thetas.sub_(slopes, alpha=alpha)
        return thetas

    def _qualities(self, theta: Tensor, plan: CallPlan, parts: Sequence[Tasks]) -> list[Tensor]:
        return [self._quality(self._adapted_rows(theta, plan, part), part) for part in parts]

    def _quality(self, adapted: Tensor, part: Tasks) -> Tensor:
        with torch.no_grad():
            outputs = self._stack.outputs(adapted, part.query_x, part.query_y)
            judged = zip(outputs, part.query_y, strict=True)
            return torch.stack([self.workload.quality(*one) for one in judged])

    def _adapting(self, state: AdamState, batch: Tasks, work: Work) -> list[Any]:
        plan = self._plan("adaptation-", self._adapted, 0, state, batch).plan
        return self._worked(work, self._packed(state), batch, plan)

    def _worked(self, work: Work, theta: Tensor, batch: Tasks, plan: CallPlan) -> list[Any]:
        """Return what the work gives of all parts of a batch, as each thread went through its."""
        found = shared(partial(work, theta, plan), shares(batch, plan), plan.threads)
        return [each for of_thread in found for each in of_thread]

    def _packed(self, state: AdamState) -> Tensor:
        return self._stack.network.packed(state.params)

    def _trained(self, state: AdamState, batch: Tasks) -> Planned:
        """Return the plan of a meta-gradient."""
        steps = 0 if self.workload.first_order else self.workload.inner_steps
        return self._plan("", self._query_sums, steps, state, batch)

    def _plan(
        self, name: str, work: Work, bent_steps: int, state: AdamState, batch: Tasks
    ) -> Planned:
        if self.tasks is not None:
            compiled = self.compiled and self.threads == 1 and not self.recompute
            return Planned(CallPlan(self.tasks, self.recompute, self.threads, compiled), {})
        plans = self._plans.setdefault(name, {})
        shapes = (batch.support_x.shape, batch.query_x.shape)
        if shapes not in plans:
            theta = self._packed(state)
            each = self._stack.task_bytes(theta, batch, bent_steps)
            compiled = self.compiled and not name
            every = candidates(len(batch), bent_steps, each, self._cores, compiled=compiled)
            plans_that_fit = fitting(every, each, bent_steps, self.memory)

            def call(plan: CallPlan) -> None:
                self._worked(work, theta, next(calls(batch, plan.at_once)), plan)

            before = sum(self._traced.seconds)
            planned = fastest(plans_that_fit, len(batch), call, self._wait)
            compiling = sum(self._traced.seconds) - before
            plans[shapes] = replace(planned, spent=planned.spent - compiling)
        return plans[shapes]

    @property
    def _cores(self) -> int:
        """How many threads may have tasks of their own."""
        return torch.get_num_threads() if self.workload.place.device == "cpu" else 1

    def _wait(self) -> None:
        if self.workload.place.device.startswith("cuda"):
            torch.cuda.synchronize(self.workload.place.device)

    @cached_property
    def _plans(self) -> dict[str, dict[Shapes, Planned]]:
        return {}

    @property
    def _stacked(self) -> bool:
        return Stacked.knows(self.workload.skeleton)

    @cached_property
    def _stack(self) -> TaskStack:
        network = Stacked(self.workload) if self._stacked else OneByOne(self.workload)
        return TaskStack(self.workload, network)

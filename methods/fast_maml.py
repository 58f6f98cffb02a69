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
  then, backward or forward (`call_plan`): in that case bytes do not grow with the inner steps; a
  graph that is differentiated once may be of no more tasks than caches hold (`task_stack`);
- cores share every operation, or have tasks of their own (`task_threads`);
- a small network's call, which is mostly dispatch, is one compiled graph if `compiled` allows it
  (`traced_calls`);
- which of these, and how many tasks a call takes, is timed at the first step on the shapes at hand,
  within `memory`, and once more for adaptation alone, which has other costs.

A network that `stacked_networks` doesn't know runs task after task, or mapped over the tasks where
vmap can do that (`mapped_tasks`); each thread has a copy of it.
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
from methods.call_plan import CallPlan, Hessians, Planned, Plans, candidates, fastest, fitting
from methods.mapped_tasks import Mapped, MappedTasks
from methods.stacked_networks import OneByOne, Stacked
from methods.task_calls import calls, shares
from methods.task_stack import Bend, TaskStack
from methods.task_threads import shared
from methods.traced_calls import ONE_SHAPE, TracedCalls
from suites.fewshot import Tasks

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
    hessians: Hessians = "stored"
    """How an inner step is differentiated again: stored, recomputed (checkpointing) or forward
    (forward over reverse); only where tasks is given."""
    threads: int = 1
    """Threads that have tasks of their own; only where tasks is given."""
    mapped: bool = False
    """Let vmap run the network on a call's tasks, whichever it is, and recompute inner steps; only
    where tasks is given."""
    whole: bool = False
    """Differentiate a loss for all tasks of a call at once, even where caches hold fewer; only
    where tasks is given."""
    compiled: bool = False
    """Let a call be traced and compiled too, which takes seconds to minutes; where tasks is given
    it is, if one thread runs it and Hessians are stored."""

    equivalence: ClassVar[Equivalence] = Exact()
    corners: ClassVar[tuple[dict[str, Any], ...]] = (
        {"tasks": 1},
        {"tasks": 3, "hessians": "recomputed"},
        {"tasks": 2, "hessians": "forward"},
        {"tasks": 1, "threads": 2},
        {"tasks": 4, "whole": True},
        {"tasks": 3, "mapped": True},
    )

    def __post_init__(self) -> None:
        for words, given in (
            (f"hessians = {self.hessians} goes", self.hessians != "stored"),
            (f"threads = {self.threads} go", self.threads > 1),
            ("mapped = true goes", self.mapped),
            ("whole = true goes", self.whole),
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
        return ONE_SHAPE if settings.get("compiled", cls.compiled) else {}

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
        return self._plans.spent + self._traced.seconds

    def fast_paths(self) -> dict[str, str]:
        one_by_one = "mapped" if self.mapped else "one-by-one"
        told = {"network": "stacked" if self._stacked else one_by_one} | self._plans.told
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
        plan = CallPlan(self.workload.meta_batch)

        def call(theta: Tensor, *tasks: Tensor) -> tuple[Tensor, Tensor]:
            return self._part_sums(theta, plan, Tasks(*tasks))

        return TracedCalls(call, self.workload)

    def _query_slopes(self, theta: Tensor, plan: CallPlan, part: Tasks) -> tuple[Tensor, Tensor]:
        """Return every task's query loss, and its gradient by the parameters before adaptation."""
        stack, alpha, bends = self._stack_of(plan), self.workload.inner_lr, list[Bend]()
        thetas, support = theta.expand(len(part), -1), (part.support_x, part.support_y)
        for _ in range(self.workload.inner_steps):
            if self.workload.first_order:
                slopes = stack.slopes(thetas, *support, plan)[1]
            else:
                slopes, bend = stack.step(thetas, *support, plan)
                bends.append(bend)
            thetas = torch.sub(thetas, slopes, alpha=alpha)
        losses, lambdas = stack.slopes(thetas, part.query_x, part.query_y, plan)
        while bends:  # a graph goes as soon as it was used
            lambdas = torch.sub(lambdas, bends.pop()(lambdas), alpha=alpha)
        return losses, lambdas

    def _adapted(self, theta: Tensor, plan: CallPlan, parts: Sequence[Tasks]) -> list[Tensor]:
        return [self._adapted_rows(theta, plan, part) for part in parts]

    def _adapted_rows(self, theta: Tensor, plan: CallPlan, part: Tasks) -> Tensor:
        stack, alpha = self._stack_of(plan), self.workload.inner_lr
        thetas = theta.repeat(len(part), 1)
        for _ in range(self.workload.inner_steps):
            slopes = stack.slopes(thetas, part.support_x, part.support_y, plan)[1]
            thetas.sub_(slopes, alpha=alpha)
        return thetas

    def _qualities(self, theta: Tensor, plan: CallPlan, parts: Sequence[Tasks]) -> list[Tensor]:
        return [self._quality(theta, plan, part) for part in parts]

    def _quality(self, theta: Tensor, plan: CallPlan, part: Tasks) -> Tensor:
        adapted = self._adapted_rows(theta, plan, part)
        with torch.no_grad():
            outputs = self._stack_of(plan).outputs(adapted, part.query_x, part.query_y)
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
            hessians: Hessians = "recomputed" if self.mapped else self.hessians
            compiled = self.compiled and self.threads == 1 and hessians == "stored"
            how = hessians, self.threads, compiled, self.mapped, self.whole
            plan = CallPlan(self.tasks, *how)
            return Planned(plan, {})
        shapes = batch.support_x.shape, batch.query_x.shape
        make = partial(self._planned, work, bent_steps, state, batch)
        return self._plans.get(name, shapes, make)

    def _planned(self, work: Work, bent_steps: int, state: AdamState, batch: Tasks) -> Planned:
        theta = self._packed(state)
        each = self._stack.task_bytes(theta, batch, bent_steps)
        every = candidates(
            len(batch),
            bent_steps,
            each,
            self._cores,
            compiled=self.compiled and work == self._query_sums,
            mapped=not self._stacked and len(batch) > 1,
        )
        fit = fitting(every, each, bent_steps, self.memory)
        if any(plan.mapped for plan in fit) and not self._can_be_mapped(theta, batch, bent_steps):
            fit = [plan for plan in fit if not plan.mapped]

        def call(plan: CallPlan) -> None:
            self._worked(work, theta, next(calls(batch, plan.at_once)), plan)

        before = sum(self._traced.seconds)
        planned = fastest(fit, len(batch), call, self._wait)
        compiling = sum(self._traced.seconds) - before
        return replace(planned, spent=planned.spent - compiling)

    @property
    def _cores(self) -> int:
        """How many threads may have tasks of their own."""
        return torch.get_num_threads() if self.workload.place.device == "cpu" else 1

    def _wait(self) -> None:
        if self.workload.place.device.startswith("cuda"):
            torch.cuda.synchronize(self.workload.place.device)

    @cached_property
    def _plans(self) -> Plans:
        return Plans()

    @property
    def _stacked(self) -> bool:
        return Stacked.knows(self.workload.skeleton) and not self.mapped

    @cached_property
    def _stack(self) -> TaskStack:
        network = Stacked(self.workload) if self._stacked else OneByOne(self.workload)
        return TaskStack(self.workload, network)

    @cached_property
    def _mapped(self) -> MappedTasks:
        return MappedTasks(self.workload, Mapped(self.workload))

    def _stack_of(self, plan: CallPlan) -> TaskStack:
        return self._mapped if plan.mapped else self._stack

    def _can_be_mapped(self, theta: Tensor, batch: Tasks, bent_steps: int) -> bool:
        """Say whether a network that isn't known can, by what it gives for two tasks."""
        two = theta.expand(2, -1), batch.support_x[:2], batch.support_y[:2]
        return self._mapped.agrees_with(self._stack, *two, bent=bent_steps > 0)

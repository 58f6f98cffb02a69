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
- each inner step is a graph by itself, which is kept until its Hessian was needed, or formed again
  then (`call_plan`): in that case bytes do not grow with the inner steps;
- how many tasks a call takes is timed at the first step on the shapes at hand, within `memory`.

A network that `stacked_networks` doesn't know runs task after task.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any, ClassVar

import torch
from torch import Tensor

from baselines.flat import flat, shaped
from baselines.maml import MamlLearner
from harness.declare.equivalence import Equivalence, Exact
from harness.declare.learner import Gradient, Params
from harness.declare.outer import AdamState
from harness.declare.tree import rows
from harness.errors import UsageError
from harness.registry import method
from methods.call_plan import CallPlan, Planned, candidates, fastest
from methods.stacked_networks import OneByOne, Stacked
from methods.task_stack import Bend, TaskStack
from suites.fewshot import Tasks

GRAPHS, FREE_BYTES = 8, 32 << 20
"""Graphs of one task's one inner step that may be there at once, unless memory= says otherwise; and
the bytes that they may keep even if they are more, which no one misses."""

Shapes = tuple[Any, ...]


@method("fast_maml")
@dataclass(frozen=True)
class FastMaml(MamlLearner):
    """MAML with stacked tasks and hand-written derivatives, planned for the shapes at hand."""

    memory: int | None = None
    """Most bytes that graphs may keep at once; if null 32 MiB, or what eight keep if more."""
    tasks: int | None = None
    """Tasks in one call; null has the fastest number that memory allows."""
    redo: bool = False
    """Form inner steps again instead of keeping them; only where tasks is given."""

    equivalence: ClassVar[Equivalence] = Exact()
    corners: ClassVar[tuple[dict[str, Any], ...]] = ({"tasks": 1}, {"tasks": 3, "redo": True})

    def __post_init__(self) -> None:
        if self.redo and self.tasks is None:
            raise UsageError("redo = true goes with a number of tasks: give tasks = 8, say.")
        for name, least in (("tasks", self.tasks), ("memory", self.memory)):
            if least is not None and least < 1:
                raise UsageError(f"{name} = {least}: give 1 or more, or leave it out.")

    def meta_gradient(self, state: AdamState, batch: Tasks) -> Gradient:
        theta, plan = self._packed(state), self._plan(state, batch).plan
        total, loss = torch.zeros_like(theta), theta.new_zeros(())
        for part in _parts(batch, plan.tasks):
            losses, slopes = self._query_slopes(theta, part, plan)
            loss += losses.sum()
            total += slopes.sum(0)
        mean = self._stack.network.unpacked(total / len(batch))
        return Gradient(loss / len(batch), shaped(mean, state.params))

    def adapt(self, state: AdamState, batch: Tasks) -> list[Params]:
        adapted = self._stack.network.unpacked(self._adapted_rows(state, batch))
        return [shaped(row, state.params) for row in adapted]

    def evaluate(self, state: AdamState, batch: Tasks) -> Tensor:
        adapted, size = self._adapted_rows(state, batch), self._plan(state, batch).plan.tasks
        with torch.no_grad():
            outputs = [
                output
                for part, some in zip(_parts(batch, size), adapted.split(size), strict=True)
                for output in self._stack.network.outputs(some, part.query_x)
            ]
            judged = zip(outputs, batch.query_y, strict=True)
            return torch.stack([self.workload.quality(*one) for one in judged])

    def preparations(self) -> Sequence[float]:
        return [planned.spent for planned in self._plans.values()]

    def fast_paths(self) -> dict[str, str]:
        network = "stacked" if isinstance(self._stack.network, Stacked) else "one-by-one"
        told = {"network": network}
        for number, planned in enumerate(self._plans.values(), start=1):
            end = "" if number == 1 else f"-{number}"
            told |= {f"{name}{end}": words for name, words in planned.told().items()}
        return told

    def _query_slopes(self, theta: Tensor, part: Tasks, plan: CallPlan) -> tuple[Tensor, Tensor]:
        """Return every task's query loss, and its gradient by the parameters before adaptation."""
        stack, alpha, bends = self._stack, self.workload.inner_lr, list[Bend]()
        thetas = theta.expand(len(part), -1)
        for _ in range(self.workload.inner_steps):
            if self.workload.first_order:
                slopes = stack.slopes(thetas, part.support_x, part.support_y)[1]
            else:
                step = stack.slopes_to_redo if plan.redo else stack.slopes_to_bend
                slopes, bend = step(thetas, part.support_x, part.support_y)
                bends.append(bend)
            thetas = thetas - alpha * slopes
        losses, lambdas = stack.slopes(thetas, part.query_x, part.query_y)
        while bends:  # a graph goes as soon as it was used
            lambdas = lambdas - alpha * bends.pop()(lambdas)
        return losses, lambdas

    def _adapted_rows(self, state: AdamState, batch: Tasks) -> Tensor:
        theta, alpha, adapted = self._packed(state), self.workload.inner_lr, []
        for part in _parts(batch, self._plan(state, batch).plan.tasks):
            thetas = theta.repeat(len(part), 1)
            for _ in range(self.workload.inner_steps):
                thetas -= alpha * self._stack.slopes(thetas, part.support_x, part.support_y)[1]
            adapted.append(thetas)
        return torch.cat(adapted)

    def _packed(self, state: AdamState) -> Tensor:
        return self._stack.network.packed(flat(state.params))

    def _plan(self, state: AdamState, batch: Tasks) -> Planned:
        if self.tasks is not None:
            return Planned(CallPlan(self.tasks, self.redo), {})
        shapes = (batch.support_x.shape, batch.query_x.shape)
        if shapes not in self._plans:
            self._plans[shapes] = self._timed(self._packed(state), batch)
        return self._plans[shapes]

    def _timed(self, theta: Tensor, batch: Tasks) -> Planned:
        steps = 1 if self.workload.first_order else self.workload.inner_steps
        plans = candidates(len(batch), steps, self._graphs(theta, batch))
        return fastest(
            plans, lambda plan: self._query_slopes(theta, next(_parts(batch, plan.tasks)), plan)
        )

    def _graphs(self, theta: Tensor, batch: Tasks) -> int:
        """Return how many graphs may be there at once."""
        bytes_each = max(1, self._kept_bytes(theta, batch))
        if self.memory is not None:
            return self.memory // bytes_each
        return max(GRAPHS, FREE_BYTES // bytes_each)

    def _kept_bytes(self, theta: Tensor, batch: Tasks) -> int:
        """Return what the graph of one task's one step keeps."""
        one = next(_parts(batch, 1))
        return self._stack.kept_bytes(theta.expand(1, -1), one.support_x, one.support_y)

    @cached_property
    def _plans(self) -> dict[Shapes, Planned]:
        return {}

    @cached_property
    def _stack(self) -> TaskStack:
        known = Stacked.knows(self.workload.skeleton)
        network = Stacked(self.workload) if known else OneByOne(self.workload)
        return TaskStack(self.workload, network)


def _parts(batch: Tasks, size: int) -> Iterator[Tasks]:
    for start in range(0, len(batch), size):
        part: Tasks = rows(batch, range(start, min(start + size, len(batch))))
        yield part

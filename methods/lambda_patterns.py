"""Lambda patterns: adaptation that changes some groups of parameters and skips the others' work.

Reconstructed from the abstract of Khabarlak (arXiv 2206.05930). The network is a chain of groups
l = 1..L (the blocks or hidden layers, then the head). With a pattern Lambda_k in {0,1}^L for inner
step k, on the support loss S and the query loss Q of a task:

    theta_l^k = theta_l^{k-1} - alpha * Lambda_{k,l} * dS/dtheta_l (theta^{k-1})
    gradient  = d/dtheta mean over tasks of Q(theta^K)

What was open, and how each choice is set. Which pattern: `pattern`, one for all steps or one a
step; 00..1 is ANIL, 1..10 is BOIL, all ones is MAML. Whether patterns act in meta-training too:
`in_training`; without it meta-training is MAML's and the patterns act when adapting alone. Whether
the meta-gradient is of second order: the workload's `first_order`. How a pattern is chosen is no
part of the method: a study compares them on validation tasks.

With l_k the lowest group that step k changes, the work that is done, and all of it:

    forward, group l     in the first step, and in step k > 1 where l >= min(l_{k-1}, l_k): below
                         nothing has changed since, so the support's activations are reused
    backward to input    where l > l_k
    backward to weights  where Lambda_{k,l} = 1

BatchNorm normalises a batch by its own statistics, in frozen groups as in the baseline: by the
support set's while adapting, by the query set's when it is applied.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from itertools import pairwise
from typing import Any, ClassVar

import torch
from torch import Tensor

from baselines.maml import MamlLearner
from harness.declare.equivalence import Approximate, Equivalence
from harness.declare.learner import Gradient, Params
from harness.declare.outer import AdamState
from harness.errors import UsageError
from harness.registry import method
from methods.update_pattern import Pattern, lowest, read_schedule
from suites.fewshot import Tasks
from suites.models import Staged

Schedule = tuple[Pattern, ...]


@method("lambda_patterns")
@dataclass(frozen=True)
class LambdaPatterns(MamlLearner):
    """MAML whose inner steps change some groups of parameters alone, and skip the others' work."""

    pattern: str = "anil"
    """maml, anil, boil or one bit a group from the input to the head; slashes part the steps."""
    in_training: bool = True
    """Whether patterns act in meta-training too, and not in adaptation alone."""

    equivalence: ClassVar[Equivalence] = Approximate("naive_masked_gradient")
    corners: ClassVar[tuple[dict[str, Any], ...]] = ({"pattern": "maml"}, {"in_training": False})
    origin: ClassVar[str] = "reconstructed"

    def __post_init__(self) -> None:
        _ = self.schedule  # so that a pattern that does not fit is refused at once

    @cached_property
    def _network(self) -> Staged:
        network = self.workload.skeleton
        if not isinstance(network, Staged):
            raise UsageError(
                f"{self.name} runs a network stage by stage, and {type(network).__name__} names no "
                "stages. Derive it from suites.models.Staged."
            )
        return network

    @cached_property
    def groups(self) -> tuple[str, ...]:
        """The prefixes of the groups' parameters, from the input to the head."""
        return tuple(stage.name for stage in self._network.stages())

    @cached_property
    def schedule(self) -> Schedule:
        return read_schedule(self.pattern, self.groups, self.workload.inner_steps)

    @cached_property
    def members(self) -> tuple[list[str], ...]:
        """The names of every group's parameters."""
        names = [name for name, _ in self.workload.skeleton.named_parameters()]
        return tuple([n for n in names if n.startswith(f"{group}.")] for group in self.groups)

    def meta_gradient(self, state: AdamState, batch: Tasks) -> Gradient:
        everything = read_schedule("maml", self.groups, self.workload.inner_steps)
        schedule = self.schedule if self.in_training else everything
        losses, sums = [], {n: torch.zeros_like(p) for n, p in state.params.items()}
        for task in batch:
            loss, grads = self._task_gradient(state.params, task, schedule)
            losses.append(loss)
            torch._foreach_add_(list(sums.values()), grads)
        return Gradient(torch.stack(losses).mean(), {n: g / len(batch) for n, g in sums.items()})

    def adapt(self, state: AdamState, batch: Tasks) -> list[Params]:
        """Return each task's parameters; those of groups that never change are the state's own."""
        return [self.adapted(state.params, task.support_x, task.support_y) for task in batch]

    def adapted(self, params: Params, x: Tensor, y: Tensor) -> Params:
        """Return the parameters adapted to one task's examples."""
        return self._loop(params, x, y, self.schedule, False)

    def _task_gradient(
        self, params: Params, task: Tasks, schedule: Schedule
    ) -> tuple[Tensor, tuple[Tensor, ...]]:
        x, y, first_order = task.support_x, task.support_y, self.workload.first_order
        if first_order:  # the adapted parameters count as the initial ones, moved
            params = self._loop(params, x, y, schedule, False)
        start = {name: p.detach().requires_grad_() for name, p in params.items()}
        adapted = start if first_order else self._loop(start, x, y, schedule, True)
        loss = self.workload.loss(self.workload.outputs(adapted, task.query_x), task.query_y)
        return loss.detach(), torch.autograd.grad(loss, list(start.values()))

    def _loop(
        self, params: Params, x: Tensor, y: Tensor, schedule: Schedule, graph: bool
    ) -> Params:
        """Take the inner steps, each on the part of the network that its pattern reaches."""
        stages = self._network.stages()
        kept = sorted({lowest(pattern) for pattern in schedule})  # groups whose input is kept
        inputs, start = {0: stages[0].prepare(x)}, 0  # those of groups up to start are up to date
        for pattern in schedule:
            low = lowest(pattern)
            for first, last in pairwise([start, *(at for at in kept if start < at <= low)]):
                x = self._stretch(params, inputs[first], first, last)
                inputs[last] = stages[last].prepare(x)
            # Differentiated by aliases: the step before hangs on what it was differentiated by.
            own = {name: _alias(params[name], graph) for name in self._changed_by(pattern)}
            outputs = self._stretch(params | own, inputs[low], low, len(self.groups))
            loss = self.workload.loss(outputs, y)
            grads = torch.autograd.grad(loss, list(own.values()), create_graph=graph)
            with torch.set_grad_enabled(graph):
                params = params | {
                    name: torch.sub(p, g, alpha=self.workload.inner_lr)
                    for (name, p), g in zip(own.items(), grads, strict=True)
                }
            start = low
        return params

    def _stretch(self, params: Params, x: Tensor, first: int, last: int) -> Tensor:
        own = {name: params[name] for names in self.members[first:last] for name in names}
        return self.workload.stretch(own, x, first, last)

    def _changed_by(self, pattern: Pattern) -> list[str]:
        return [n for names, on in zip(self.members, pattern, strict=True) if on for n in names]


def _alias(p: Tensor, graph: bool) -> Tensor:
    return p.view_as(p) if graph else p.detach().requires_grad_()


def naive_masked_gradient(learner: LambdaPatterns, state: AdamState, batch: Tasks) -> Gradient:
    """The definition, slowly: every gradient is formed in full and then multiplied by 0 or 1."""
    params = {name: p.detach().requires_grad_() for name, p in state.params.items()}
    losses = []
    for task in batch:
        adapted = naive_masked_adaptation(learner, params, task, learner.in_training)
        outputs = learner.workload.outputs(adapted, task.query_x)
        losses.append(learner.workload.loss(outputs, task.query_y))
    loss = torch.stack(losses).mean()
    grads = torch.autograd.grad(loss, list(params.values()))
    return Gradient(loss.detach(), dict(zip(params, grads, strict=True)))


def naive_masked_adaptation(
    learner: LambdaPatterns, params: Params, task: Tasks, masked: bool = True
) -> Params:
    """Take every inner step on the whole network, and mask the finished gradients."""
    workload = learner.workload
    for pattern in learner.schedule:
        mask = dict(zip(learner.groups, pattern, strict=True))
        loss = workload.loss(workload.outputs(params, task.support_x), task.support_y)
        grads = torch.autograd.grad(
            loss, list(params.values()), create_graph=not workload.first_order
        )
        params = {
            name: p - workload.inner_lr * (mask[_group_of(name, mask)] if masked else 1) * g
            for (name, p), g in zip(params.items(), grads, strict=True)
        }
    return params


def _group_of(name: str, groups: dict[str, bool]) -> str:
    return next(group for group in groups if name.startswith(f"{group}."))

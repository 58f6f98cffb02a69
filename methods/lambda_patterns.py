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

An input that is reused is kept as its group's `Stage.prepare` makes it: pooled, or as patches.
BatchNorm normalises a batch by its own statistics, in frozen groups as in the baseline: by the
support set's while adapting, by the query set's when it is applied.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cached_property, partial
from itertools import pairwise
from typing import Any, ClassVar

import torch
from torch import Tensor
from torch.func import grad, vmap

from baselines.maml import MamlLearner
from harness.declare.equivalence import Approximate, Equivalence
from harness.declare.learner import Gradient, Params, Variant
from harness.declare.outer import AdamState
from harness.errors import UsageError
from harness.registry import method
from methods.update_pattern import Pattern, corners, every_pattern, lowest, read_schedule
from suites.fewshot import Tasks
from suites.models import Stage, Staged

Schedule = tuple[Pattern, ...]

TOGETHER = 32  # most tasks that are adapted in one call, to bound memory


@method("lambda_patterns")
@dataclass(frozen=True)
class LambdaPatterns(MamlLearner):
    """MAML whose inner steps change some groups of parameters alone, and skip the others' work."""

    pattern: str = "anil"
    """maml, anil, boil or one bit a group from the input to the head; slashes part the steps."""
    in_training: bool = True
    """Whether patterns act in meta-training too, and not in adaptation alone."""

    equivalence: ClassVar[Equivalence] = Approximate(
        "naive_masked_gradient", adaptation="naive_masked_adaptations"
    )
    corners: ClassVar[tuple[dict[str, Any], ...]] = ({"pattern": "maml"}, {"in_training": False})
    origin: ClassVar[str] = "reconstructed"

    def __post_init__(self) -> None:
        _ = self.schedule, self.members  # so that what does not fit is refused at once

    @cached_property
    def _network(self) -> Staged:
        network = self.workload.skeleton
        if not isinstance(network, Staged):
            raise UsageError(
                f"{self.name} runs a network stage by stage, but {type(network).__name__} names no "
                "stages. Derive it from suites.models.Staged."
            )
        return network

    @cached_property
    def _scratch(self) -> tuple[torch.nn.Module, Params]:
        """A network, and its parameters, which every adaptation puts in anew."""
        network = self.workload.module()
        return network, dict(network.named_parameters())

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
        names = [name for name, _ in self._network.named_parameters()]
        members = tuple([n for n in names if n.startswith(f"{group}.")] for group in self.groups)
        loose = set(names).difference(*members)
        if loose:
            raise UsageError(
                f"parameters {', '.join(sorted(loose))} of {type(self._network).__name__} are in "
                "none of its stages, so no update pattern covers them. Name a stage for them."
            )
        return members

    @classmethod
    def workload_needed(cls, settings: Mapping[str, Any]) -> dict[str, Any]:
        """Ask for as many layers as the bits are for, beside the head."""
        words = str(settings.get("pattern", "")).split("/")
        bits = {len(word) for word in words if word and not set(word) - set("01")}
        return {"layers": max(1, bits.pop() - 1)} if len(bits) == 1 else {}

    def variants(self) -> dict[str, Variant]:
        """Return all patterns over the groups."""
        named = {_bits(p): name.upper() for name, p in corners(len(self.groups)).items()}
        everything = "1" * len(self.groups)
        return {
            bits: Variant(
                {"pattern": bits}, named.get(bits, ""), bits == everything, self._means(bits)
            )
            for bits in every_pattern(len(self.groups))
        }

    def _means(self, bits: str) -> str:
        """Say which groups a pattern changes."""
        if "0" not in bits:
            return "adapts everything"
        changed = [group for group, bit in zip(self.groups, bits, strict=True) if bit == "1"]
        return f"adapts {' and '.join(changed)} alone"

    @property
    def one_training(self) -> bool:
        return not self.in_training

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
        """Return each task's parameters; those of groups that never change are the state's own.

        One task is adapted in place, since a single call of few kernels is the fastest; several are
        adapted in one vmapped call, which runs frozen groups on all tasks' images at once.
        """
        if len(batch) == 1:
            [task] = batch
            return [self._adapted(state.params, task.support_x, task.support_y, self.schedule)]
        together = vmap(partial(self._moved, state.params), chunk_size=TOGETHER)
        moved = together(batch.support_x, batch.support_y)
        return [
            state.params | {name: p[task] for name, p in moved.items()}
            for task in range(len(batch))
        ]

    def _task_gradient(
        self, params: Params, task: Tasks, schedule: Schedule
    ) -> tuple[Tensor, tuple[Tensor, ...]]:
        x, y, first_order = task.support_x, task.support_y, self.workload.first_order
        if first_order:  # the adapted parameters count as the initial ones, moved
            params = self._adapted(params, x, y, schedule)
        start = {name: p.detach().requires_grad_() for name, p in params.items()}
        adapted = start if first_order else self._differentiably_adapted(start, x, y, schedule)
        loss = self.workload.loss(self.workload.outputs(adapted, task.query_x), task.query_y)
        return loss.detach(), torch.autograd.grad(loss, list(start.values()))

    def _adapted(self, params: Params, x: Tensor, y: Tensor, schedule: Schedule) -> Params:
        """Take the inner steps in place, on copies of what they change."""
        network, leaves = self._scratch
        moving = {n: params[n].clone() for n in self._changed_by(_union(schedule))}
        for name, leaf in leaves.items():
            leaf.data = moving.get(name, params[name])
            leaf.requires_grad_(name in moving)
        inputs = _Inputs(self._network.stages(), schedule, x)
        for pattern in schedule:
            low = lowest(pattern)
            own = [leaves[name] for name in self._changed_by(pattern)]
            with torch.no_grad():
                x = inputs.of(low, network)
            loss = self.workload.loss(network(x, low), y)
            grads = torch.autograd.grad(loss, own)
            with torch.no_grad():
                torch._foreach_add_(own, grads, alpha=-self.workload.inner_lr)
        return params | moving

    def _moved(self, params: Params, x: Tensor, y: Tensor) -> Params:
        """Return what the inner steps change, by transforms that can be vmapped over tasks."""
        inputs = _Inputs(self._network.stages(), self.schedule, x)
        for pattern in self.schedule:
            low = lowest(pattern)
            x = inputs.of(low, partial(self.workload.stretch, params))
            own = {name: params[name] for name in self._changed_by(pattern)}
            grads = grad(self._support_loss)(own, params, x, y, low)
            params = params | {n: p - self.workload.inner_lr * grads[n] for n, p in own.items()}
        return {name: params[name] for name in self._changed_by(_union(self.schedule))}

    def _support_loss(self, own: Params, params: Params, x: Tensor, y: Tensor, low: int) -> Tensor:
        return self.workload.loss(self.workload.stretch(params | own, x, low), y)

    def _differentiably_adapted(
        self, params: Params, x: Tensor, y: Tensor, schedule: Schedule
    ) -> Params:
        """Take the inner steps so that the meta-gradient can be taken through them."""
        inputs = _Inputs(self._network.stages(), schedule, x)
        for pattern in schedule:
            low = lowest(pattern)
            x = inputs.of(low, partial(self.workload.stretch, params))
            # Differentiated by aliases: earlier steps hang on the parameters themselves.
            own = {name: params[name].view_as(params[name]) for name in self._changed_by(pattern)}
            loss = self.workload.loss(self.workload.stretch(params | own, x, low), y)
            grads = torch.autograd.grad(loss, list(own.values()), create_graph=True)
            params = params | {
                name: torch.sub(p, g, alpha=self.workload.inner_lr)
                for (name, p), g in zip(own.items(), grads, strict=True)
            }
        return params

    def _changed_by(self, pattern: Pattern) -> list[str]:
        return [n for names, on in zip(self.members, pattern, strict=True) if on for n in names]


class _Inputs:
    """The inputs of groups that steps start from, kept as long as nothing below them changes."""

    def __init__(self, stages: list[Stage], schedule: Schedule, x: Tensor) -> None:
        self._stages, self._kept = stages, sorted({lowest(pattern) for pattern in schedule})
        self._inputs, self._fresh = {0: stages[0].prepare(x)}, 0

    def of(self, low: int, run: Callable[[Tensor, int, int], Tensor]) -> Tensor:
        """Return the input of the group that is the lowest to change now."""
        ahead = [group for group in self._kept if self._fresh < group <= low]
        for first, last in pairwise([self._fresh, *ahead]):
            self._inputs[last] = self._stages[last].prepare(run(self._inputs[first], first, last))
        self._fresh = low  # after the step, the inputs of groups above it will not hold
        return self._inputs[low]


def _bits(pattern: Pattern) -> str:
    return "".join("1" if on else "0" for on in pattern)


def _union(schedule: Schedule) -> Pattern:
    return tuple(any(bits) for bits in zip(*schedule, strict=True))


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


def naive_masked_adaptations(
    learner: LambdaPatterns, state: AdamState, batch: Tasks
) -> list[Params]:
    """What `adapt` must return: every task's parameters after its masked steps."""
    params = {name: p.detach().requires_grad_() for name, p in state.params.items()}
    return [naive_masked_adaptation(learner, params, task) for task in batch]


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

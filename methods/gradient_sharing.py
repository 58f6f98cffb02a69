"""Gradient sharing: inner steps that lean on the gradients of other tasks, by learned scales.

Reconstructed from the abstract of Chang and Lipson (arXiv 2312.08398). Of the tasks i = 1..B of a
meta-batch, with S_i and Q_i their support and query losses, in inner step k:

    g_i     = dS_i/dtheta (theta_i)
    c_i     = mean over the batch of g_j                          concurrent tasks
    p       = running mean over earlier meta-steps of mean_j g_j  tasks met before, detached
    u_i     = (1 - l) g_i + l [m c_i + (1 - m) p]
    theta_i = theta_i - alpha u_i

    gradient = d/d(theta, l, m) of the mean over tasks of Q_i(theta_i)

l and m, one of each an inner step, are sigmoids of meta-parameters that Adam moves with theta. Each
meta-step leaves the memory at p + (mean_j g_j - p) / n, with n = 1 + decay * (n before).

What was open, and how each choice is set. Whether what is shared takes a part of g_i's place or is
added to it, u_i = g_i + l [...]: `mixing`. Whether c_i counts g_i: `mean`. Whether c_i is
differentiated: `detached`. How fast the memory forgets: `decay`, from 0, the last meta-step alone,
to 1, all alike. Where l and m begin: `weight` and `concurrent`. What has an l and m of its own:
`scale`. How fast they are learned: `scale_lr`. Whether both sources are used: `sources`.

Of the two sources those count that there are. In the first meta-step there is no memory, so m is 1;
a task that is left out of its own mean and alone in its batch has no concurrent ones, so m is 0;
with neither, l is 0. That is so at meta-test too, where no task may know of another: with `at_test`
"alone" l is 0, with "memory" m is. With "damped" others' gradients count as zero: where their mean
nearly is, as where classes are numbered at random, (1 - l) alpha is the rate that training had.

The gradient is formed backwards, from a_i = dQ_i/dtheta_i / B after the last step on. In step k

    v_i = -alpha (du/dg)^T a            across tasks, beside the derivatives by l and m
    a_i = a_i + (d^2 S_i/dtheta^2) v_i  task by task, inside vmap

with v_i = 0 under the workload's `first_order`. So no BatchNorm is differentiated through vmap from
outside, which torch 2.13 gets wrong (see batched_maml), and no graph of the network is kept from
one step to the next; each step's first backward pass is run twice for it.

Over ranks that the tasks are dealt out to, c_i costs one all-reduce an inner step, and one more on
the way back if it is differentiated; the gradient costs one.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import Any, ClassVar, Literal

import torch
from torch import Tensor

from baselines.flat import flat, shaped
from baselines.maml import MamlLearner
from harness.declare.equivalence import Approximate, Equivalence
from harness.declare.learner import Gradient, Params
from harness.declare.outer import AdamState, Rule
from harness.errors import UsageError
from harness.registry import method
from harness.team.communicator import Communicator
from methods.dealt_tasks import dealt, judged_by_all
from methods.differentiable_sum import differentiable_sum
from methods.layer_scales import LayerScales
from methods.stacked_tasks import StackedTasks
from suites.fewshot import Tasks


@dataclass(frozen=True)
class SharingState(AdamState):
    """The network's parameters and those behind l and m, under Adam; and the memory."""

    memory: Tensor
    """p of every inner step, [inner steps, parameters]."""
    met: float
    """n: how many meta-steps the memory is worth."""


@method("gradient_sharing")
@dataclass(frozen=True)
class GradientSharing(MamlLearner):
    """MAML whose inner steps mix in the gradients of concurrent tasks and of tasks met before."""

    mixing: Literal["convex", "additive"] = "convex"
    """Whether what is shared takes a part of a task's own gradient's place, or is added to it."""
    mean: Literal["batch", "leave_one_out"] = "batch"
    """Whether a task is one of its own concurrent tasks."""
    sources: Literal["both", "concurrent", "memory"] = "both"
    """Whose gradients are shared."""
    detached: bool = False
    """Whether concurrent tasks' gradients count as given when the meta-gradient is formed."""
    decay: float = 0.9
    """What every meta-step leaves of the weight that earlier ones have in the memory."""
    weight: float = 0.5
    """l in the beginning: how much is shared."""
    concurrent: float = 0.5
    """m in the beginning: how much of what is shared is the concurrent tasks'."""
    scale: Literal["step", "step_and_layer"] = "step"
    """What has an l and an m of its own; a layer is a module that owns parameters."""
    learned: bool = True
    """Whether l and m are meta-learned, or stay where they begin."""
    scale_lr: float | None = None
    """Adam's rate for what is behind l and m; the workload's outer_lr if null."""
    at_test: Literal["alone", "damped", "memory"] = "alone"
    """How a held-out task's own gradient is taken: whole, 1 - l of it, or joined by the memory."""
    chunk: int | None = None
    """Most tasks in one call, to bound memory; all of them if null."""

    equivalence: ClassVar[Equivalence] = Approximate(
        "baselines.naive_gradient_sharing:gradient",
        adaptation="baselines.naive_gradient_sharing:adaptations",
    )
    corners: ClassVar[tuple[dict[str, Any], ...]] = ({"learned": False, "weight": 0.0},)
    origin: ClassVar[str] = "reconstructed"
    shares: ClassVar[bool] = True

    def __post_init__(self) -> None:
        for name in ("weight", "concurrent", "decay"):
            if not 0 <= getattr(self, name) <= 1:
                raise ValueError(f"{name} = {getattr(self, name)} must be from 0 to 1")
        for name in self._scaled if self.learned else ():
            if getattr(self, name) in (0, 1):
                raise ValueError(
                    f"{name} = {getattr(self, name)} cannot be learned: a sigmoid reaches it only "
                    "at infinity. Start between 0 and 1, or fix it with learned = false"
                )
        if self.scale_lr is not None and self.scale_lr < 0:
            raise ValueError(f"scale_lr = {self.scale_lr} must not be negative")
        if self.chunk is not None and self.chunk < 1:
            raise ValueError(f"chunk = {self.chunk} must be 1 or more, or null for all at once")
        if self.at_test == "memory" and self.sources == "concurrent":
            raise ValueError(
                "at_test = 'memory' shares what sources = 'concurrent' never did in training. Set "
                "at_test = 'alone', or sources = 'both' or 'memory'"
            )

    def init(self, seed: int) -> SharingState:
        network = self.workload.initial(seed)
        theta, inner_steps = flat(network), self.workload.inner_steps
        self._team.broadcast(theta)
        adam = AdamState.start(shaped(theta, network) | self._scales.initial())
        return SharingState(**vars(adam), memory=theta.new_zeros(inner_steps, len(theta)), met=0.0)

    def step(self, state: AdamState, batch: Tasks) -> tuple[SharingState, Tensor]:
        (loss, grads), means = self._worked(state, batch)
        lr = self.workload.outer_rate(state.taken)
        rules = dict.fromkeys(state.params, Rule(lr))
        if self.scale_lr is not None:
            rules |= dict.fromkeys(self._scales.behind(state.params), Rule(self.scale_lr))
        before, after = _whole(state), state.update(grads, rules)
        met = 1 + self.decay * before.met
        memory = before.memory + (means - before.memory) / met
        return SharingState(**vars(after), memory=memory, met=met), loss

    def meta_gradient(self, state: AdamState, batch: Tasks) -> Gradient:
        return self._worked(state, batch)[0]

    def adapt(self, state: AdamState, batch: Tasks) -> list[Params]:
        """Return the adapted parameters of this rank's tasks."""
        return self._adapted(state, dealt(batch, self._team))

    def evaluate(self, state: AdamState, batch: Tasks) -> Tensor:
        """Judge each task on one rank, and let all ranks know."""

        def judge(mine: Tasks) -> Tensor:
            return self.judged(self._adapted(state, mine), mine)

        return judged_by_all(batch, self._team, judge)

    def watched(self, state: AdamState) -> dict[str, float]:
        """Return l and m of every inner step, and of every layer if each has its own."""
        return self._scales.told(state.params)

    def _worked(self, state: AdamState, batch: Tasks) -> tuple[Gradient, Tensor]:
        """Return the meta-gradient, and the batch's mean gradient in every inner step."""
        mine, lr = dealt(batch, self._team), self.workload.inner_lr
        second_order = not self.workload.first_order
        behind = {
            name: p.detach().requires_grad_()
            for name, p in self._scales.behind(state.params).items()
        }
        sought = list(behind.values())
        thetas = self._theta(state).expand(len(mine), -1)
        steps, means = [], torch.empty_like(_whole(state).memory)
        for k in range(self.workload.inner_steps):
            own = self._stacked.slopes(thetas, mine.support_x, mine.support_y)
            own.requires_grad_(second_order)
            mean = differentiable_sum(own.sum(0), self._team) / len(batch)
            means[k] = mean.detach()
            concurrent = self._concurrent(own, mean, len(batch))
            remembered = None if self.sources == "concurrent" else _remembered(state, k)
            mixed = self._mixed(own, concurrent, remembered, self._scales.of_entries(behind, k))
            steps.append((thetas, own, mixed))
            thetas = thetas - lr * mixed.detach()

        losses, slopes = self._stacked.losses_and_slopes(thetas, mine.query_x, mine.query_y)
        losses, slopes = losses / len(batch), slopes / len(batch)
        found = [torch.zeros_like(p) for p in sought]
        for thetas, own, mixed in reversed(steps):
            if not mixed.requires_grad:  # nothing that is sought is behind this step
                continue
            wanted = [*sought, own] if second_order else sought
            parts = torch.autograd.grad(
                mixed, wanted, -lr * slopes, allow_unused=True, materialize_grads=True
            )
            for total, part in zip(found, parts, strict=False):  # own's has no total
                total += part
            if second_order:
                slopes = slopes + self._stacked.bent(
                    thetas, mine.support_x, mine.support_y, parts[-1]
                )

        flattened = [losses.sum(0, keepdim=True), slopes.sum(0), *map(torch.flatten, found)]
        buffer = torch.cat(flattened)
        self._team.all_reduce(buffer)
        return Gradient(buffer[0], shaped(buffer[1:], state.params)), means

    def _adapted(self, state: AdamState, tasks: Tasks) -> list[Params]:
        """Take a held-out task's inner steps, in which no concurrent task plays a part."""
        thetas = self._theta(state).expand(len(tasks), -1)
        for k in range(self.workload.inner_steps):
            own = self._stacked.slopes(thetas, tasks.support_x, tasks.support_y)
            scales = self._scales.of_entries(state.params, k)
            mixed = self._mixed(own, None, self._beside(state, k), scales)
            thetas = thetas - self.workload.inner_lr * mixed
        return [shaped(theta, self._stacked.network) for theta in thetas]

    def _beside(self, state: AdamState, k: int) -> Tensor | None:
        """Return what joins a held-out task's own gradient, if anything does."""
        match self.at_test:
            case "alone":
                return None
            case "damped":
                return torch.zeros_like(self._theta(state))
            case "memory":
                return _remembered(state, k)

    def _mixed(
        self, own: Tensor, concurrent: Tensor | None, remembered: Tensor | None, scales: Params
    ) -> Tensor:
        """Return u of every task, from the sources that there are."""
        if concurrent is not None and remembered is not None:
            part = scales["concurrent"]
            shared = part * concurrent + (1 - part) * remembered
        elif concurrent is not None:
            shared = concurrent
        elif remembered is not None:
            shared = remembered
        else:
            return own
        weight = scales["weight"]
        return (own if self.mixing == "additive" else (1 - weight) * own) + weight * shared

    def _concurrent(self, own: Tensor, mean: Tensor, tasks: int) -> Tensor | None:
        """Return c of every task, if there are others."""
        if self.sources == "memory" or (self.mean == "leave_one_out" and tasks == 1):
            return None
        found = mean if self.mean == "batch" else (tasks * mean - own) / (tasks - 1)
        return found.detach() if self.detached else found

    def _theta(self, state: AdamState) -> Tensor:
        return flat({name: state.params[name] for name in self._stacked.network})

    @property
    def _team(self) -> Communicator:
        return self.workload.place.team

    @property
    def _scaled(self) -> dict[str, float]:
        """The scales that there are, with what each begins at."""
        both = {"weight": self.weight, "concurrent": self.concurrent}
        return both if self.sources == "both" else {"weight": self.weight}

    @cached_property
    def _stacked(self) -> StackedTasks:
        return StackedTasks(self.workload, self.chunk)

    @cached_property
    def _scales(self) -> LayerScales:
        return LayerScales(
            self._scaled,
            self.learned,
            self.scale == "step_and_layer",
            self.workload.inner_steps,
            self._stacked.network,
            self.workload.place,
        )


def _whole(state: AdamState) -> SharingState:
    if not isinstance(state, SharingState):
        raise UsageError(
            "gradient sharing was given parameters without the memory of their training. Give the "
            "state that `init` or `step` returned, or adapt with at_test = 'alone'."
        )
    return state


def _remembered(state: AdamState, k: int) -> Tensor | None:
    """Return p of a step, if a meta-step is behind it."""
    whole = _whole(state)
    return whole.memory[k] if whole.met else None

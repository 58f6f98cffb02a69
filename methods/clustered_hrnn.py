"""The hierarchical RNN optimizer trained in clusters; methods.clustered_tasks has the definition.

Tasks are alike by the family of their entry, by the shapes of their tensors (their signature), by
the objective that they share but for its data, or by how they behave: `by`. Of families, signatures
and objectives those that most of a batch's tasks have are clusters of their own; the rest share the
last one.

How a task behaves is seen at the start of its run, on all data and without noise. It moves
`probe_steps` times by probe_rate g / rms(g), with g its gradient. Its features are the cosines of
its later gradients to the first one, and the logarithms of its later losses as shares of the first
one. Clusters stay as they are for all unrolls of a run. A task that diverges stays in its own.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any, Literal, TypeVar

import torch
from torch import Tensor
from torch.nn.functional import cosine_similarity

from baselines.hrnn import HrnnLearner, HrnnState, Unrolled, hrnn_named
from baselines.hrnn_optimizer import HrnnOptimizer
from harness.declare.learner import Gradient, Params
from harness.registry import method
from methods.clustered_tasks import ClusteredTasks, Members
from methods.task_clusters import Labels, by_key
from suites.hrnn import Standing, Start
from suites.optimizer_training import MetaBatch, Run, Task, entered, log_ratio

T = TypeVar("T")
LEAST, MOST = -14.0, 14.0
"""Of a loss's logarithm; one that has none counts as the most."""


@dataclass(frozen=True)
class ClusteredState(HrnnState):
    """Where training stands, and in which clusters the tasks of this run are."""

    labels: Labels = ()


def definition(learner: ClusteredHrnn, state: ClusteredState, batch: MetaBatch) -> Gradient:
    """The plain optimizer on one task after another, with RMSProp after each meta-batch's last."""
    plain, outer = HrnnOptimizer(learner.workload), state.outer
    starts = entered(learner.workload, batch, state.ended, state.began)
    losses, total = [], {name: torch.zeros_like(p) for name, p in outer.params.items()}
    for members in learner.dealt(state, batch)[1]:
        alone = [
            plain.through_unroll(outer.params, _chosen(batch, [task]), [starts[task]])
            for task in members
        ]
        grads = {n: torch.stack([each.grads[n] for each in alone]).sum(0) for n in outer.params}
        loss = torch.stack([each.loss for each in alone]).sum()
        losses.append(loss * len(members) / max(1, sum(each.left for each in alone)))
        total = {name: t + grads[name] / len(batch) for name, t in total.items()}
        mean = {name: g / len(members) for name, g in grads.items()}
        outer = outer.update(mean, learner.workload.meta_lr)
    return Gradient(torch.stack(losses).sum() / len(batch), total)


@method("clustered_hrnn")
@dataclass(frozen=True)
class ClusteredHrnn(ClusteredTasks, HrnnLearner):
    """The hierarchical RNN optimizer with meta-updates on tasks of one cluster."""

    inner: str = "hrnn_optimizer"
    """The implementation of the optimizer's training that takes the meta-updates."""
    by: Literal["family", "signature", "objective", "behaviour"] = "behaviour"
    """What makes tasks alike."""
    probe_steps: int = 5
    """Steps that show how a task behaves."""
    probe_rate: float = 0.1
    """How far each of them moves a coordinate."""

    @cached_property
    def one(self) -> HrnnLearner:
        return hrnn_named(self.inner)(self.workload)

    def init(self, seed: int) -> ClusteredState:
        return ClusteredState(self.one.init(seed).outer)

    def through_unroll(
        self, params: Params, batch: MetaBatch, starts: Sequence[Start | None]
    ) -> Unrolled:
        return self.one.through_unroll(params, batch, starts)

    def adapt(self, state: HrnnState, batch: MetaBatch) -> Run:
        return self.one.adapt(state, batch)

    def labels(self, state: ClusteredState, batch: MetaBatch) -> Labels:
        if batch.unroll > 0 and len(state.labels) == len(batch):
            return state.labels
        keys: dict[str, Sequence[Any]] = {
            "family": [task.family for task in batch.tasks],
            "signature": batch.layouts,
            "objective": [task.objective for task in batch.tasks],
        }
        if self.by in keys:
            return by_key(keys[self.by], self.clusters)
        probes = [self._probed(*each) for each in zip(batch.tasks, batch.starts, strict=True)]
        cosines, losses = (torch.stack(block) for block in zip(*probes, strict=True))
        return self.by_behaviour(cosines, losses)

    def begun(self, state: ClusteredState, labels: Labels) -> ClusteredState:
        return replace(state, labels=labels)

    def part(
        self, state: ClusteredState, batch: MetaBatch, members: Members
    ) -> tuple[HrnnState, MetaBatch]:
        def own(standings: tuple[Standing | None, ...]) -> tuple[Standing | None, ...]:
            whole = len(standings) == len(batch)  # or else they are of no or of another batch
            return _of(standings, members) if whole else ()

        return HrnnState(state.outer, own(state.ended), own(state.began)), _chosen(batch, members)

    def whole(self, state: ClusteredState, members: Members, after: HrnnState) -> ClusteredState:
        def put(old: tuple[T | None, ...], new: tuple[T | None, ...]) -> tuple[T | None, ...]:
            tasks = len(state.labels)
            found = dict(enumerate(old)) if len(old) == tasks else {}
            found |= dict(zip(members, new, strict=True)) if new else {}
            return tuple(found.get(task) for task in range(tasks)) if found else ()

        return replace(
            state,
            outer=after.outer,
            ended=put(state.ended, after.ended),
            began=put(state.began, after.began),
            dropped=state.dropped + after.dropped,
            redone=state.redone + after.redone,
        )

    def _probed(self, task: Task, start: Start) -> tuple[Tensor, Tensor]:
        """Return the features of a task's gradients and of its losses."""
        theta = start.rows.theta if isinstance(start, Standing) else start.theta
        slopes, losses = [], []
        for _ in range(self.probe_steps + 1):
            theta = theta.detach().requires_grad_()
            loss = task.objective(theta, task.data)
            (slope,) = torch.autograd.grad(loss, theta)
            slopes.append(slope)
            losses.append(loss.detach())
            theta = theta - self.probe_rate * slope / slope.square().mean().sqrt().clamp(min=1e-30)
        later = torch.stack(slopes[1:])
        cosines = cosine_similarity(later, slopes[0].expand_as(later))
        ratios = log_ratio(torch.stack(losses[1:]), losses[0])
        return cosines.nan_to_num(), ratios.nan_to_num(MOST, MOST, LEAST).clamp(LEAST, MOST)


def _of(values: Sequence[T], members: Members) -> tuple[T, ...]:
    return tuple(values[task] for task in members)


def _chosen(batch: MetaBatch, members: Members) -> MetaBatch:
    return replace(batch, tasks=_of(batch.tasks, members), starts=_of(batch.starts, members))

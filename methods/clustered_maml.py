"""MAML trained in clusters of tasks; methods.clustered_tasks has the definition.

How a task behaves is seen at the weights that a step begins with, by the gradient g of its support
loss. Its features are the norms of g in every parameter, as shares of the norm of all, and the
logarithms of the support loss before and after one inner step. The direction of g would tell little
but how the task's classes happen to be numbered.
"""

from __future__ import annotations

from dataclasses import dataclass, fields
from functools import cached_property

import torch
from torch import Tensor

from baselines.flat import flat
from baselines.maml import MamlLearner, maml_named
from baselines.reference_maml import ReferenceMaml
from harness.declare.learner import Gradient, Params
from harness.declare.outer import AdamState
from harness.registry import method
from methods.clustered_tasks import ClusteredTasks, Members
from methods.stacked_tasks import StackedTasks
from methods.task_clusters import Labels
from suites.fewshot import Tasks

TINY = 1e-30


def definition(learner: ClusteredMaml, state: AdamState, batch: Tasks) -> Gradient:
    """Plain MAML on one task after another, with an outer step after each meta-batch's last."""
    plain, params = ReferenceMaml(learner.workload), state.params
    loss, total = batch.query_x.new_zeros(()), _zeros(params)
    for members in learner.dealt(state, batch)[1]:
        of_batch = _zeros(params)
        for task in members:
            found = plain.meta_gradient(state, _chosen(batch, [task]))
            loss = loss + found.loss / len(batch)
            for name, g in found.grads.items():
                of_batch[name] += g / len(members)
                total[name] += g / len(batch)
        state = state.update(of_batch, learner.workload.outer_lr)
    return Gradient(loss, total)


@method("clustered_maml")
@dataclass(frozen=True)
class ClusteredMaml(ClusteredTasks, MamlLearner):
    """MAML with meta-updates on tasks of one cluster, by how they behave."""

    inner: str = "reference_maml"
    """The implementation of MAML that takes the meta-updates."""

    @cached_property
    def one(self) -> MamlLearner:
        return maml_named(self.inner)(self.workload)

    def labels(self, state: AdamState, batch: Tasks) -> Labels:
        stacked, support = StackedTasks(self.workload, None), (batch.support_x, batch.support_y)
        thetas = flat(state.params).expand(len(batch), -1)
        losses, slopes = stacked.losses_and_slopes(thetas, *support)
        later, _ = stacked.losses_and_slopes(thetas - self.workload.inner_lr * slopes, *support)
        parts = slopes.split([p.numel() for p in state.params.values()], 1)
        norms = torch.stack([part.norm(dim=1) for part in parts], 1)
        shares = norms / norms.norm(dim=1, keepdim=True).clamp(min=TINY)
        return self.by_behaviour(shares, torch.stack([losses, later], 1).clamp(min=TINY).log())

    def begun(self, state: AdamState, labels: Labels) -> AdamState:
        return state

    def part(self, state: AdamState, batch: Tasks, members: Members) -> tuple[AdamState, Tasks]:
        return state, _chosen(batch, members)

    def whole(self, state: AdamState, members: Members, after: AdamState) -> AdamState:
        return after


def _chosen(batch: Tasks, members: Members) -> Tasks:
    return Tasks(*(getattr(batch, field.name)[members] for field in fields(batch)))


def _zeros(params: Params) -> dict[str, Tensor]:
    return {name: torch.zeros_like(p) for name, p in params.items()}

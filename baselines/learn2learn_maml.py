"""learn2learn's MAML, used as its users use it: `MAML.clone`, `adapt`, `backward`."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from typing import ClassVar

import torch
from torch import nn

from baselines.maml import MamlLearner
from baselines.peer import importing
from harness.declare.learner import Gradient, Params
from harness.declare.outer import AdamState
from harness.registry import baseline
from suites.fewshot import Tasks

with importing("learn2learn"):
    from learn2learn.algorithms import MAML


@baseline("learn2learn_maml")
@dataclass(frozen=True)
class Learn2LearnMaml(MamlLearner):
    """learn2learn's MAML, task after task: clone, adapt, query loss, backward."""

    peer: ClassVar[str | None] = "learn2learn"

    def meta_gradient(self, state: AdamState, batch: Tasks) -> Gradient:
        maml = self._loaded(state)
        total = torch.zeros((), device=self.workload.place.device, dtype=batch.query_x.dtype)
        for task in batch:
            learner = maml.clone()
            for _ in range(self.workload.inner_steps):
                learner.adapt(self.workload.loss(learner(task.support_x), task.support_y))
            loss = self.workload.loss(learner(task.query_x), task.query_y)
            loss.backward()
            total += loss.detach()
        grads = {}
        for name, p in self._meta_parameters():
            assert p.grad is not None, name
            grads[name] = p.grad.mul_(1.0 / len(batch))  # as its examples average, after the fact
        return Gradient(total / len(batch), grads)

    def adapt(self, state: AdamState, batch: Tasks) -> list[Params]:
        maml = self._loaded(state)
        adapted = []
        for task in batch:
            learner = maml.clone()
            for _ in range(self.workload.inner_steps):
                loss = self.workload.loss(learner(task.support_x), task.support_y)
                learner.adapt(loss, first_order=True)
            adapted.append({n: p.detach() for n, p in learner.module.named_parameters()})
        return adapted

    @cached_property
    def _maml(self) -> MAML:
        workload = self.workload
        return MAML(workload.module(), lr=workload.inner_lr, first_order=workload.first_order)

    def _meta_parameters(self) -> Iterator[tuple[str, nn.Parameter]]:
        """Yield what it learns, by the state's names."""
        yield from self._maml.module.named_parameters()

    def _loaded(self, state: AdamState) -> MAML:
        """Point its parameters at the state's tensors: nothing is copied, no step writes there."""
        for name, p in self._meta_parameters():
            p.data = state.params[name]
            p.grad = None
        return self._maml

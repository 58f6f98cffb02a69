"""MAML written plainly: the oracle that every other implementation is held to."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from baselines.maml import MamlLearner
from harness.declare.learner import Gradient, Params
from harness.declare.outer import AdamState
from harness.registry import baseline
from suites.fewshot import Tasks


@baseline("reference_maml")
@dataclass(frozen=True)
class ReferenceMaml(MamlLearner):
    """MAML (Finn et al. 2017) in plain PyTorch, one task after another: the oracle."""

    def meta_gradient(self, state: AdamState, batch: Tasks) -> Gradient:
        params = {name: p.detach().requires_grad_() for name, p in state.params.items()}
        loss = torch.stack([self._query_loss(params, task) for task in batch]).mean()
        grads = torch.autograd.grad(loss, list(params.values()))
        return Gradient(loss.detach(), dict(zip(params, grads, strict=True)))

    def adapt(self, state: AdamState, batch: Tasks) -> list[Params]:
        params = {name: p.detach().requires_grad_() for name, p in state.params.items()}
        adapted = [self._adapted(params, task, keep_graph=False) for task in batch]
        return [{name: p.detach() for name, p in one.items()} for one in adapted]

    def _query_loss(self, params: Params, task: Tasks) -> Tensor:
        adapted = self._adapted(params, task, keep_graph=not self.workload.first_order)
        return self.workload.loss(self.workload.outputs(adapted, task.query_x), task.query_y)

    def _adapted(self, params: Params, task: Tasks, keep_graph: bool) -> Params:
        """theta <- theta - alpha * dL_support/dtheta, inner_steps times."""
        for _ in range(self.workload.inner_steps):
            outputs = self.workload.outputs(params, task.support_x)
            loss = self.workload.loss(outputs, task.support_y)
            grads = torch.autograd.grad(loss, list(params.values()), create_graph=keep_graph)
            params = {
                name: p - self.workload.inner_lr * g
                for (name, p), g in zip(params.items(), grads, strict=True)
            }
        return params

"""torchmeta's MAML, used as its users use it: a MetaModule and `gradient_update_parameters`."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import Any, ClassVar

import torch
from torch import nn

from baselines.maml import MamlLearner
from baselines.torchmeta_compat import usable_torchmeta
from baselines.torchmeta_models import twin
from harness.declare.learner import Gradient, Params
from harness.declare.outer import AdamState
from harness.registry import baseline
from suites.fewshot import Tasks

with usable_torchmeta():
    from torchmeta.utils.gradient_based import gradient_update_parameters


@baseline("torchmeta_maml")
@dataclass(frozen=True)
class TorchmetaMaml(MamlLearner):
    """torchmeta's MAML, task after task: updated parameters, query loss; one backward for all."""

    peer: ClassVar[str | None] = "torchmeta"

    def meta_gradient(self, state: AdamState, batch: Tasks) -> Gradient:
        model = self._loaded(state)
        losses = []
        for task in batch:
            params = self._adapted(model, task, self.workload.first_order)
            losses.append(self.workload.loss(model(task.query_x, params=params), task.query_y))
        loss = torch.stack(losses).mean()
        loss.backward()
        grads = {}
        for name, p in model.named_parameters():
            assert p.grad is not None, name
            grads[name] = p.grad
        return Gradient(loss.detach(), grads)

    def adapt(self, state: AdamState, batch: Tasks) -> list[Params]:
        model = self._loaded(state)
        adapted = [self._adapted(model, task, first_order=True) for task in batch]
        return [{name: p.detach() for name, p in one.items()} for one in adapted]

    def _adapted(self, model: nn.Module, task: Tasks, first_order: bool) -> Params:
        params: Any = None  # the model's own, to begin with
        for _ in range(self.workload.inner_steps):
            loss = self.workload.loss(model(task.support_x, params=params), task.support_y)
            params = gradient_update_parameters(
                model, loss, params, self.workload.inner_lr, first_order
            )
        return dict(model.named_parameters()) if params is None else params

    @cached_property
    def _model(self) -> nn.Module:
        place = self.workload.place
        with torch.device("meta"):  # so that no weight is drawn from the global generator
            model = twin(self.workload.network()).to(place.torch_dtype)
        return model.to_empty(device=place.device)

    def _loaded(self, state: AdamState) -> nn.Module:
        """Point the model at the state's tensors: nothing is copied, and no step writes to them."""
        for name, p in self._model.named_parameters():
            p.data = state.params[name]
            p.grad = None
        return self._model

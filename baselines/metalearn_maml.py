"""parallel-metalearn's MAML, used as its users use it: one `step` on an iterator of task batches.

It maps its inner loop over the tasks by vmap and takes one gradient outside. In torch 2.13 that is
silently wrong for `nn.BatchNorm2d`: the loss is right, and a term of the second derivative is lost.
Its own BatchNorm is made of elementary operations and right, so it is the default here; `norm =
"torch"` is what its users have whose networks hold torch's.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any, ClassVar, Literal

import torch
from torch import Tensor, nn

from baselines.maml import MamlLearner
from baselines.peer import importing
from harness.declare.learner import Gradient, Params
from harness.declare.outer import AdamState
from harness.registry import baseline
from suites.fewshot import FewShot, Tasks

with importing("parallel-metalearn"):
    from metalearn.algorithms import MAML
    from metalearn.inner_optimizers.optimizers import InnerSGD
    from metalearn.loss import BaseLoss
    from metalearn.model_wrappers import MAML_Model
    from metalearn.nn_models.basic_layers import BatchNorm


@baseline("metalearn_maml")
@dataclass(frozen=True)
class MetalearnMaml(MamlLearner):
    """parallel-metalearn's MAML: its inner loop vmapped over the tasks, one backward a chunk."""

    norm: Literal["own", "torch"] = "own"
    """Whose BatchNorm the network has."""
    backend: Literal["vmap", "sequential"] = "vmap"
    chunk: int = 80
    """Most tasks in one call of vmap; 80 is the library's default."""

    peer: ClassVar[str | None] = "parallel-metalearn"

    def meta_gradient(self, state: AdamState, batch: Tasks) -> Gradient:
        for name, p in self._parameters():
            p.data = state.params[name]
        support, query = {"labels": batch.support_y}, {"labels": batch.query_y}
        one_batch = iter([(batch.support_x, support, batch.query_x, query)])
        loss, _ = self._maml.step(one_batch, training=True)
        if self.backend == "sequential":
            loss *= len(batch)  # it divides what it reports by the number of tasks twice
        grads = {}
        for name, p in self._parameters():
            assert p.grad is not None, name
            grads[name] = p.grad
        return Gradient(batch.query_x.new_tensor(loss), grads)

    def adapt(self, state: AdamState, batch: Tasks) -> list[Params]:
        adapted = []
        for task in batch:
            for name, p in self._parameters():
                p.data = state.params[name].clone()  # it writes what it has adapted into the model
            self._maml.adapt_and_update(task.support_x, {"labels": task.support_y})
            adapted.append({name: p.data for name, p in self._parameters()})
        return adapted

    def _parameters(self) -> Iterator[tuple[str, nn.Parameter]]:
        """Yield what it learns, by the state's names."""
        yield from self._maml.model.backbone.network.named_parameters()

    @cached_property
    def _maml(self) -> MAML:
        workload = self.workload
        network = workload.module()
        if self.norm == "own":
            _put_own_norms(network)
        model = MAML_Model(_Backbone(network), _Head())
        inner = InnerSGD(
            model.get_fast_weights(),
            first_order=workload.first_order,
            max_inner_steps=max(1, workload.inner_steps),
            learn_lr=False,
        ).to(workload.place.torch_dtype)
        for rate in inner.parameters():  # made in float32, whatever it is to be
            rate.data.fill_(workload.inner_lr)
        return MAML(
            model=model,
            optimizer=_GradientsAlone(model.parameters()),
            inner_optimizer=inner,
            support_loss_fn=_Loss(workload),
            inner_steps=workload.inner_steps,
            chunk_size=self.chunk,
            device=torch.device(workload.place.device),
            backend=self.backend,
        )


class _Backbone(nn.Module):
    """A network that is called with flags that it has no use for."""

    def __init__(self, network: nn.Module) -> None:
        super().__init__()
        self.network = network

    def forward(self, x: Tensor, **flags: Any) -> Any:
        return self.network(x)


class _Head(nn.Module):
    """The network ends in its own head."""

    def forward(self, features: Tensor, **flags: Any) -> Tensor:
        return features


class _Loss(BaseLoss):  # type: ignore[misc]  # published without types
    """The workload's loss and quality."""

    def __init__(self, workload: FewShot) -> None:
        super().__init__()
        self.workload = workload

    def forward(
        self, out_dict: Mapping[str, Tensor], targets: Mapping[str, Tensor], **more: Any
    ) -> tuple[Tensor, Tensor]:
        outputs, y = out_dict["logits"], targets["labels"]
        return self.workload.loss(outputs, y), self.workload.quality(outputs, y)


class _GradientsAlone(torch.optim.SGD):
    """Leaves the gradients where they are: the outer step is the harness's, as for all."""

    def step(self, closure: Any = None) -> None:  # type: ignore[override]
        pass


def _put_own_norms(network: nn.Module) -> None:
    for module in network.modules():
        for name, child in module.named_children():
            if isinstance(child, nn.BatchNorm2d):
                own = BatchNorm(child.num_features, eps=child.eps, track_running_stats=False)
                setattr(module, name, own.to(child.weight.device, child.weight.dtype))

"""higher's MAML, used as its users use it: `innerloop_ctx` and its differentiable optimizer.

higher names no first-order mode. Its maintainers' advice is to leave higher gradients untracked
and to take the query loss's gradient by the adapted parameters: that is what first_order does.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import Any, ClassVar

import torch
from torch import Tensor, nn

from baselines.maml import MamlLearner
from baselines.peer import importing
from harness.declare.learner import Gradient, Params
from harness.declare.outer import AdamState
from harness.registry import baseline
from suites.fewshot import Tasks

with importing("higher"):
    import higher


@baseline("higher_maml")
@dataclass(frozen=True)
class HigherMaml(MamlLearner):
    """higher's MAML, task after task: a patched copy, its inner loop, query loss, backward."""

    peer: ClassVar[str | None] = "higher"

    def meta_gradient(self, state: AdamState, batch: Tasks) -> Gradient:
        net, optimizer = self._loaded(state)
        track = not self.workload.first_order
        total = torch.zeros((), device=self.workload.place.device, dtype=batch.query_x.dtype)
        for task in batch:
            with higher.innerloop_ctx(
                net, optimizer, copy_initial_weights=False, track_higher_grads=track
            ) as (patched, inner):
                self._run(patched, inner, task)
                loss = self.workload.loss(patched(task.query_x), task.query_y)
                if track:
                    loss.backward()
                else:
                    _accumulate(net, torch.autograd.grad(loss, list(patched.parameters())))
                total += loss.detach()
        grads = {}
        for name, p in net.named_parameters():
            assert p.grad is not None, name
            grads[name] = p.grad.mul_(1.0 / len(batch))
        return Gradient(total / len(batch), grads)

    def adapt(self, state: AdamState, batch: Tasks) -> list[Params]:
        net, optimizer = self._loaded(state)
        names = [name for name, _ in net.named_parameters()]
        adapted = []
        for task in batch:
            with higher.innerloop_ctx(net, optimizer, track_higher_grads=False) as (patched, inner):
                self._run(patched, inner, task)
                parameters = (p.detach() for p in patched.parameters())
                adapted.append(dict(zip(names, parameters, strict=True)))
        return adapted

    def _run(self, patched: Any, inner: Any, task: Tasks) -> None:
        for _ in range(self.workload.inner_steps):
            inner.step(self.workload.loss(patched(task.support_x), task.support_y))

    @cached_property
    def _made(self) -> tuple[nn.Module, torch.optim.Optimizer]:
        net = self.workload.module()
        return net, torch.optim.SGD(net.parameters(), lr=self.workload.inner_lr)

    def _loaded(self, state: AdamState) -> tuple[nn.Module, torch.optim.Optimizer]:
        """Point the network at the state's tensors: nothing is copied, and no step writes there."""
        net, optimizer = self._made
        for name, p in net.named_parameters():
            p.data = state.params[name]
            p.grad = None
        return net, optimizer


def _accumulate(net: nn.Module, grads: tuple[Tensor, ...]) -> None:
    for p, g in zip(net.parameters(), grads, strict=True):
        p.grad = g if p.grad is None else p.grad.add_(g)

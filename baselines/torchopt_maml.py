"""torchopt's MAML, used as its users use it: `MetaSGD`, snapshots of the network, one backward.

MetaSGD has no first-order mode: it builds the graph of every inner gradient. What first_order does
is to cut that graph, once built, in a transformation of torchopt's own kind before its SGD. The
gradient and its arithmetic are then those of the first order; the building is not saved.
"""

from __future__ import annotations

import importlib
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cached_property
from typing import Any, ClassVar

import torch
from torch import nn

from baselines.maml import MamlLearner
from baselines.peer import importing
from harness.declare.learner import Gradient, Params
from harness.declare.outer import AdamState
from harness.registry import baseline
from suites.fewshot import Tasks

with importing("torchopt"):
    import torchopt
    from torchopt.base import EmptyState, GradientTransformation


@baseline("torchopt_maml")
@dataclass(frozen=True)
class TorchoptMaml(MamlLearner):
    """torchopt's MAML, task after task: MetaSGD, query loss, recover; one backward for all."""

    peer: ClassVar[str | None] = "torchopt"

    def meta_gradient(self, state: AdamState, batch: Tasks) -> Gradient:
        net = self._loaded(state)
        losses = []
        for task in batch:
            with self._adapted(task):
                losses.append(self.workload.loss(net(task.query_x), task.query_y))
        loss = torch.stack(losses).mean()
        loss.backward()
        grads = {}
        for name, p in net.named_parameters():
            assert p.grad is not None, name
            grads[name] = p.grad
        return Gradient(loss.detach(), grads)

    def adapt(self, state: AdamState, batch: Tasks) -> list[Params]:
        net = self._loaded(state)
        adapted = []
        for task in batch:
            with self._adapted(task):
                adapted.append({name: p.detach() for name, p in net.named_parameters()})
        return adapted

    def fast_paths(self) -> dict[str, str]:
        """Say whether its compiled operator loads: its own query says yes where it does not."""
        try:
            importlib.import_module("torchopt._C")
        except ImportError:
            return {"torchopt._C": "not-loaded"}
        return {"torchopt._C": "loaded"}

    @contextmanager
    def _adapted(self, task: Tasks) -> Iterator[None]:
        """Adapt the network in place, and put back what it was."""
        net, optimizer, snapshots = self._made
        try:
            for _ in range(self.workload.inner_steps):
                optimizer.step(self.workload.loss(net(task.support_x), task.support_y))
            yield
        finally:
            torchopt.recover_state_dict(net, snapshots[0])
            torchopt.recover_state_dict(optimizer, snapshots[1])

    @cached_property
    def _made(self) -> tuple[nn.Module, torchopt.MetaOptimizer, tuple[Any, Any]]:
        net, lr = self.workload.module(), self.workload.inner_lr
        if self.workload.first_order:
            cut = GradientTransformation(lambda _: EmptyState(), _detached)
            optimizer = torchopt.MetaOptimizer(net, torchopt.chain(cut, torchopt.sgd(lr)))
        else:
            optimizer = torchopt.MetaSGD(net, lr)
        # What is recovered becomes the network's own. So the parameters are snapshots of
        # themselves, for gradients to arrive at, and what is written into, buffers and the
        # optimizer's state, is copied.
        of_net = torchopt.extract_state_dict(net, by="reference", detach_buffers=True)
        return net, optimizer, (of_net, torchopt.extract_state_dict(optimizer, by="copy"))

    def _loaded(self, state: AdamState) -> nn.Module:
        """Point the network at the state's tensors: nothing is copied, and no step writes there."""
        net = self._made[0]
        for name, p in net.named_parameters():
            p.data = state.params[name]
            p.grad = None
        return net


def _detached(updates: Any, state: Any, **_: Any) -> tuple[Any, Any]:
    return torchopt.pytree.tree_map(torch.Tensor.detach, updates), state

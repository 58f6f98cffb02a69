"""Betty's two levels under one engine, and the way of a state into them and out again.

Betty keeps parameters, buffers and moments in modules and optimizers and writes to them in place.
So a state is copied in before every step; what comes out is Betty's own tensors, which the next
copy replaces.
"""

from __future__ import annotations

import logging
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import torch
from torch import Tensor, nn

from baselines.bilevel import BilevelState
from baselines.bilevel_modules import base_optimizer, empty_module
from baselines.peer import importing
from harness.declare.learner import Params
from harness.declare.outer import AdamState, SgdState
from harness.errors import UsageError
from suites.bilevel import Bilevel, BilevelBatch

RIVAL = "higher"  # Betty imports it where it is installed, for a kind of problem not used here


@contextmanager
def _without_rival() -> Iterator[None]:
    """Keep an import of Betty from importing another peer along."""
    absent = RIVAL not in sys.modules
    if absent:
        sys.modules[RIVAL] = None  # type: ignore[assignment]  # how Python marks what can't be imported
    try:
        yield
    finally:
        if absent:
            del sys.modules[RIVAL]


with importing("betty-ml"), _without_rival():
    from betty import __version__ as betty_version
    from betty.configs import Config, EngineConfig
    from betty.engine import Engine
    from betty.problems import ImplicitProblem

__all__ = ["Levels", "betty_version"]


class _Level(ImplicitProblem):  # type: ignore[misc]  # Betty has no annotations
    """One level of the bilevel problem: its loss, and the batches that it is handed."""

    def __init__(
        self,
        name: str,
        config: Config,
        module: nn.Module,
        optimizer: torch.optim.Optimizer,
        loss: Callable[[Any], Tensor],
    ) -> None:
        super().__init__(name, config, module, optimizer)
        self.param_groups = lambda: optimizer.param_groups  # else Betty makes one group of them
        self.loss = loss
        self.batches: Iterator[Any] = iter(())
        self.last_loss: Tensor | None = None
        self.last_grads: Params = {}

    def training_step(self, batch: Any) -> Tensor:
        loss = self.loss(batch)
        self.last_loss = loss.detach()
        return loss

    def get_batch(self) -> Any:
        return next(self.batches)

    def grad_callback(self) -> None:
        self.last_grads = {
            name: torch.zeros_like(p) if p.grad is None else p.grad
            for name, p in self.module.named_parameters()
        }

    def load(self, state: AdamState | SgdState) -> None:
        self._count, self.last_loss = 0, None
        for name, p in self.module.named_parameters():
            p.data, p.grad = state.params[name].clone(), None
            if isinstance(state, AdamState):
                self.optimizer.state[p] = {
                    "step": state.steps[name].clone(),
                    "exp_avg": state.first[name].clone(),
                    "exp_avg_sq": state.second[name].clone(),
                }
            elif name in state.velocity:
                self.optimizer.state[p] = {"momentum_buffer": state.velocity[name].clone()}
            else:
                self.optimizer.state.pop(p, None)

    def params(self) -> Params:
        return {name: p.data for name, p in self.module.named_parameters()}

    def state(self) -> AdamState | SgdState:
        moments = {n: self.optimizer.state[p] for n, p in self.module.named_parameters()}
        if isinstance(self.optimizer, torch.optim.SGD):
            speeds = {n: m.get("momentum_buffer") for n, m in moments.items()}
            return SgdState(self.params(), {n: s for n, s in speeds.items() if s is not None})
        keys = ("exp_avg", "exp_avg_sq", "step")
        return AdamState(self.params(), *({n: m[k] for n, m in moments.items()} for k in keys))


class Levels:
    """A workload's base and meta level, as Betty has them."""

    def __init__(self, workload: Bilevel, config: dict[str, Any]) -> None:
        device = workload.place.device
        if device not in ("cpu", "cuda"):
            raise UsageError(
                f"Betty runs on device=cpu or device=cuda, not on {device!r}. "
                "Choose among several GPUs by CUDA_VISIBLE_DEVICES."
            )
        modules = [
            empty_module(m, workload) for m in (workload.base_network, workload.meta_network)
        ]
        base_params: Params = dict(modules[0].named_parameters())
        meta_params: Params = dict(modules[1].named_parameters())
        self.named_buffers = dict(modules[0].named_buffers())
        self.drawing = workload.drawing

        def base_loss(batch: Any) -> Tensor:
            return workload.base_loss({**base_params, **self.named_buffers}, meta_params, batch)

        def meta_loss(batch: Any) -> Tensor:
            return workload.meta_loss({**base_params, **self.named_buffers}, meta_params, batch)

        of_base = base_optimizer(workload, base_params)
        of_meta = torch.optim.Adam(meta_params.values(), lr=workload.meta_lr)
        self.base = _Level("base_level", Config(**config), modules[0], of_base, base_loss)
        # Without retain_graph a direct gradient would free what the response is still to need.
        retain = Config(retain_graph=True)
        self.meta = _Level("meta_level", retain, modules[1], of_meta, meta_loss)
        with _silent():
            self.engine = Engine(
                problems=[self.base, self.meta],
                config=EngineConfig(strategy="cpu" if device == "cpu" else "gpu"),
                dependencies={"u2l": {self.meta: [self.base]}, "l2u": {self.base: [self.meta]}},
            )
        self.engine.train()

    def load(self, state: BilevelState) -> None:
        self.base.load(state.base)
        self.meta.load(state.meta)
        for name, buffer in self.named_buffers.items():
            buffer.data = state.buffers[name].clone()

    def buffers(self) -> Params:
        return {name: buffer.data for name, buffer in self.named_buffers.items()}

    def run(self, state: BilevelState, batch: BilevelBatch) -> Tensor:
        """Let Betty take its base steps and its meta-step; return the meta loss."""
        self.load(state)
        self.base.batches, self.meta.batches = iter(batch.base), iter([batch.meta])
        self.base._unroll_steps = len(batch.base)  # after which the meta level has its turn
        with self.drawing(batch):
            for _ in batch.base:
                self.engine.train_step()
        assert self.meta.last_loss is not None
        return self.meta.last_loss

    def train(self, state: BilevelState, batch: BilevelBatch) -> None:
        """Let Betty take its base steps alone."""
        self.load(state)
        with self.drawing(batch):
            for base_batch in batch.base:
                self.base.one_step_descent(base_batch)


@contextmanager
def _silent() -> Iterator[None]:
    """Betty tells standard output what it is setting up."""
    log = logging.getLogger("betty")
    before, log.disabled = log.disabled, True
    try:
        yield
    finally:
        log.disabled = before

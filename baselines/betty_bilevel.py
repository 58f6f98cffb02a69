"""Betty 0.2.1's hypergradients, used as its users use them: two Problems under one Engine.

An adapter loads the state into Betty's modules and optimizers, hands it the batches, and lets it
take its own step: base steps, hypergradient, meta update. Betty reads every loss back to the host
(`loss.item()`), and so do darts and sama with a norm: on a GPU each of these waits for the device.

What differs from our own: cg builds each new direction from the residual before last (their issue
15, mended after this release), so it is conjugate gradients for one iteration only, and more do not
converge; it is run at cg_alpha 1, the only value at which its step and its residual agree. darts
and sama move theta to and fro in place and leave it a rounding away from where it was. sama knows
no other default radius for gradient descent than Adam's, 1.
"""

from __future__ import annotations

import logging
import sys
from abc import abstractmethod
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cached_property
from typing import Any, ClassVar

import torch
from torch import Tensor, nn

from baselines.bilevel import BilevelLearner, BilevelState, Trained
from baselines.peer import importing
from harness.declare.equivalence import Approximate, Equivalence, InTheLimit
from harness.declare.learner import Gradient, Params
from harness.declare.outer import AdamState, SgdState
from harness.errors import UsageError
from harness.registry import baseline
from suites.bilevel import BilevelBatch

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


class _Level(ImplicitProblem):  # type: ignore[misc]  # Betty has no annotations
    """One level of the bilevel problem: its loss, and the batches that it is handed."""

    def __init__(self, name: str, config: Config, module: nn.Module, optimizer: Any, loss: Any):
        super().__init__(name, config, module, optimizer)
        self.loss = loss
        self.batches: Iterator[Any] = iter(())
        self.last_loss: Tensor | None = None
        self.last_grads: list[Tensor] = []

    def training_step(self, batch: Any) -> Tensor:
        loss: Tensor = self.loss(batch)
        self.last_loss = loss.detach()
        return loss

    def get_batch(self) -> Any:
        return next(self.batches)

    def grad_callback(self) -> None:
        self.last_grads = [
            torch.zeros_like(p) if p.grad is None else p.grad for p in self.module.parameters()
        ]


@dataclass(frozen=True)
class BettyLearner(BilevelLearner):
    """A learner whose every step is taken by Betty."""

    peer: ClassVar[str | None] = "betty-ml"

    @abstractmethod
    def config(self) -> dict[str, Any]:
        """Return what Betty's Config says of the hypergradient."""

    def advance(self, state: BilevelState, batch: BilevelBatch) -> tuple[Trained, Gradient]:
        base, meta = self._run(state, batch)
        assert meta.last_loss is not None  # the meta level has taken its step
        grads = dict(zip(state.meta.params, meta.last_grads, strict=True))
        last = dict(zip(state.base.params, base.last_grads, strict=True))
        trained = Trained(_unloaded(base, state.base), _buffers(base.module), last)
        return trained, Gradient(meta.last_loss, grads)

    def step(self, state: BilevelState, batch: BilevelBatch) -> tuple[BilevelState, Tensor]:
        base, meta = self._run(state, batch)
        assert meta.last_loss is not None  # the meta level has taken its step
        moved = _unloaded(meta, state.meta)
        assert isinstance(moved, AdamState)
        stepped = BilevelState(_unloaded(base, state.base), moved, _buffers(base.module))
        return stepped, meta.last_loss

    def adapt(self, state: BilevelState, batch: BilevelBatch) -> Params:
        base, _, _ = self._loaded(state)
        for base_batch in batch.base:
            base.one_step_descent(base_batch)
        return {**_unloaded(base, state.base).params, **_buffers(base.module)}

    def fast_paths(self) -> dict[str, str]:
        return {"betty": betty_version, "loss.item": "every-loss"}

    def _run(self, state: BilevelState, batch: BilevelBatch) -> tuple[_Level, _Level]:
        base, meta, engine = self._loaded(state)
        base.batches, meta.batches = iter(batch.base), iter([batch.meta])
        for _ in batch.base:
            engine.train_step()
        return base, meta

    def _loaded(self, state: BilevelState) -> tuple[_Level, _Level, Engine]:
        """Copy the state into Betty's modules and optimizers, which write to their own in place."""
        base, meta, engine = self._betty
        for level, part in ((base, state.base), (meta, state.meta)):
            level._count = 0  # so that the meta level's turn comes with the last base batch
            _load(level, part)
        for name, buffer in base.module.named_buffers():
            buffer.data = state.buffers[name].clone()
        return base, meta, engine

    @cached_property
    def _betty(self) -> tuple[_Level, _Level, Engine]:
        workload = self.workload
        if workload.place.device not in ("cpu", "cuda"):
            raise UsageError(
                f"{self.name}: Betty runs on device=cpu or device=cuda, not on "
                f"{workload.place.device!r}. Choose another GPU by CUDA_VISIBLE_DEVICES."
            )
        modules = _module(workload.base_network, self), _module(workload.meta_network, self)
        base_params: Params = dict(modules[0].named_parameters())
        meta_params: Params = dict(modules[1].named_parameters())
        buffers = dict(modules[0].named_buffers())

        def base_loss(batch: Any) -> Tensor:
            return workload.base_loss({**base_params, **buffers}, meta_params, batch)

        def meta_loss(batch: Any) -> Tensor:
            return workload.meta_loss({**base_params, **buffers}, meta_params, batch)

        kind = {"sgd": torch.optim.SGD, "adam": torch.optim.Adam}[workload.base_optimizer]
        base = _Level(
            "base_level",
            Config(unroll_steps=workload.unroll, **self.config()),
            modules[0],
            kind(base_params.values(), lr=workload.base_lr),
            base_loss,
        )
        meta = _Level(
            "meta_level",
            Config(retain_graph=True),  # or a direct gradient would free what the response needs
            modules[1],
            torch.optim.Adam(meta_params.values(), lr=workload.meta_lr),
            meta_loss,
        )
        where = "cpu" if workload.place.device == "cpu" else "gpu"
        with _silent():
            engine = Engine(
                problems=[base, meta],
                config=EngineConfig(strategy=where),
                dependencies={"u2l": {meta: [base]}, "l2u": {base: [meta]}},
            )
        engine.train()
        return base, meta, engine


@baseline("betty_cg")
@dataclass(frozen=True)
class BettyCg(BettyLearner):
    """Betty's conjugate gradients, which are such for one iteration only."""

    iterations: int = 1

    equivalence: ClassVar[Equivalence] = Approximate("baselines.bilevel_definitions:betty_cg")

    def config(self) -> dict[str, Any]:
        return {"type": "cg", "cg_iterations": self.iterations}


@baseline("betty_neumann")
@dataclass(frozen=True)
class BettyNeumann(BettyLearner):
    """Betty's Neumann-series hypergradient."""

    iterations: int = 1
    alpha: float = 1.0

    equivalence: ClassVar[Equivalence] = InTheLimit("iterations", (1, 4, 8, 16), factor=0.65)

    def config(self) -> dict[str, Any]:
        return {
            "type": "neumann",
            "neumann_iterations": self.iterations,
            "neumann_alpha": self.alpha,
        }


@baseline("betty_darts")
@dataclass(frozen=True)
class BettyDarts(BettyLearner):
    """Betty's T1-T2: the identity for the inverse Hessian, by a central difference."""

    radius: float = 0.01
    multitask: bool = False
    """Leave the base model where the difference ended, a move of length R down the clean loss."""

    equivalence: ClassVar[Equivalence] = Approximate("baselines.bilevel_definitions:darts")

    def config(self) -> dict[str, Any]:
        return {
            "type": "darts",
            "darts_alpha": self.radius,
            "darts_multitask": self.multitask,
        }


@baseline("betty_sama")
@dataclass(frozen=True)
class BettySama(BettyLearner):
    """Betty's SAMA, by the authors of the method."""

    radius: float = 1.0
    multitask: bool = False

    equivalence: ClassVar[Equivalence] = Approximate("baselines.bilevel_definitions:sama")

    def config(self) -> dict[str, Any]:
        return {
            "type": "sama",
            "sama_adam_alpha": self.radius,
            "sama_multitask": self.multitask,
        }


def _module(make: Any, learner: BettyLearner) -> nn.Module:
    """Return a module with memory for weights but nothing in it yet."""
    place = learner.workload.place
    with torch.device("meta"):
        module: nn.Module = make()
    return module.to(place.torch_dtype).to_empty(device=place.device).train()


def _load(level: _Level, state: AdamState | SgdState) -> None:
    level.optimizer.state.clear()
    for name, p in level.module.named_parameters():
        p.data, p.grad = state.params[name].clone(), None
        if isinstance(state, AdamState):
            level.optimizer.state[p] = {
                "step": state.steps[name].clone(),
                "exp_avg": state.first[name].clone(),
                "exp_avg_sq": state.second[name].clone(),
            }


def _unloaded(level: _Level, like: AdamState | SgdState) -> AdamState | SgdState:
    """Return Betty's own tensors: the next loading replaces them and writes to others."""
    named = dict(level.module.named_parameters())
    params = {name: p.data for name, p in named.items()}
    if isinstance(like, SgdState):
        return SgdState(params)
    parts = {name: level.optimizer.state[p] for name, p in named.items()}
    return AdamState(
        params,
        *({n: part[key] for n, part in parts.items()} for key in ("exp_avg", "exp_avg_sq", "step")),
    )


def _buffers(module: nn.Module) -> Params:
    return {name: buffer.data for name, buffer in module.named_buffers()}


@contextmanager
def _silent() -> Iterator[None]:
    """Betty tells standard output what it is setting up."""
    log = logging.getLogger("betty")
    before, log.disabled = log.disabled, True
    try:
        yield
    finally:
        log.disabled = before

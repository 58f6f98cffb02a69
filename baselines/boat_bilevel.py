"""boat-torch's hypergradients, used as its users use them: one `run_iter` a meta-step.

Its losses are found by import path and are handed a dict, the meta and the base model. RAD
differentiates through the base steps, which higher takes; NS and CG take one more base step at
their end as a map from theta to itself, I - base_lr H: NS sums its powers, so base_lr is its alpha,
and CG solves with it.

What bites:

- the base optimizer's state is copied in and never comes out, so momentum and Adam would begin
  anew with every meta-step. Plain gradient descent has no state, and the others are refused;
- CG stops below a tolerance and then returns the iterate before its last. With the one of its
  examples, 1e-10, it is not conjugate gradients any more. Here there is none, and a system that is
  solved to the bit before the last iteration ends in NaN, 0 by 0;
- a NaN in a gradient becomes zeros without a word, and gradients add up from call to call;
- every call works out both losses once more, reads three back to the host, and writes all that it
  ever logged to a file. Here the log is emptied before each call and goes nowhere, so that a step's
  time doesn't depend on how many were before it: its users pay more.
"""

from __future__ import annotations

import os
from dataclasses import dataclass
from functools import cached_property
from importlib.metadata import version
from typing import Any, ClassVar

from torch import Tensor, nn

from baselines.bilevel import BilevelLearner, BilevelState, Trained, copies
from baselines.bilevel_modules import base_optimizer, empty_module
from baselines.peer import importing
from harness.declare.equivalence import Equivalence, InTheLimit
from harness.declare.learner import Gradient, Params
from harness.declare.outer import SgdState
from harness.errors import UsageError
from harness.registry import baseline
from suites.bilevel import BilevelBatch

with importing("boat-torch"):
    from boat_torch import Problem


@dataclass(frozen=True)
class BoatLearner(BilevelLearner):
    """A learner whose base steps and hypergradient are boat's; the meta update is as for all."""

    peer: ClassVar[str | None] = "boat-torch"
    operation: ClassVar[str]
    """What boat calls the way to the hypergradient."""

    def __post_init__(self) -> None:
        workload = self.workload
        if workload.base_optimizer != "sgd" or workload.base_momentum:
            raise UsageError(
                f"{self.name} runs with base_optimizer = 'sgd' and base_momentum = 0 alone, and "
                f"the workload has {workload.base_optimizer!r} and {workload.base_momentum}: boat "
                "keeps nothing of the base optimizer from one meta-step to the next."
            )

    @classmethod
    def workload_needed(cls, settings: Any) -> dict[str, Any]:
        return {"base_optimizer": "sgd"}

    def advance(self, state: BilevelState, batch: BilevelBatch) -> tuple[Trained, Gradient]:
        boat, base, meta = self._boat
        _load(base, state.base.params)
        _load(meta, state.meta.params)
        boat.loss_history.clear()
        seen = _MetaStep(self, batch, copies(state.buffers))
        grads, _ = boat.run_iter({"meta_step": seen}, {"meta_step": seen}, current_iter=0)
        loss = next(iter(state.meta.params.values())).new_tensor(boat.loss_history[0]["ul_loss"])
        return Trained(SgdState(_values(base)), seen.buffers), Gradient(
            loss, dict(zip(state.meta.params, grads, strict=True))
        )

    def solver(self) -> dict[str, float]:
        """Return boat's settings of the linear system, of which it reads both whatever it does."""
        return {"tolerance": 0.0, "k": 1}

    def fast_paths(self) -> dict[str, str]:
        return {"boat": version("boat-torch"), "loss.item": "three-a-step", "log": "emptied"}

    @cached_property
    def _boat(self) -> tuple[Problem, nn.Module, nn.Module]:
        workload = self.workload
        base = empty_module(workload.base_network, workload)
        meta = empty_module(workload.meta_network, workload)
        descent = base_optimizer(workload, dict(base.named_parameters()))
        config = {
            "fo_op": None,
            "gm_op": ["NGD"],
            "na_op": [self.operation],
            "lower_level_model": base,
            "upper_level_model": meta,
            "lower_level_var": list(base.parameters()),
            "upper_level_var": list(meta.parameters()),
            "lower_level_opt": descent,
            "upper_level_opt": None,  # it hands back the gradient in place of a step
            "return_grad": True,
            "accumulate_grad": False,
            "copy_last_param": True,
            "lower_iters": workload.unroll,
            "GDA": {"alpha_init": 0.0, "alpha_decay": 0.0},
            "RGT": {"truncate_iter": 0},
            "CG": self.solver(),
            "device": workload.place.device,
            "loss_log_path": os.devnull,
        }
        losses = {
            f"{level}_level_loss": {"function": f"{__name__}.{level}_loss"}
            for level in ("lower", "upper")
        }
        return Problem(config, losses).build_ll_solver().build_ul_solver(), base, meta


@baseline("boat_rad")
@dataclass(frozen=True)
class BoatRad(BoatLearner):
    """boat's reverse mode through all base steps."""

    operation: ClassVar[str] = "RAD"
    equivalence: ClassVar[Equivalence] = InTheLimit("workload.unroll", (5, 10, 20, 30), factor=0.7)


@baseline("boat_ns")
@dataclass(frozen=True)
class BoatNs(BoatLearner):
    """boat's Neumann series, with base_lr for its alpha."""

    iterations: int = 1

    operation: ClassVar[str] = "NS"
    equivalence: ClassVar[Equivalence] = InTheLimit("iterations", (1, 4, 8, 16), factor=0.65)

    def solver(self) -> dict[str, float]:
        return {"tolerance": 0.0, "k": self.iterations}


@baseline("boat_cg")
@dataclass(frozen=True)
class BoatCg(BoatLearner):
    """boat's conjugate gradients."""

    iterations: int = 1
    tolerance: float = 0.0
    """Where it stops, one iterate too early; boat's examples have 1e-10."""

    operation: ClassVar[str] = "CG"
    equivalence: ClassVar[Equivalence] = InTheLimit("iterations", (1, 2, 4, 6), factor=0.5)

    def solver(self) -> dict[str, float]:
        return {"tolerance": self.tolerance, "k": self.iterations}


def lower_loss(
    fed: dict[str, _MetaStep], meta: nn.Module, base: nn.Module, params: Any = None
) -> Tensor:
    return fed["meta_step"].base_loss(_named(base, params), dict(meta.named_parameters()))


def upper_loss(
    fed: dict[str, _MetaStep], meta: nn.Module, base: nn.Module, params: Any = None
) -> Tensor:
    return fed["meta_step"].meta_loss(_named(base, params), dict(meta.named_parameters()))


@dataclass
class _MetaStep:
    """What the losses of one meta-step work on.

    The first calls of the base loss are base steps, each with its batch. Whatever comes later looks
    at the last one again, and leaves running statistics where training left them.
    """

    learner: BoatLearner
    batch: BilevelBatch
    buffers: Params
    taken: int = 0

    def base_loss(self, params: Params, meta: Params) -> Tensor:
        step, self.taken = self.taken, self.taken + 1
        if step < len(self.batch.base):
            return self.learner.base_loss(params, self.buffers, meta, self.batch, step)
        last, buffers = len(self.batch.base) - 1, copies(self.buffers)
        return self.learner.base_loss(params, buffers, meta, self.batch, last)

    def meta_loss(self, params: Params, meta: Params) -> Tensor:
        return self.learner.meta_loss(params, copies(self.buffers), meta, self.batch)


def _named(network: nn.Module, params: Any) -> Params:
    """Return the parameters in use by name: those given, or the network's own."""
    names = [name for name, _ in network.named_parameters()]
    return dict(zip(names, network.parameters() if params is None else params, strict=True))


def _load(network: nn.Module, params: Params) -> None:
    """Point the network at the state's tensors: nothing is copied, and no step writes there."""
    for name, p in network.named_parameters():
        p.data, p.grad = params[name], None


def _values(network: nn.Module) -> Params:
    return {name: p.data for name, p in network.named_parameters()}

"""Betty 0.2.1's hypergradients, used as its users use them: two Problems under one Engine.

An adapter loads the state into Betty's modules and optimizers, hands it the batches, and lets it
take its own step: base steps, hypergradient, meta update. Betty reads every loss back to the host
(`loss.item()`), and so do darts and sama with a norm: on a GPU each of these waits for the device.

What differs from our own: cg builds each new direction from the residual before last (their issue
15, mended after this release), so it is conjugate gradients for one iteration only, and more do not
converge; it is run at cg_alpha 1, the only value at which its step and its residual agree. darts
and sama move theta to and fro in place and leave it a rounding away from where it was. sama knows
no other default radius for gradient descent than Adam's, 1, and takes the last gradient as it was
before weight decay was added to it; in Adam's very first step its direction is made of rounding.
Layers such as dropout draw anew in every pass, the two probes of darts and sama included.

What does not differ: the probes run the base loss as a whole once more, so a meta model that is fed
losses or outputs of the base model is fed those of the moved one. methods.sama has the term that
this adds.
"""

from __future__ import annotations

from abc import abstractmethod
from dataclasses import dataclass
from functools import cached_property
from typing import Any, ClassVar

from torch import Tensor

from baselines.betty_levels import Levels, betty_version
from baselines.bilevel import BilevelLearner, BilevelState, Trained
from harness.declare.equivalence import Approximate, Equivalence, InTheLimit
from harness.declare.learner import Gradient, Params
from harness.declare.outer import AdamState
from harness.registry import baseline
from suites.bilevel import BilevelBatch


@dataclass(frozen=True)
class BettyLearner(BilevelLearner):
    """A learner whose every step is taken by Betty."""

    peer: ClassVar[str | None] = "betty-ml"

    @abstractmethod
    def config(self) -> dict[str, Any]:
        """Return what Betty's Config says of the hypergradient."""

    def advance(self, state: BilevelState, batch: BilevelBatch) -> tuple[Trained, Gradient]:
        levels = self._levels
        loss = levels.run(state, batch)
        trained = Trained(levels.base.state(), levels.buffers())
        return trained, Gradient(loss, levels.meta.last_grads)

    def step(self, state: BilevelState, batch: BilevelBatch) -> tuple[BilevelState, Tensor]:
        levels = self._levels
        loss = levels.run(state, batch)
        meta = levels.meta.state()
        assert isinstance(meta, AdamState)
        return BilevelState(levels.base.state(), meta, levels.buffers()), loss

    def adapt(self, state: BilevelState, batch: BilevelBatch) -> Params:
        levels = self._levels
        levels.train(state, batch)
        return {**levels.base.params(), **levels.buffers()}

    def fast_paths(self) -> dict[str, str]:
        return {"betty": betty_version, "loss.item": "every-loss"}

    @cached_property
    def _levels(self) -> Levels:
        return Levels(self.workload, self.config())


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

    equivalence: ClassVar[Equivalence] = Approximate("baselines.bilevel_definitions:betty_sama")

    def config(self) -> dict[str, Any]:
        return {
            "type": "sama",
            "sama_adam_alpha": self.radius,
            "sama_multitask": self.multitask,
        }

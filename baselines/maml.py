"""What every implementation of MAML shares: state, the outer step, and evaluation.

An implementation says how it adapts and how it forms the meta-gradient; all else is here, so that
a pair differs in nothing else.
"""

from __future__ import annotations

from abc import abstractmethod
from dataclasses import dataclass
from typing import ClassVar

import torch
from torch import Tensor

from baselines.inner_learner import of_family
from harness.declare.learner import Learner, Params
from harness.declare.outer import AdamState
from suites.fewshot import FewShot, Tasks


@dataclass(frozen=True)
class MamlLearner(Learner):
    """A learner of the few-shot family; its state is the meta-parameters under Adam."""

    workload: FewShot

    family: ClassVar[str] = "maml"

    def init(self, seed: int) -> AdamState:
        return AdamState.start(self.workload.initial(seed))

    def step(self, state: AdamState, batch: Tasks) -> tuple[AdamState, Tensor]:
        loss, grads = self.meta_gradient(state, batch)
        return state.update(grads, self.workload.outer_rate(state.taken)), loss

    @abstractmethod
    def adapt(self, state: AdamState, batch: Tasks) -> list[Params]:
        """Return the adapted parameters of every task."""

    def outputs(self, adapted: Params, x: Tensor) -> Tensor:
        """Return what a task's examples are answered with, by what it was adapted to."""
        return self.workload.outputs(adapted, x)

    def evaluate(self, state: AdamState, batch: Tasks) -> Tensor:
        return self.judged(self.adapt(state, batch), batch)

    @torch.no_grad()
    def judged(self, adapted: list[Params], batch: Tasks) -> Tensor:
        """Return the quality on every task of the parameters that were adapted to it."""
        return torch.stack(
            [
                self.workload.quality(self.outputs(params, task.query_x), task.query_y)
                for params, task in zip(adapted, batch, strict=True)
            ]
        )


def maml_named(name: str) -> type[MamlLearner]:
    """Return an implementation of MAML by its name, for learners that are made of one."""
    found: type[MamlLearner] = of_family(
        name, MamlLearner.family, "learn2learn_maml or batched_maml"
    )
    return found

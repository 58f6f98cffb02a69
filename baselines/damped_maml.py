"""MAML that adapts held-out tasks at a part of its inner rate: the control of a method that does.

Training is MAML's to the last bit. In every inner step of a held-out task i, with S_i its support
loss and alpha the inner rate:

    theta_i = theta_i - at_test * alpha * dS_i/dtheta (theta_i)

A method that damps a task's own gradient adapts at a smaller rate than it is said to; what it gains
by that alone, this shows.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any, ClassVar

from baselines.maml import MamlLearner, maml_named
from baselines.reference_maml import ReferenceMaml
from harness.declare.equivalence import Approximate, Equivalence
from harness.declare.learner import Gradient, Params
from harness.declare.outer import AdamState
from harness.registry import baseline
from suites.fewshot import FewShot, Tasks


@baseline("damped_maml")
@dataclass(frozen=True)
class DampedMaml(MamlLearner):
    """MAML whose held-out tasks are adapted at a part of the inner rate."""

    at_test: float = 0.5
    """The part of the inner rate that held-out tasks are adapted at."""
    inner: str = "reference_maml"
    """The implementation of MAML that it is made of."""

    # Its gradient is MAML's, yet it is not Exact: its learning curve is not MAML's.
    equivalence: ClassVar[Equivalence] = Approximate("gradient", adaptation="adaptations")
    corners: ClassVar[tuple[dict[str, Any], ...]] = ({"at_test": 1.0},)

    def __post_init__(self) -> None:
        if not 0 < self.at_test <= 1:
            raise ValueError(f"at_test = {self.at_test} must be above 0, and at most 1")
        _ = self._trained  # what is missing or misnamed is told before any work

    def meta_gradient(self, state: AdamState, batch: Tasks) -> Gradient:
        return self._trained.meta_gradient(state, batch)

    def adapt(self, state: AdamState, batch: Tasks) -> list[Params]:
        return self._tested.adapt(state, batch)

    @cached_property
    def _trained(self) -> MamlLearner:
        return maml_named(self.inner)(self.workload)

    @cached_property
    def _tested(self) -> MamlLearner:
        return maml_named(self.inner)(damped(self))


def damped(learner: DampedMaml) -> FewShot:
    """Return the workload with the rate that held-out tasks are adapted at."""
    workload = learner.workload
    return replace(workload, inner_lr=learner.at_test * workload.inner_lr)


def gradient(learner: DampedMaml, state: AdamState, batch: Tasks) -> Gradient:
    """What it is trained by: the reference's gradient."""
    return ReferenceMaml(learner.workload).meta_gradient(state, batch)


def adaptations(learner: DampedMaml, state: AdamState, batch: Tasks) -> list[Params]:
    """What `adapt` must return: the reference's, at the smaller rate."""
    return ReferenceMaml(damped(learner)).adapt(state, batch)

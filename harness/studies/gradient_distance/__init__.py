"""Gradient distance: how far a learner's meta-gradient is from the exact one of its family.

Both members are put to many draws of the pair's own workload, in float64, beside the family's
oracle. A gradient check holds a learner to what it claims to compute; this says how far that is
from the gradient that is meant.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

from harness.declare.passes import Pass, Seen
from harness.declare.study import Study
from harness.registry import study


@dataclass(frozen=True)
class Settings:
    """What a suite may set in [study.gradient_distance]."""

    draws: int = 10
    """Seeds of weights and tasks at which the gradients are compared."""

    def __post_init__(self) -> None:
        if self.draws < 1:
            raise ValueError(f"draws = {self.draws} must be at least 1")


@dataclass(frozen=True)
class Distances(Seen):
    """Every draw's cosine to the exact gradient and its error relative to it."""

    cosines: tuple[float | None, ...] = ()  # None where either of the two has no direction
    errors: tuple[float, ...] = ()

    def flaw(self) -> str | None:
        if not self.errors or len(self.errors) != len(self.cosines):
            return "its record does not hold a cosine and an error of every draw"
        if not all(math.isfinite(value) for value in (*self.directed, *self.errors)):
            return "its record holds a cosine or an error that is no number"
        return None

    @property
    def directed(self) -> tuple[float, ...]:
        """The cosines that there are."""
        return tuple(cosine for cosine in self.cosines if cosine is not None)


DISTANCE = Pass(
    "distance",
    Distances,
    "once",
    "harness.studies.gradient_distance.measure:measure",
    shared=False,
    dtype="float64",
    words="gradient distance",
)


@study("gradient_distance")
class GradientDistance(Study):
    """How far meta-gradients are from the exact ones."""

    settings = Settings
    passes = (DISTANCE,)
    run_judge = "harness.studies.gradient_distance.judge:find"
    shown_by = "harness.studies.gradient_distance.show:parts"
    told_by = "harness.studies.gradient_distance.show:said"

"""Sinusoids of which somebody published how well MAML does; a plugin of the tests."""

from __future__ import annotations

from dataclasses import dataclass

from harness.declare.convergence import ConvergencePoint
from harness.registry import workload
from suites.sinusoid import Sinusoid


@workload("published_sinusoid")
@dataclass(frozen=True)
class PublishedSinusoid(Sinusoid):
    """Sinusoids, and the error that a sound MAML has after forty meta-steps at rate 0.01."""

    meta_batch: int = 8
    outer_lr: float = 0.01

    @property
    def converges(self) -> ConvergencePoint:
        return ConvergencePoint("the tests", 3.3, 40, "measured once", half_width=0.2)

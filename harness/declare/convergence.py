"""A convergence point: what a baseline reaches on its own benchmark, as published."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class ConvergencePoint:
    """So much quality on test tasks after so many meta-steps, and who says so."""

    name: str
    quality: float
    steps: int
    source: str
    half_width: float | None = None
    """Of the published 95 % interval, where there is one."""
    learners: tuple[str, ...] = ()
    """Whom it was published of; of every learner where none is named."""

    def __post_init__(self) -> None:
        if self.steps < 1:
            raise ValueError(f"steps = {self.steps} must be at least 1")

    def concerns(self, learner: str) -> bool:
        return not self.learners or learner in self.learners

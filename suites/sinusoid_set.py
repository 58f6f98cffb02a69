"""Sinusoids of a fixed set, which training meets again and again at new points."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from harness.registry import workload
from harness.seeds import derive
from suites.fewshot import Tasks
from suites.sinusoid import Sinusoid


@workload("sinusoid_set")
@dataclass(frozen=True)
class SinusoidSet(Sinusoid):
    """A fixed set of sinusoids, met in turn at new points; held-out tasks are of the set too."""

    meta_batch: int = 5
    task_set: int = 25

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.task_set < 1:
            raise ValueError(f"task_set = {self.task_set} must be at least 1")

    def tasks(self, seed: int, split: str, start: int, count: int) -> Tasks:
        points = self.shots + self.queries
        x, y = np.empty((count, points, 1)), np.empty((count, points, 1))
        for row, index in enumerate(range(start, start + count)):
            one = np.random.default_rng(derive(seed, "sinusoid", index % self.task_set))
            amplitude, phase = one.uniform(0.1, 5.0), one.uniform(0.0, np.pi)
            where = np.random.default_rng(derive(seed, "points", split, index))
            x[row] = where.uniform(-5.0, 5.0, (points, 1))
            y[row] = amplitude * np.sin(x[row] - phase)
        return self.parted(x, y)

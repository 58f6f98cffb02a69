"""Sinusoid regression: the smallest few-shot workload."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from harness.declare.workload import Metric
from harness.registry import workload
from harness.seeds import derive
from suites.fewshot import FewShot, Tasks
from suites.models import MLP


@workload("sinusoid")
@dataclass(frozen=True)
class Sinusoid(FewShot):
    """Sinusoid regression, 10 shots, a 1-40-40-1 network, one inner step, squared error."""

    meta_batch: int = 25
    inner_lr: float = 0.01
    outer_lr: float = 1e-3
    shots: int = 10
    queries: int = 10
    hidden: tuple[int, ...] = (40, 40)

    metric: ClassVar[Metric] = Metric("squared error", higher_is_better=False)

    @property
    def data(self) -> str:
        return "sinusoids (generated)"

    @property
    def example_shape(self) -> tuple[int, ...]:
        return (1,)

    def network(self) -> nn.Module:
        return MLP(1, self.hidden, 1)

    def tasks(self, seed: int, split: str, start: int, count: int) -> Tasks:
        points = self.shots + self.queries
        x = np.empty((count, points, 1))
        y = np.empty((count, points, 1))
        for row, index in enumerate(range(start, start + count)):
            rng = np.random.default_rng(derive(seed, "task", split, index))
            amplitude, phase = rng.uniform(0.1, 5.0), rng.uniform(0.0, np.pi)
            x[row] = rng.uniform(-5.0, 5.0, (points, 1))
            y[row] = amplitude * np.sin(x[row] - phase)
        return self.parted(x, y)

    def parted(self, x: NDArray[np.float64], y: NDArray[np.float64]) -> Tasks:
        """Return tasks of these points, of which the first ones are support."""
        xs, ys = (torch.from_numpy(a).to(self.place.device, self.place.torch_dtype) for a in (x, y))
        k = self.shots
        return Tasks(xs[:, :k], ys[:, :k], xs[:, k:], ys[:, k:])

    def loss(self, outputs: Tensor, y: Tensor) -> Tensor:
        return nn.functional.mse_loss(outputs, y)

    def quality(self, outputs: Tensor, y: Tensor) -> Tensor:
        return nn.functional.mse_loss(outputs, y)

"""Random quadratics: the first experiment of Andrychowicz et al. 2016."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Literal

import numpy as np
import torch
from torch import Tensor

from harness.declare.convergence import ConvergencePoint
from harness.declare.settings import read_toml
from harness.registry import workload
from harness.seeds import derive
from suites.learned_optimization import LearnedOptimization
from suites.lstm import Preprocessing
from suites.optimizees import Data, Quadratic

PATH = Path(__file__).parent / "published" / "quadratics.toml"


@dataclass(frozen=True)
class Reproduction:
    """What others reached with the defaults and this rate."""

    outer_lr: float
    reached: ConvergencePoint


@cache
def reproduction() -> Reproduction:
    return read_toml(Reproduction, PATH)


@workload("quadratics")
@dataclass(frozen=True)
class Quadratics(LearnedOptimization):
    """Quadratics |W theta - y|^2 in 10 dimensions, judged by the loss summed over 100 steps.

    The defaults are those of the paper's reproductions in PyTorch. DeepMind's code has
    functions=128 coefficients=uniform start_std=0.01 loss_after_last=true. Both feed gradients in
    raw here, although the paper's appendix describes the logarithm.
    """

    preprocessing: Preprocessing = "raw"
    dimensions: int = 10
    coefficients: Literal["gaussian", "uniform"] = "gaussian"
    start_std: float = 0.0

    @property
    def data(self) -> str:
        return "quadratics (generated)"

    @property
    def converges(self) -> ConvergencePoint | None:
        known = reproduction()
        same = self == Quadratics(self.place, outer_lr=known.outer_lr)
        return known.reached if same else None

    def optimizee(self, split: str) -> Quadratic:
        return Quadratic(self.dimensions)

    def drawn(
        self, seed: int, split: str, functions: range, evaluations: range
    ) -> tuple[Tensor, Data]:
        d = self.dimensions
        w, y = np.empty((len(functions), d, d)), np.empty((len(functions), d))
        theta = np.empty((len(functions), d))
        for row, index in enumerate(functions):
            rng = np.random.default_rng(derive(seed, "function", split, index))
            draw = rng.standard_normal if self.coefficients == "gaussian" else rng.random
            w[row], y[row] = draw((d, d)), draw(d)
            theta[row] = self.start_std * rng.standard_normal(d)

        def placed(array: np.ndarray[tuple[int, ...], np.dtype[np.float64]]) -> Tensor:
            return torch.from_numpy(array).to(self.place.device, self.place.torch_dtype)

        often = len(evaluations)  # a view: the same W and y serve every evaluation
        return placed(theta), {
            "w": placed(w).unsqueeze(1).expand(-1, often, -1, -1),
            "y": placed(y).unsqueeze(1).expand(-1, often, -1),
        }

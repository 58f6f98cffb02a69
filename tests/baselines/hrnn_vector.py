"""A small case with known outcomes: those of the published TensorFlow code, in float64.

Two tensors, meta-parameters by a formula, two unrolls of four steps and no meta-update between. The
published code, run on it in float32, agrees with these figures to 2e-6.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from harness.declare.workload import Place
from suites.hrnn import META_PARAMETERS, Fresh
from suites.objectives import Data, Objective, Shape, Tensors
from suites.optimizee_entries import Entry
from suites.optimizer_training import MetaBatch, OptimizerTraining, Task

PLACE = Place(dtype="float64")
STEPS = 4


@dataclass(frozen=True)
class Coupled(Objective):
    """sum(i a_i^2) / 2 + sum((B - 1)^2) / 2 + (sum a * sum B)^2 / 20."""

    @property
    def shapes(self) -> tuple[Shape, ...]:
        return ((3,), (2, 2))

    def value(self, tensors: Tensors, data: Data) -> Tensor:
        a, b = tensors
        weights = torch.arange(1, 4, dtype=a.dtype)
        own = (weights * a**2).sum(-1) / 2 + ((b - 1) ** 2).sum((-1, -2)) / 2
        return own + (a.sum(-1) * b.sum((-1, -2))) ** 2 / 20


@dataclass(frozen=True)
class TestVector(OptimizerTraining):
    """The case as a workload, of one task or of several alike."""

    __test__ = False
    meta_batch: int = 1
    steps: int = STEPS

    @property
    def data(self) -> str:
        return "a test vector"

    def entries(self) -> Sequence[Entry]:
        return (Entry("test", Coupled()),)

    def initial(self, seed: int) -> dict[str, Tensor]:
        params = {}
        for number, each in enumerate(META_PARAMETERS, start=1):
            base = 0.0 if each.uniform else 0.25 if each.name == "sc" else each.mean
            elements = torch.arange(math.prod(each.shape), dtype=torch.float64)
            params[each.name] = (base + 0.2 * torch.sin(number + 0.7 * elements)).view(each.shape)
        if self.attention:
            params |= {"wa": params["wu"].clone(), "sca": params["sc"].clone()}
        return params

    def train_batch(self, seed: int, index: int) -> MetaBatch:
        theta = torch.tensor([1, -0.5, 0.25, 0.5, -1, 2, 0], dtype=torch.float64)
        start = Fresh(theta, torch.full((7, 1), math.log(0.3), dtype=torch.float64))
        many = self.meta_batch
        return MetaBatch((Task(Coupled(), {}),) * many, (start,) * many, STEPS, unroll=index)


LOSSES = (
    (4.03203125, 4.03203125, 3.243064554, 2.596213580, 2.105947660),
    (1.786443460, 1.786443460, 1.650244100, 1.706165156, 1.955743451),
)
OBJECTIVES = (-0.2614934022, -0.8209891784)
ENDS = (
    (0.625807944, 0.172482303, -0.119506900, 1.067003398, -0.425707151, 1.686463161, 0.572109484),
    (0.273354402, 0.918878892, -0.443460508, 1.669414663, 0.240592697, 1.428214687, 1.220055129),
)
TOTAL_NORMS = (0.405612136, 0.440131)
FIRST_ORDER_NORMS = (0.404889572, 0.448888)
SLOPES = {
    "off": -0.248339327,
    "bl": -0.253749541,
    "bi0": 5.23981044e-4,
    "bs0": -3.53552971e-5,
    "mu": -5.25339167e-4,
}
NORMS = {
    "h0": 0.0980774336,
    "wu": 0.0554441392,
    "sc": 0.0338073306,
    "G0": 0.0107382877,
    "G1": 6.49818325e-4,
    "G2": 1.87671170e-4,
}
MEAN_OBJECTIVES = (-0.2614924629, -0.8209994709)
ATTENTION_OBJECTIVE, ATTENTION_NORM = -0.2620608, 0.40784
FIRST_MOVE_OF_OFF = 2.608803e-7

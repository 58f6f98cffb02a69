"""Pruning by chance: the control of every score, and the family's oracle."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import torch
from torch import Tensor

from baselines.pruning import PruningLearner
from harness.declare.equivalence import Equivalence, Exact
from harness.registry import baseline
from harness.seeds import derive


@baseline("random_pruning")
@dataclass(frozen=True)
class RandomPruning(PruningLearner):
    """Data pruning, the control: training on a random share of the examples."""

    equivalence: ClassVar[Equivalence] = Exact()

    def scores(self, seed: int) -> Tensor:
        generator = torch.Generator().manual_seed(derive(seed, "random pruning"))
        count = len(self.workload.whole.said(seed))
        return torch.rand(count, generator=generator).to(self.workload.place.device)

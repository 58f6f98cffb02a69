"""Small random few-shot problems, on which every learner of the family is held to the oracle."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar, Literal

import torch
from hypothesis import strategies as st
from torch import nn

from harness.declare.problem import Problem
from harness.declare.workload import Place
from harness.registry import problems
from harness.seeds import derive
from suites.fewshot import Classification, Tasks
from suites.models import MLP, Conv4


@dataclass(frozen=True)
class RandomTasks(Classification):
    """Noise for images, with labels: gradients need no more."""

    architecture: Literal["conv", "mlp"] = "mlp"
    layers: int = 2
    width: int = 4
    side: int = 6
    norm: bool = True
    task_set: int | None = None
    """Of noise, a task that is met again is one as good as any other."""

    @property
    def data(self) -> str:
        return "noise (generated)"

    def network(self) -> nn.Module:
        if self.architecture == "conv":
            return Conv4(self.ways, self.width, self.layers, self.norm)
        return MLP(self.side**2, (self.width,) * self.layers, self.ways)

    def tasks(self, seed: int, split: str, start: int, count: int) -> Tasks:
        generator = torch.Generator().manual_seed(derive(seed, split, start))

        def images(shots: int) -> torch.Tensor:
            shape = (count, self.ways * shots, 1, self.side, self.side)
            noise = torch.randn(shape, generator=generator, dtype=torch.float64)
            return noise.to(self.place.device, self.place.torch_dtype)

        def labels(shots: int) -> torch.Tensor:
            every = torch.arange(self.ways, device=self.place.device).repeat_interleave(shots)
            return every.expand(count, -1).contiguous()

        k, q = self.shots, self.queries
        return Tasks(images(k), labels(k), images(q), labels(q))


@problems("maml")
class MamlProblems:
    """Random architectures, ways, shots, steps, rates, orders and seeds, against plain MAML."""

    oracle: ClassVar[str] = "reference_maml"

    @staticmethod
    @st.composite
    def strategy(draw: st.DrawFn) -> Problem:
        workload = RandomTasks(
            Place(dtype="float64"),
            meta_batch=draw(st.integers(1, 4), label="tasks"),
            inner_steps=draw(st.integers(1, 4), label="inner_steps"),
            inner_lr=draw(st.sampled_from([0.01, 0.1, 0.4, 1.0]), label="inner_lr"),
            first_order=draw(st.booleans(), label="first_order"),
            ways=draw(st.integers(2, 5), label="ways"),
            shots=draw(st.integers(1, 3), label="shots"),
            queries=draw(st.integers(1, 3), label="queries"),
            architecture=draw(st.sampled_from(["conv", "mlp"]), label="architecture"),
            layers=draw(st.integers(1, 3), label="layers"),
            width=draw(st.integers(2, 6), label="width"),
            side=draw(st.integers(4, 9), label="side"),
            norm=draw(st.booleans(), label="norm"),
        )
        return Problem(workload, seed=draw(st.integers(0, 10_000), label="seed"))

"""Small random functions, on which every RNN optimizer is held to its family's oracle."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar, Literal

import torch
from hypothesis import strategies as st
from torch import Tensor

from harness.declare.problem import Problem
from harness.declare.workload import Place
from harness.registry import problems
from harness.seeds import derive
from suites.learned_optimization import LearnedOptimization, Position
from suites.lstm import States
from suites.optimizees import Activation, Data, Network, Optimizee, Quadratic

TABLE = 20  # examples that networks pick theirs from


@dataclass(frozen=True)
class RandomFunctions(LearnedOptimization):
    """Quadratics that change from step to step, or networks on noise, met in the middle of a run.

    The first window starts with random states of the LSTM, as any later window would, so that one
    window shows what an implementation does with the states that are carried into it.
    """

    kind: Literal["quadratic", "network"] = "quadratic"
    size: int = 3
    """Dimensions of a quadratic; inputs and units of a network."""
    activation: Activation = "sigmoid"

    @property
    def data(self) -> str:
        return "noise (generated)"

    def optimizee(self, split: str) -> Optimizee:
        if self.kind == "quadratic":
            return Quadratic(self.size)
        generator = torch.Generator().manual_seed(derive(self.size, "table"))
        examples = self._noise(generator, TABLE, self.size)
        labels = torch.arange(TABLE, device=self.place.device) % 2
        return Network(examples, labels, (self.size, self.size, 2), self.activation)

    def drawn(
        self, seed: int, split: str, functions: range, evaluations: range
    ) -> tuple[Tensor, Data]:
        thetas, data = [], []
        for index in functions:
            generator = torch.Generator().manual_seed(derive(seed, "function", split, index))
            thetas.append(self._noise(generator, self.optimizee(split).size))
            data.append(self._data(generator, list(evaluations)))
        stacked = {name: torch.stack([one[name] for one in data]) for name in data[0]}
        return torch.stack(thetas), stacked

    def started(self, seed: int, split: str, functions: range, theta: Tensor) -> Position:
        generator = torch.Generator().manual_seed(derive(seed, "states", split, functions.start))

        def states(scale: float) -> States:
            shape = (*theta.shape, self.lstm_units)
            return tuple(scale * self._noise(generator, *shape) for _ in range(self.lstm_layers))

        return Position(theta, states(0.3), states(1.0))

    def _data(self, generator: torch.Generator, evaluations: list[int]) -> Data:
        every = self.steps + 1
        if self.kind == "network":
            rows = torch.randint(TABLE, (every, 4), generator=generator)
            return {"rows": rows[evaluations].to(self.place.device)}
        w = self._noise(generator, every, self.size, self.size)[evaluations]
        return {"w": w, "y": self._noise(generator, every, self.size)[evaluations]}

    def _noise(self, generator: torch.Generator, *shape: int) -> Tensor:
        """Draw in float64 whatever the place, so that both precisions see the same problem."""
        drawn = torch.randn(shape, generator=generator, dtype=torch.float64)
        return drawn.to(self.place.device, self.place.torch_dtype)


@problems("rnn")
class RnnProblems:
    """Random functions, LSTMs, windows and seeds, against the plain RNN optimizer."""

    oracle: ClassVar[str] = "rnn_optimizer"

    @staticmethod
    @st.composite
    def strategy(draw: st.DrawFn) -> Problem:
        workload = RandomFunctions(
            Place(dtype="float64"),
            functions=draw(st.integers(1, 4), label="functions"),
            window=draw(st.integers(2, 6), label="window"),
            windows=draw(st.integers(1, 3), label="windows"),
            lstm_layers=draw(st.integers(1, 3), label="lstm_layers"),
            lstm_units=draw(st.integers(1, 6), label="lstm_units"),
            preprocessing=draw(st.sampled_from(["raw", "log"]), label="preprocessing"),
            log_range=draw(st.sampled_from([2.0, 5.0, 10.0]), label="log_range"),
            output_scale=draw(st.sampled_from([0.01, 0.1, 1.0]), label="output_scale"),
            loss_after_last=draw(st.booleans(), label="loss_after_last"),
            kind=draw(st.sampled_from(["quadratic", "network"]), label="kind"),
            size=draw(st.integers(1, 5), label="size"),
            activation=draw(st.sampled_from(["sigmoid", "relu"]), label="activation"),
        )
        return Problem(workload, seed=draw(st.integers(0, 10_000), label="seed"))

"""The RNN-optimizer family: batches of functions, where they stand, and what is learned on them.

A training batch is one window of an episode. Function by function, an episode is `windows` windows
of `window` steps; batch number i is window i % windows of episode i // windows, so it is a pure
function of seed and index. Where the functions stand after a window is carried by the learner's
state, and window 0 starts anew.
"""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import ClassVar

import torch
from torch import Tensor

from harness.declare.learner import Params
from harness.declare.tree import rows
from harness.declare.workload import Metric, Workload
from harness.errors import HarnessError
from harness.seeds import derive
from suites.lstm import CoordinatewiseLstm, Preprocessing, States
from suites.optimizees import Data, Optimizee


@dataclass(frozen=True)
class Position:
    """Where functions stand: their coordinates, and the optimizer's state for each of them.

    Every tensor's first dimension counts functions, unless one was picked; the next counts
    coordinates.
    """

    theta: Tensor
    hidden: States
    cell: States

    def __len__(self) -> int:
        return len(self.theta)

    def one(self, index: int) -> Position:
        return Position(
            self.theta[index],
            tuple(h[index] for h in self.hidden),
            tuple(c[index] for c in self.cell),
        )

    @classmethod
    def stack(cls, positions: list[Position]) -> Position:
        """Put positions of one function each together."""
        return cls(
            torch.stack([p.theta for p in positions]),
            tuple(torch.stack(layer) for layer in zip(*(p.hidden for p in positions), strict=True)),
            tuple(torch.stack(layer) for layer in zip(*(p.cell for p in positions), strict=True)),
        )

    def detached(self) -> Position:
        return Position(
            self.theta.detach(),
            tuple(h.detach() for h in self.hidden),
            tuple(c.detach() for c in self.cell),
        )


@dataclass(frozen=True)
class Functions:
    """A batch of functions over some steps.

    The data's first dimension counts functions, the second evaluations: one before each step, and
    one after the last.
    """

    optimizee: Optimizee
    start: Position
    data: Data
    window: int = 0

    def __len__(self) -> int:
        return len(self.start)

    @property
    def steps(self) -> int:
        return next(iter(self.data.values())).shape[1] - 1

    def some(self, chosen: range) -> Functions:
        """Return some of the functions; what all have in common stays whole."""
        return replace(self, start=rows(self.start, chosen), data=rows(self.data, chosen))

    def of(self, function: int) -> Iterator[Data]:
        """Yield one function's data, evaluation after evaluation."""
        for evaluation in range(self.steps + 1):
            yield {name: values[function, evaluation] for name, values in self.data.items()}

    def at(self, evaluation: int) -> Data:
        """Return all functions' data of one evaluation."""
        return {name: values[:, evaluation] for name, values in self.data.items()}

    def entered_from(self, carried: Position | None) -> Position:
        """Return where the window begins, given where the window before it ended."""
        if self.window == 0:
            return self.start
        if carried is None or len(carried) != len(self):
            held = "nothing" if carried is None else f"{len(carried)} functions"
            raise HarnessError(
                f"window {self.window} of {len(self)} functions goes on from the window before it, "
                f"but the state carries {held}. Step through an episode from its window 0."
            )
        return carried


@dataclass(frozen=True)
class Run:
    """What an optimizer did to functions: their losses before every step and after the last."""

    theta: Tensor
    losses: Tensor

    @property
    def summed(self) -> Tensor:
        """Every function's sum of the losses before each step."""
        return self.losses[:, :-1].sum(1)

    @property
    def final(self) -> Tensor:
        return self.losses[:, -1]


@dataclass(frozen=True)
class LearnedOptimization(Workload):
    """What every workload of the family shares; the defaults are those of the paper."""

    functions: int = 1
    """Functions at a time; DeepMind's code has 128 quadratics in one tensor."""
    window: int = 20
    windows: int = 5
    outer_lr: float = 1e-3
    lstm_layers: int = 2
    lstm_units: int = 20
    preprocessing: Preprocessing = "log"
    log_range: float = 10.0
    """p of the paper's preprocessing; DeepMind's code has 5."""
    output_scale: float = 1.0
    loss_after_last: bool = False
    """Whether the loss after a window's last step counts, as in DeepMind's code."""

    family: ClassVar[str] = "rnn"
    metric: ClassVar[Metric] = Metric("summed loss", higher_is_better=False)

    def __post_init__(self) -> None:
        for name in ("functions", "window", "windows", "lstm_layers", "lstm_units"):
            if getattr(self, name) < 1:
                raise ValueError(f"{name} = {getattr(self, name)}: must be at least 1.")
        if not self.log_range > 0:
            raise ValueError(f"log_range = {self.log_range}: must be above 0.")
        if self.window == 1 and not self.loss_after_last:
            raise ValueError("window = 1: no loss depends on its step; set loss_after_last = true.")

    @abstractmethod
    def optimizee(self, split: str) -> Optimizee:
        """Return what is optimized in a split."""

    @abstractmethod
    def drawn(
        self, seed: int, split: str, functions: range, evaluations: range
    ) -> tuple[Tensor, Data]:
        """Return the starting coordinates of functions, and their data at these evaluations.

        Each function is a pure function of the seed, the split and its own number.
        """

    @property
    def steps(self) -> int:
        return self.window * self.windows

    @property
    def inner_steps(self) -> int:
        """The length of the loop that rounding errors grow along."""
        return self.window

    @property
    def lstm(self) -> CoordinatewiseLstm:
        return CoordinatewiseLstm(
            self.lstm_layers,
            self.lstm_units,
            self.preprocessing,
            self.log_range,
            self.output_scale,
        )

    def initial(self, seed: int) -> Params:
        """Draw in float32 on the CPU whatever the place, so that every place starts alike."""
        drawn = self.lstm.initial(torch.Generator().manual_seed(derive(seed, "weights")))
        return {
            name: value.to(self.place.device, self.place.torch_dtype)
            for name, value in drawn.items()
        }

    def train_batch(self, seed: int, index: int) -> Functions:
        episode, window = divmod(index, self.windows)
        functions = range(episode * self.functions, (episode + 1) * self.functions)
        first = window * self.window
        evaluations = range(first, first + self.window + 1)
        return self._batch(seed, "train", functions, evaluations, window)

    def eval_batch(self, seed: int, split: str, start: int, count: int) -> Functions:
        """Return whole episodes of held-out functions."""
        return self._batch(seed, split, range(start, start + count), range(self.steps + 1), 0)

    def started(self, seed: int, split: str, functions: range, theta: Tensor) -> Position:
        """Return where functions stand before an episode."""
        zeros = self.lstm.zeros(*theta.shape, dtype=theta.dtype, device=str(theta.device))
        return Position(theta, zeros, zeros)

    def _batch(
        self, seed: int, split: str, functions: range, evaluations: range, window: int
    ) -> Functions:
        theta, data = self.drawn(seed, split, functions, evaluations)
        start = self.started(seed, split, functions, theta)
        return Functions(self.optimizee(split), start, data, window)

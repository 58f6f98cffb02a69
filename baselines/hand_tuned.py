"""The hand-made optimizers that a learned one must beat: SGD, Nesterov, RMSprop and Adam.

They are torch's, with torch's settings but for the rate, and momentum 0.9 for Nesterov. They learn
nothing, so they are no learners; what they share with one is the Run that they return.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from math import inf, isnan

from torch import Tensor
from torch.optim import SGD, Adam, Optimizer, RMSprop

from baselines.rnn import run_together
from suites.learned_optimization import Functions, Run

Make = Callable[[list[Tensor], float], Optimizer]
Quality = Callable[[Run], Tensor]

RIVALS: dict[str, Make] = {
    "sgd": lambda tensors, rate: SGD(tensors, rate),
    "nesterov": lambda tensors, rate: SGD(tensors, rate, momentum=0.9, nesterov=True),
    "rmsprop": lambda tensors, rate: RMSprop(tensors, rate),
    "adam": lambda tensors, rate: Adam(tensors, rate),
}
RATES = tuple(10 ** (-4 + k / 8) for k in range(33))
"""The rates of the search: eight to a decade, from 1e-4 to 1."""


@dataclass(frozen=True)
class Tuned:
    """The best rate of a search, and what every rate reached."""

    rate: float
    reached: tuple[float, ...]

    @property
    def at_edge(self) -> bool:
        """Whether the best rate is the first or the last, so that a better one may lie beyond."""
        return self.rate in (RATES[0], RATES[-1])


def run(rival: str, rate: float, functions: Functions) -> Run:
    """Run a rival on functions from their start, over all steps of the batch."""
    own = functions.start.theta.clone()
    optimizer = RIVALS[rival]([own], rate)

    def move(theta: Tensor, gradient: Tensor) -> Tensor:
        own.grad = gradient
        optimizer.step()
        return own.clone()

    return run_together(functions, move)


def tune(rival: str, functions: Functions, qualities: Mapping[str, Quality]) -> dict[str, Tuned]:
    """Find, for each quality, the rate with the least mean of it; divergence is infinite."""
    runs = [run(rival, rate, functions) for rate in RATES]
    return {name: _best(runs, quality) for name, quality in qualities.items()}


def _best(runs: list[Run], quality: Quality) -> Tuned:
    means = [float(quality(one).mean()) for one in runs]
    reached = tuple(inf if isnan(mean) else mean for mean in means)
    return Tuned(RATES[reached.index(min(reached))], reached)

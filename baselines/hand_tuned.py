"""The hand-made optimizers that a learned one must beat: SGD, Nesterov, RMSprop and Adam.

They are torch's, with torch's other settings and momentum 0.9 for Nesterov. All of them treat each
coordinate by itself, so many functions run in one tensor exactly as they would one by one.
They learn nothing, so they are no learners; what they share with one is the Run that they return.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from math import inf, isnan

import torch
from torch import Tensor
from torch.func import vmap
from torch.optim import SGD, Adam, Optimizer, RMSprop

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
    loss_of_each = vmap(functions.optimizee.loss)
    theta = functions.start.theta.detach().clone().requires_grad_()
    optimizer = RIVALS[rival]([theta], rate)
    losses = []
    for evaluation in range(functions.steps):
        loss = loss_of_each(theta, functions.at(evaluation))
        optimizer.zero_grad()
        loss.sum().backward()
        optimizer.step()
        losses.append(loss.detach())
    with torch.no_grad():
        losses.append(loss_of_each(theta, functions.at(functions.steps)))
    return Run(theta.detach(), torch.stack(losses, dim=1))


def tune(rival: str, functions: Functions, quality: Quality) -> Tuned:
    """Find the rate with the least mean quality on the functions; divergence is infinite."""
    means = [float(quality(run(rival, rate, functions)).mean()) for rate in RATES]
    reached = tuple(inf if isnan(mean) else mean for mean in means)
    return Tuned(RATES[reached.index(min(reached))], reached)

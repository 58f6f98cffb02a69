"""The learned optimizer of Andrychowicz et al. 2016: one LSTM, the same for every coordinate.

It is a plain function of its weights and of its state, for any number of coordinates in a row:
those of one function, or of many put end to end.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Literal

import torch
from torch import Tensor

from harness.declare.learner import Params

Preprocessing = Literal["raw", "log"]
States = tuple[Tensor, ...]
"""Of each layer, a row of units for every coordinate."""


@dataclass(frozen=True)
class CoordinatewiseLstm:
    """Stacked LSTM cells and a linear head that turn gradients into steps.

    The gradient enters as it is ("raw"), or as the pair of its logarithm and its sign ("log"):
    (log|g| / p, sign g) where |g| >= e^-p, else (-1, e^p g), p being the log range. The paper has
    p = 10. DeepMind's code clamps both halves instead, with k = 5; that is the same pair of
    functions with p = k, but for an epsilon inside its logarithm.
    """

    layers: int
    units: int
    preprocessing: Preprocessing
    log_range: float
    output_scale: float

    def initial(self, generator: torch.Generator) -> Params:
        """Draw weights as torch.nn does by default: uniform within 1 / sqrt(units)."""
        bound = 1 / math.sqrt(self.units)
        return {
            name: (2 * torch.rand(shape, generator=generator) - 1) * bound
            for name, shape in self._shapes().items()
        }

    def zeros(self, *leading: int, dtype: torch.dtype, device: str) -> States:
        """Return the state of coordinates that have seen nothing yet."""
        shape = (*leading, self.units)
        return tuple(torch.zeros(shape, dtype=dtype, device=device) for _ in range(self.layers))

    def __call__(
        self, params: Params, gradient: Tensor, hidden: States, cell: States
    ) -> tuple[Tensor, States, States]:
        """Return the step of every coordinate, and the state after it."""
        flow = self.inputs(gradient)
        hidden_after, cell_after = [], []
        for layer in range(self.layers):
            flow, memory = torch.lstm_cell(
                flow,
                (hidden[layer], cell[layer]),
                params[f"cells.{layer}.weight_ih"],
                params[f"cells.{layer}.weight_hh"],
                params[f"cells.{layer}.bias_ih"],
                params[f"cells.{layer}.bias_hh"],
            )
            hidden_after.append(flow)
            cell_after.append(memory)
        steps = torch.nn.functional.linear(flow, params["head.weight"], params["head.bias"])
        return self.output_scale * steps.squeeze(-1), tuple(hidden_after), tuple(cell_after)

    def inputs(self, gradient: Tensor) -> Tensor:
        """Return what the first layer is fed with, a row for every coordinate."""
        if self.preprocessing == "raw":
            return gradient.unsqueeze(-1)
        least = math.exp(-self.log_range)
        logarithm = gradient.abs().clamp(min=least).log() / self.log_range
        return torch.stack([logarithm, (gradient / least).clamp(-1, 1)], dim=-1)

    def _shapes(self) -> dict[str, tuple[int, ...]]:
        gates, width = 4 * self.units, 1 if self.preprocessing == "raw" else 2
        shapes: dict[str, tuple[int, ...]] = {}
        for layer in range(self.layers):
            shapes[f"cells.{layer}.weight_ih"] = (gates, self.units if layer else width)
            shapes[f"cells.{layer}.weight_hh"] = (gates, self.units)
            shapes[f"cells.{layer}.bias_ih"] = (gates,)
            shapes[f"cells.{layer}.bias_hh"] = (gates,)
        return shapes | {"head.weight": (1, self.units), "head.bias": (1,)}

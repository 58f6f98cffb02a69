"""Scales from 0 to 1 of inner steps and layers, that can be meta-learned.

A scale is the sigmoid of a meta-parameter of its own. One that is not learned is a constant, and
has no meta-parameter.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from itertools import groupby

import torch
from torch import Tensor

from harness.declare.learner import Params
from harness.declare.workload import Place


@dataclass(frozen=True)
class LayerScales:
    """Named scales, each with a value for every inner step and for all of a network or each layer.

    A layer is a module that owns parameters.
    """

    first: Mapping[str, float]
    """What every scale begins at."""
    learned: bool
    by_layer: bool
    steps: int
    network: Params
    place: Place

    prefix = "scale."

    def initial(self) -> Params:
        """Return the meta-parameters at the start, [steps, layers] each."""
        if not self.learned:
            return {}
        shape = self.steps, len(self._layers)
        return {
            self.prefix + name: self._full(shape, math.log(value / (1 - value)))
            for name, value in self.first.items()
        }

    def behind(self, params: Params) -> Params:
        """Return the meta-parameters among others."""
        return {name: p for name, p in params.items() if name.startswith(self.prefix)}

    def of_entries(self, params: Params, step: int) -> Params:
        """Return a step's scales as vectors, with an entry for each of the network's."""
        entries = sum(self._layers.values())
        return {
            name: value.repeat_interleave(self._sizes, output_size=entries)
            for name, value in self._at(params, step).items()
        }

    def told(self, params: Params) -> dict[str, float]:
        """Return every value by the scale's name, the number of its step and its layer's name."""
        return {
            f"{name}, step {step + 1}{layer and f', {layer}'}": float(value)
            for step in range(self.steps)
            for name, values in self._at(params, step).items()
            for layer, value in zip(self._layers, values, strict=True)
        }

    def _at(self, params: Params, step: int) -> Params:
        if self.learned:
            return {name: torch.sigmoid(params[self.prefix + name][step]) for name in self.first}
        return {n: self._full((len(self._layers),), value) for n, value in self.first.items()}

    def _full(self, shape: tuple[int, ...], value: float) -> Tensor:
        return torch.full(shape, value, dtype=self.place.torch_dtype, device=self.place.device)

    @cached_property
    def _layers(self) -> dict[str, int]:
        """How many entries share a scale, by the name of what owns them."""
        owners = groupby(
            self.network.items(),
            key=lambda item: item[0].rpartition(".")[0] if self.by_layer else "",
        )
        return {owner: sum(p.numel() for _, p in items) for owner, items in owners}

    @cached_property
    def _sizes(self) -> Tensor:
        return torch.tensor(list(self._layers.values()), device=self.place.device)

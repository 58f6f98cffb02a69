"""Bilevel problems for the tests: a network of any modules, and where a linear model is solved."""

from __future__ import annotations

from dataclasses import dataclass, fields, replace
from typing import Any, ClassVar

import torch
from torch import Tensor, nn

from baselines.bilevel import BilevelLearner, BilevelState
from harness.declare.learner import Params
from harness.declare.outer import Rule, SgdState
from harness.declare.workload import Metric, Place
from suites.bilevel import Bilevel, BilevelBatch
from suites.bilevel_problems import LEAST_CURVATURE, Examples, RandomBilevel

DOUBLE = Place(dtype="float64")


@dataclass(frozen=True)
class SmallNetworks(Bilevel):
    """A base model with BatchNorm, fitted to targets that a meta model with BatchNorm corrects."""

    norm: bool = True
    grouped: bool = False
    """Whether vectors move at a tenth of the rate and don't decay."""
    dropout: float = 0.0

    metric: ClassVar[Metric] = Metric("squared error", higher_is_better=False)

    @property
    def data(self) -> str:
        return "noise (generated)"

    def base_network(self) -> nn.Module:
        norm = nn.BatchNorm1d(4) if self.norm else nn.Identity()
        drop = [nn.Dropout(self.dropout)] if self.dropout else []
        return nn.Sequential(nn.Linear(3, 4), norm, nn.Tanh(), *drop, nn.Linear(4, 2))

    def meta_network(self) -> nn.Module:
        return nn.Sequential(nn.Linear(3, 2), nn.BatchNorm1d(2), nn.Linear(2, 2))

    def base_loss(self, base: Params, meta: Params, batch: Examples) -> Tensor:
        correction = self.meta_outputs(meta, batch.x)
        wanted: Tensor = self.base_outputs(base, batch.x) - batch.y - correction
        return wanted.square().mean()

    def meta_loss(self, base: Params, meta: Params, batch: Examples) -> Tensor:
        loss: Tensor = (self.base_outputs(base, batch.x) - batch.y).square().mean()
        return loss + 0.01 * self.meta_outputs(meta, batch.x).square().mean()

    def base_rule(self, name: str) -> Rule:
        rule = super().base_rule(name)
        if self.grouped and not name.endswith("weight"):
            return replace(rule, lr=rule.lr / 10, weight_decay=0.0)
        return rule

    def base_batch(self, seed: int, index: int) -> Examples:
        return self._drawn(2 * (100 * seed + index))

    def meta_batch(self, seed: int, index: int) -> Examples:
        return self._drawn(2 * (100 * seed + index) + 1)

    def held_out(self, seed: int, split: str, start: int, count: int) -> Examples:
        return self._drawn(-1 - start, count)

    def quality(self, base: Params, batch: Examples) -> Tensor:
        outputs: Tensor = self.base_outputs(base, batch.x, training=False)
        return (outputs - batch.y).square().mean(1)

    def _drawn(self, seed: int, count: int = 6) -> Examples:
        generator = torch.Generator().manual_seed(seed % 2**31)
        x = torch.randn(count, 3, generator=generator)
        return Examples(self._put(x), self._put(torch.randn(count, 2, generator=generator)))


class Undetached(RandomBilevel):
    """Kind losses, were what the meta model is shown not given but differentiable."""

    @classmethod
    def like(cls, workload: RandomBilevel) -> Undetached:
        return cls(**{field.name: getattr(workload, field.name) for field in fields(workload)})

    def base_loss(self, base: Params, meta: Params, batch: Examples) -> Tensor:
        losses = self.losses(base, batch)
        weighted = (self.example_weights(meta, batch, losses) * losses).mean()
        return weighted + LEAST_CURVATURE / 2 * base["weight"].square().sum()


def linear(**settings: Any) -> RandomBilevel:
    return RandomBilevel(DOUBLE, **settings)


def networks(**settings: Any) -> SmallNetworks:
    return SmallNetworks(DOUBLE, **settings)


def solved(
    learner: BilevelLearner, seed: int = 0, steps: int = 60
) -> tuple[BilevelState, BilevelBatch]:
    """Return the first state and batch of a linear problem, the base model at its minimum."""
    state, batch = learner.init(seed), learner.workload.train_batch(seed, 0)
    plain = replace(learner.workload, base_optimizer="sgd", base_lr=1.0)
    start = replace(state, base=SgdState(state.base.params))
    long = replace(batch, base=batch.base[:1] * steps)
    minimum = replace(learner, workload=plain).adapt(start, long)
    params = {name: minimum[name] for name in state.base.params}
    return replace(state, base=replace(state.base, params=params)), batch


def numerical(function: Any, params: Params, step: float = 1e-5) -> Params:
    """Return the central differences of a function of parameters, entry by entry."""
    slopes = {}
    for name, value in params.items():
        slope = torch.zeros_like(value).flatten()
        for i in range(value.numel()):
            move = torch.zeros_like(slope)
            move[i] = step
            there = {sign: {**params, name: value + sign * move.view_as(value)} for sign in (1, -1)}
            slope[i] = (function(there[1]) - function(there[-1])) / (2 * step)
        slopes[name] = slope.view_as(value)
    return slopes


def assert_close(found: Params, owed: Params, tolerance: float = 1e-9) -> None:
    """Compare by one scale for all entries."""
    assert found.keys() == owed.keys()
    scale = max(float(value.abs().max()) for value in owed.values())
    for name, value in owed.items():
        torch.testing.assert_close(found[name], value, rtol=0, atol=tolerance * scale)

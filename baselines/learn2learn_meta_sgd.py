"""learn2learn's Meta-SGD, used as its users use it, which is as they use its MAML."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from typing import ClassVar

from torch import nn

from baselines.learn2learn_maml import Learn2LearnMaml
from baselines.meta_sgd import RATE, MetaSgdLearner
from baselines.peer import importing
from harness.registry import baseline

with importing("learn2learn"):
    from learn2learn.algorithms import MetaSGD


@baseline("learn2learn_meta_sgd")
@dataclass(frozen=True)
class Learn2LearnMetaSgd(MetaSgdLearner, Learn2LearnMaml):
    """learn2learn's Meta-SGD, task after task: clone, adapt, query loss, backward."""

    peer: ClassVar[str | None] = "learn2learn"

    @cached_property
    def _maml(self) -> MetaSGD:
        workload = self.workload
        return MetaSGD(workload.module(), lr=workload.inner_lr, first_order=workload.first_order)

    def _meta_parameters(self) -> Iterator[tuple[str, nn.Parameter]]:
        network = dict(super()._meta_parameters())
        yield from network.items()
        for name, rate in zip(network, self._maml.lrs, strict=True):
            yield RATE + name, rate

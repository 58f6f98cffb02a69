"""Bilevel learners whose ranks take the examples of every batch by turns.

The mean over all examples counts, whoever has them, so a rank's mean weighs what share of the
examples it has. What a loss makes of examples together, by BatchNorm or by a normalised weight, a
rank makes of its own alone. Every rank draws its own dropout.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import ClassVar

from torch import Tensor

from baselines.bilevel import BilevelLearner, BilevelState, Trained, differentiable
from harness.declare.learner import Params
from harness.seeds import derive
from harness.team.communicator import Communicator
from methods.gradient_sums import Weighted, summed, summed_gradients
from suites.bilevel import BilevelBatch


@dataclass(frozen=True)
class SharedBilevelLearner(BilevelLearner):
    """A bilevel learner whose base steps are shared among ranks."""

    bucket_mb: float = 4.0
    """Size of the pieces in which ranks sum gradients."""

    shares: ClassVar[bool] = True

    def __post_init__(self) -> None:
        if self.bucket_mb <= 0:
            raise ValueError(f"bucket_mb = {self.bucket_mb} must be above 0")

    @property
    def team(self) -> Communicator:
        return self.workload.place.team

    @property
    def bucket_bytes(self) -> int:
        return int(self.bucket_mb * 1e6)

    def trained(self, state: BilevelState, batch: BilevelBatch) -> Trained:
        """Train the base model; all ranks return the same, running statistics included."""
        trained = super().trained(state, batch)
        if self.team.size == 1 or not batch.base:
            return trained
        own = self.statistics(trained.buffers, batch)
        sums = summed([*own.values()], self.team, self.bucket_bytes)
        agreed = dict(zip(own, sums, strict=True))
        return replace(trained, buffers={**trained.buffers, **agreed})

    def base_gradients(
        self, params: Params, buffers: Params, meta: Params, batch: BilevelBatch, step: int
    ) -> Params:
        if self.team.size == 1:
            return super().base_gradients(params, buffers, meta, batch, step)
        leaves = differentiable(params)
        loss = self.base_loss(leaves, buffers, meta, batch, step)
        own = Weighted(loss, self.workload.portion(batch.base[step]))
        nothing = {name: p.new_zeros(()).expand_as(p) for name, p in params.items()}
        return summed_gradients(own, leaves, nothing, [], self.team, self.bucket_bytes)[0]

    def base_loss(
        self, params: Params, buffers: Params, meta: Params, batch: BilevelBatch, step: int
    ) -> Tensor:
        """Return the loss of the rank's own examples, and a plain zero where it has none."""
        if not self.workload.portion(batch.base[step]):
            return next(iter(params.values())).new_zeros(())
        return super().base_loss(params, buffers, meta, self._own(batch), step)

    def meta_loss(
        self, params: Params, buffers: Params, meta: Params, batch: BilevelBatch
    ) -> Tensor:
        if not self.workload.portion(batch.meta):
            return next(iter(params.values())).new_zeros(())
        return super().meta_loss(params, buffers, meta, self._own(batch))

    def statistics(self, buffers: Params, batch: BilevelBatch) -> dict[str, Weighted]:
        """Return the rank's part in the running statistics."""
        portion = self.workload.portion(batch.base[-1])
        return {
            name: Weighted(buffer, portion)
            for name, buffer in buffers.items()
            if buffer.is_floating_point()
        }

    def _own(self, batch: BilevelBatch) -> BilevelBatch:
        if self.team.size == 1:
            return batch
        share = self.workload.share
        noise = derive(batch.noise, "rank", self.team.rank)
        return BilevelBatch(tuple(map(share, batch.base)), share(batch.meta), noise)

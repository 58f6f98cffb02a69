"""What SAMA's difference of two probes is owed to come to."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import torch
from torch import Tensor

from baselines.bilevel import copies
from harness.declare.outer import AdamState
from methods.sama import SamaLearner, _multiply_by_slope


def product(
    learner: SamaLearner, state: Any, batch: Any, differentiated: SamaLearner | None = None
) -> dict[str, Tensor]:
    """Return the limit of R to 0: minus the mixed derivatives times v, by differentiating twice.

    They are those of the learner's own base loss, or of another's where the learner's training led.
    """
    last = len(batch.base) - 1
    trained = learner.trained(state, batch)
    before = learner.trained(state, replace(batch, base=batch.base[:last]))
    meta = {n: p.clone().requires_grad_() for n, p in state.meta.params.items()}
    params = {n: p.clone().requires_grad_() for n, p in trained.base.params.items()}
    _, vector, direct = learner.meta_gradients(params, trained.buffers, meta, batch)
    if isinstance(before.base, AdamState) and learner.adapts:
        g = learner.base_gradients(
            before.base.params, copies(before.buffers), state.meta.params, batch, last
        )
        _multiply_by_slope(vector, before.base, g, learner.rules(g))
    differentiated = differentiated or learner
    loss = differentiated.base_loss(params, copies(trained.buffers), meta, batch, last)
    slopes = torch.autograd.grad(
        loss, list(params.values()), create_graph=True, materialize_grads=True
    )
    along = sum((s * v).sum() for s, v in zip(slopes, vector.values(), strict=True))
    mixed = torch.autograd.grad(along, list(meta.values()))
    return {n: direct[n] - m for n, m in zip(meta, mixed, strict=True)}

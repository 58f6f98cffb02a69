"""The meta-gradient in few numbers, by which two trees can be compared that never meet.

The gates of every version look for it here.
"""

from __future__ import annotations

import json

import torch

from harness.measure.block import block_from
from harness.measure.worker import make_learner, settle
from harness.registry import Registry
from harness.seeds import derive

DIRECTIONS = 8


def sketch(text: str) -> str:
    """Return the loss, the norm of the block's first meta-gradient, and random projections of it.

    The projections of every parameter are on directions of its own, of unit length on average, so a
    difference anywhere shows in nearly all of them, in proportion to itself.
    """
    block = block_from(text)
    settle(block)
    learner = make_learner(block, Registry(block.plugins))
    seed = block.task_seed
    batch = learner.workload.train_batch(seed, 0)
    loss, grads = learner.meta_gradient(learner.init(seed), batch)
    projections = torch.zeros(DIRECTIONS, dtype=torch.float64)
    squares = 0.0
    for name, grad in sorted(grads.items()):
        flat = grad.detach().cpu().double().flatten()
        generator = torch.Generator().manual_seed(derive(seed, "sketch", name))
        for index in range(DIRECTIONS):
            direction = torch.randn(len(flat), generator=generator, dtype=torch.float64)
            projections[index] += flat @ direction
        squares += float(flat @ flat)
    return json.dumps(
        {
            "loss": float(loss),
            "norm": squares**0.5,
            "projections": projections.tolist(),
            "shapes": {name: list(grad.shape) for name, grad in sorted(grads.items())},
        }
    )

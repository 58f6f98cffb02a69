"""A learner's meta-gradients beside its family's exact ones, on draws of one workload."""

from __future__ import annotations

from harness.declare.learner import Learner, Params, workload_of
from harness.declare.passes import Look
from harness.declare.settings import build
from harness.declare.tree import relative_error
from harness.measure.block import Block
from harness.measure.passes import require_finite
from harness.registry import Registry
from harness.seeds import derive
from harness.studies.gradient_distance import Distances, Settings


def measure(block: Block, learner: Learner) -> Look:
    registry = Registry(block.plugins)
    family = registry.find(learner.family, "problems").load()
    oracle_class = registry.find(family.oracle, "baseline").load()
    workload = workload_of(learner)
    oracle = oracle_class(workload)
    cosines, errors = [], []
    for draw in range(build(Settings, block.study, "[study.gradient_distance]").draws):
        seed = derive(block.task_seed, "draw", draw)
        batch = workload.train_batch(seed, 0)
        found, owed = (each.meta_gradient(each.init(seed), batch) for each in (learner, oracle))
        require_finite([found, owed])
        shared = {name: owed.grads[name] for name in found.grads if name in owed.grads}
        own = {name: found.grads[name] for name in shared}
        cosines.append(cosine(own, shared))
        errors.append(relative_error(own, shared))
    return Look(Distances(tuple(cosines), tuple(errors)))


def cosine(found: Params, owed: Params) -> float | None:
    """Return the cosine of the angle between two gradients; one that is zero has none."""
    product, left, right = (
        sum(float((a[name] * b[name]).sum()) for name in owed)
        for a, b in ((found, owed), (found, found), (owed, owed))
    )
    lengths = (left * right) ** 0.5
    return product / lengths if lengths > 0 else None

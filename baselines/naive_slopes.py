"""The slopes of a support loss by torch.func, which naive definitions take their inner steps by."""

from __future__ import annotations

from torch import Tensor
from torch.func import grad

from harness.declare.learner import Params
from suites.fewshot import FewShot, Tasks


def support_slopes(workload: FewShot, theta: Params, task: Tasks) -> Params:
    """Return dL_support/dtheta; under `first_order` it counts as given."""

    def support_loss(theta: Params) -> Tensor:
        return workload.loss(workload.outputs(theta, task.support_x), task.support_y)

    slopes: Params = grad(support_loss)(theta)
    if workload.first_order:
        slopes = {name: slope.detach() for name, slope in slopes.items()}
    return slopes

"""A workload that ours may not be: its network keeps statistics, which a library may leak."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from torch import Tensor, nn

from harness.declare.workload import Place
from suites.maml_problems import RandomTasks
from suites.models import Conv4


@dataclass(frozen=True)
class Tracking(RandomTasks):
    """Random tasks for a network whose BatchNorm follows what it has seen."""

    def __post_init__(self) -> None:
        pass  # where the family refuses such a network; libraries are held to more than it asks

    def network(self) -> nn.Module:
        network = Conv4(self.ways, self.width, self.layers)
        for block in network.blocks:
            assert isinstance(block, nn.Sequential)
            block[1] = nn.BatchNorm2d(self.width)
        return network

    def module(self) -> nn.Module:
        module = super().module()
        for layer in module.modules():
            if isinstance(layer, nn.BatchNorm2d):
                layer.reset_running_stats()
        return module


TRACKING = Tracking(Place(dtype="float64"), meta_batch=2, inner_steps=2, architecture="conv")


def statistics_after_work(learner: Any) -> tuple[list[Tensor], list[Tensor]]:
    """Return the network's running statistics after some work, and those of a new network."""
    state, batch = learner.init(0), TRACKING.train_batch(0, 0)
    learner.meta_gradient(state, batch)
    learner.adapt(state, batch)
    network, *_ = learner.__dict__["_made"]
    return list(network.buffers()), list(TRACKING.module().buffers())

"""The workloads' networks in torchmeta's layers, whose forward takes the parameters to use.

`twin` turns a network into one of torchmeta's with the same parameter names. A container whose
forward is its own code is written out here; another one is added with `twin.register`.
"""

from __future__ import annotations

from collections import OrderedDict
from functools import singledispatch

import torch
from torch import Tensor, nn

from baselines.torchmeta_compat import usable_torchmeta
from harness.declare.learner import Params
from harness.errors import UsageError
from suites.models import MLP, Conv4

with usable_torchmeta():
    from torchmeta.modules import (
        MetaBatchNorm2d,
        MetaConv2d,
        MetaLinear,
        MetaModule,
        MetaSequential,
    )


@singledispatch
def twin(module: nn.Module) -> nn.Module:
    """Return the module in torchmeta's layers, without its weights."""
    if next(module.parameters(), None) is not None:
        raise UsageError(
            f"torchmeta has no layer like {type(module).__name__}. Write one as a "
            "MetaModule and add it with baselines.torchmeta_models.twin.register."
        )
    return module


@twin.register
def _(module: nn.Sequential) -> nn.Module:
    children = ((name, twin(child)) for name, child in module.named_children())
    return MetaSequential(OrderedDict(children))  # type: ignore[no-any-return]  # untyped


@twin.register
def _(module: nn.Conv2d) -> nn.Module:
    return MetaConv2d(  # type: ignore[no-any-return]  # untyped
        module.in_channels,
        module.out_channels,
        module.kernel_size,
        module.stride,
        module.padding,
        module.dilation,
        module.groups,
        module.bias is not None,
        module.padding_mode,
    )


@twin.register
def _(module: nn.Linear) -> nn.Module:
    return MetaLinear(  # type: ignore[no-any-return]  # untyped
        module.in_features, module.out_features, module.bias is not None
    )


@twin.register
def _(module: nn.BatchNorm2d) -> nn.Module:
    if module.track_running_stats:
        raise UsageError(
            "BatchNorm2d with running statistics: torchmeta would carry them from task to task. "
            "Give the network track_running_stats=False."
        )
    return MetaBatchNorm2d(  # type: ignore[no-any-return]  # untyped
        module.num_features, module.eps, affine=module.affine, track_running_stats=False
    )


@twin.register(Conv4)
class MetaConv4(MetaModule):  # type: ignore[misc]  # untyped base
    """suites.models.Conv4 in torchmeta's layers."""

    def __init__(self, network: Conv4) -> None:
        super().__init__()
        self.blocks = nn.ModuleList(twin(block) for block in network.blocks)
        self.head = twin(network.head)

    def forward(self, images: Tensor, params: Params | None = None) -> Tensor:
        features = images
        for i, block in enumerate(self.blocks):
            features = block(features, params=self.get_subdict(params, f"blocks.{i}"))
        pooled = features.mean(dim=(2, 3))
        logits: Tensor = self.head(pooled, params=self.get_subdict(params, "head"))
        return logits


@twin.register(MLP)
class MetaMLP(MetaModule):  # type: ignore[misc]  # untyped base
    """suites.models.MLP in torchmeta's layers."""

    def __init__(self, network: MLP) -> None:
        super().__init__()
        self.hidden = nn.ModuleList(twin(layer) for layer in network.hidden)
        self.head = twin(network.head)

    def forward(self, x: Tensor, params: Params | None = None) -> Tensor:
        x = x.flatten(1)
        for i, layer in enumerate(self.hidden):
            x = torch.relu(layer(x, params=self.get_subdict(params, f"hidden.{i}")))
        outputs: Tensor = self.head(x, params=self.get_subdict(params, "head"))
        return outputs

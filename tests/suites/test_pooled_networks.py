"""The networks of mini-ImageNet's experiments are the published ones."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor, nn

from suites.conv4_pooled import Conv4Pooled
from suites.models import Staged
from suites.resnet12 import ResNet12


def drawn(network: Staged) -> Staged:
    network.initialise(torch.Generator().manual_seed(3))  # type: ignore[operator]  # all of ours
    return network


def lent(theirs: nn.Module, ours: nn.Module) -> None:
    """Give one network's parameters to another whose modules stand in the same order."""
    own = [p for p in theirs.parameters() if p.requires_grad]
    lending = list(ours.parameters())
    assert [p.shape for p in own] == [p.shape for p in lending]
    with torch.no_grad():
        for mine, other in zip(own, lending, strict=True):
            mine.copy_(other)


def test_pooled_conv4_computes_what_learn2learns_mini_imagenet_network_does() -> None:
    models = pytest.importorskip("learn2learn.vision.models")
    theirs = models.MiniImagenetCNN(5, hidden_size=4)
    ours = drawn(Conv4Pooled(5, filters=4, channels=3, side=84))
    # In its blocks the norm stands before the convolution, in ours after it.
    named = dict(ours.named_parameters())
    with torch.no_grad():
        for place in range(4):
            block = theirs.features[place]
            for part, index in ((block.conv, 0), (block.normalize, 1)):
                part.weight.copy_(named[f"blocks.{place}.{index}.weight"])
                part.bias.copy_(named[f"blocks.{place}.{index}.bias"])
        theirs.classifier.weight.copy_(named["head.weight"])
        theirs.classifier.bias.copy_(named["head.bias"])
    images = torch.randn(3, 3, 84, 84, generator=torch.Generator().manual_seed(4))
    torch.testing.assert_close(ours(images), theirs(images))


def test_resnet12_computes_what_learn2learns_does() -> None:
    models = pytest.importorskip("learn2learn.vision.models")
    theirs = models.ResNet12(5, dropblock_dropout=0.0)
    ours = drawn(ResNet12(5, filters=64, channels=3, side=84))
    # Both have a block's convolutions and norms in one order, and the way past them at its end.
    lent(theirs, ours)
    images = torch.randn(2, 3, 84, 84, generator=torch.Generator().manual_seed(5))
    torch.testing.assert_close(ours(images), theirs(images), rtol=1e-3, atol=1e-4)
    assert sum(p.numel() for p in ours.parameters()) == pytest.approx(12.4e6, rel=0.01)


@pytest.mark.parametrize("kind", [Conv4Pooled, ResNet12])
def test_weights_come_from_the_generator_alone(kind: type[Conv4Pooled | ResNet12]) -> None:
    before = torch.get_rng_state()
    with torch.device("meta"):
        networks = [kind(3, filters=4, channels=1, side=16) for _ in range(2)]
    first, second = (drawn(network.to_empty(device="cpu")) for network in networks)
    assert torch.equal(before, torch.get_rng_state())
    weights = dict(first.named_parameters())
    assert all(torch.equal(weights[name], p) for name, p in second.named_parameters())
    assert all(bool(torch.isfinite(p).all()) for p in weights.values())


@pytest.mark.parametrize("kind", [Conv4Pooled, ResNet12])
def test_stretches_make_up_the_whole_and_hold_every_parameter(
    kind: type[Conv4Pooled | ResNet12],
) -> None:
    network = drawn(kind(3, filters=4, channels=3, side=20)).double()
    x: Tensor = torch.randn(2, 3, 20, 20, dtype=torch.float64)
    whole = network(x)
    stages = network.stages()
    for cut in range(len(stages) + 1):
        torch.testing.assert_close(network(network(x, 0, cut), cut), whole, rtol=0, atol=0)
    for name, _ in network.named_parameters():
        assert sum(name.startswith(f"{stage.name}.") for stage in stages) == 1


@pytest.mark.parametrize("kind", [Conv4Pooled, ResNet12])
def test_images_too_small_to_halve_are_refused(kind: type[Conv4Pooled | ResNet12]) -> None:
    with pytest.raises(ValueError, match="images of 8 by 8 are too small.*conv4_strided"):
        kind(3, filters=4, channels=1, side=8)

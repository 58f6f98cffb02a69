"""Our networks are the published ones, and their weights come from the given generator alone."""

from __future__ import annotations

import pytest
import torch
from scipy.stats import ks_2samp
from torch.func import functional_call

from suites.models import MLP, Conv4


def test_conv4_computes_what_learn2learns_omniglot_network_does():
    from learn2learn.vision.models import OmniglotCNN

    theirs, ours = OmniglotCNN(output_size=5, hidden_size=8), Conv4(5, filters=8)
    ours.initialise(torch.Generator().manual_seed(3))
    names = {
        f"base.{block}.{part}.{kind}": f"blocks.{block}.{index}.{kind}"
        for block in range(4)
        for part, index in (("conv", 0), ("normalize", 1))
        for kind in ("weight", "bias")
    } | {f"classifier.{kind}": f"head.{kind}" for kind in ("weight", "bias")}
    weights = dict(ours.named_parameters())
    with torch.no_grad():
        for name, parameter in theirs.named_parameters():
            key = name.replace("features.1.", "base.")
            parameter.copy_(weights[names[key]])
    images = torch.randn(6, 1, 28, 28, generator=torch.Generator().manual_seed(4))
    torch.testing.assert_close(theirs(images), ours(images))


def test_conv4_draws_its_weights_from_the_distributions_of_learn2learns():
    from learn2learn.vision.models import OmniglotCNN

    theirs, ours = OmniglotCNN(output_size=20, hidden_size=64), Conv4(20, filters=64)
    ours.initialise(torch.Generator().manual_seed(5))
    their_parameters = {n.replace("features.1.", "base."): p for n, p in theirs.named_parameters()}
    pairs = [("base.1.conv.weight", "blocks.1.0.weight"), ("classifier.weight", "head.weight")]
    for their_name, our_name in pairs:
        their_p = their_parameters[their_name].detach()
        our_p = dict(ours.named_parameters())[our_name].detach()
        assert float(our_p.std()) == pytest.approx(float(their_p.std()), rel=0.1)
        assert ks_2samp(our_p.flatten(), their_p.flatten()).pvalue > 0.001, our_name
    assert bool((dict(ours.named_parameters())["blocks.0.1.weight"] >= 0).all())


@pytest.mark.parametrize("network", [Conv4(3, filters=4), MLP(5, (4, 4), 2)])
def test_initialising_touches_no_global_generator(network: Conv4 | MLP):
    before = torch.get_rng_state()
    network.initialise(torch.Generator().manual_seed(1))
    first = {name: p.clone() for name, p in network.named_parameters()}
    network.initialise(torch.Generator().manual_seed(1))
    assert torch.equal(before, torch.get_rng_state())
    assert all(torch.equal(first[name], p) for name, p in network.named_parameters())


def test_conv4_works_under_functional_call_in_float64():
    network = Conv4(3, filters=4)
    network.initialise(torch.Generator().manual_seed(1))
    params = {name: p.detach().double() for name, p in network.named_parameters()}
    images = torch.zeros(2, 1, 28, 28, dtype=torch.float64)
    assert functional_call(network, params, (images,)).dtype == torch.float64

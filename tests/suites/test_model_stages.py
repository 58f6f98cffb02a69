"""A network can be run in stretches, and prepared inputs change nothing but the work."""

from __future__ import annotations

from collections.abc import Callable

import pytest
import torch
from torch import Tensor, nn

from suites.models import MLP, Conv4, Staged

NETWORKS: dict[str, tuple[Callable[[], Staged], tuple[int, ...]]] = {
    "conv4": (lambda: Conv4(5, filters=3), (4, 1, 12, 12)),
    "conv2 without norm": (lambda: Conv4(2, filters=3, layers=2, norm=False), (4, 1, 9, 9)),
    "wide images": (lambda: Conv4(2, filters=3, layers=2), (4, 1, 8, 6)),
    "mlp": (lambda: MLP(36, (5, 4), 3), (4, 1, 6, 6)),
}


@pytest.fixture(params=NETWORKS)
def network_and_input(request: pytest.FixtureRequest) -> tuple[Staged, Tensor]:
    make, shape = NETWORKS[request.param]
    with torch.device("meta"):  # so that no weight is drawn from the global generator
        network = make().double()
    network.to_empty(device="cpu")
    generator = torch.Generator().manual_seed(0)
    for p in network.parameters():
        nn.init.normal_(p, generator=generator)  # biases too: at zero they would hide errors
    return network, torch.randn(shape, generator=generator, dtype=torch.float64)


def test_stretches_make_up_the_whole(network_and_input: tuple[Staged, Tensor]) -> None:
    network, x = network_and_input
    whole = network(x)
    for cut in range(len(network.stages()) + 1):
        torch.testing.assert_close(network(network(x, 0, cut), cut), whole, rtol=0, atol=0)


def test_a_prepared_input_gives_the_same(network_and_input: tuple[Staged, Tensor]) -> None:
    network, x = network_and_input
    whole = network(x)
    for cut, stage in enumerate(network.stages()):
        torch.testing.assert_close(network(stage.prepare(network(x, 0, cut)), cut), whole)


def test_every_parameter_is_in_one_stage(network_and_input: tuple[Staged, Tensor]) -> None:
    network, _ = network_and_input
    for name, _ in network.named_parameters():
        assert sum(name.startswith(f"{stage.name}.") for stage in network.stages()) == 1


def test_patches_are_made_where_they_are_few() -> None:
    with torch.device("meta"):
        block = Conv4(5, filters=3).stages()[1]
        assert block.prepare(torch.zeros(5, 3, 7, 7)).shape == (5, 16, 27)
        assert block.prepare(torch.zeros(5, 3, 14, 14)).shape == (5, 3, 14, 14)

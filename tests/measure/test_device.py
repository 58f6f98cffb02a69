"""A device is the one that was asked for, and each rank's own."""

from __future__ import annotations

import pytest

from harness.measure.device import of_rank


@pytest.mark.parametrize(
    ("device", "ranks"),
    [
        ("cpu", ["cpu", "cpu", "cpu"]),
        ("cuda", ["cuda", "cuda:1", "cuda:2"]),
        ("cuda:2", ["cuda:2", "cuda:3", "cuda:4"]),
    ],
)
def test_every_rank_has_a_gpu_of_its_own(device: str, ranks: list[str]):
    assert [of_rank(device, rank) for rank in range(3)] == ranks

"""One thread for every test: several on a busy machine cost many times their CPU time."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from .teams import Teams


@pytest.fixture(autouse=True, scope="session")
def _one_thread() -> None:
    import torch

    torch.set_num_threads(1)


@pytest.fixture(scope="session")
def teams() -> Iterator[Teams]:
    """Real processes for teams of one to four ranks, started when the first test asks."""
    with Teams() as teams:
        yield teams

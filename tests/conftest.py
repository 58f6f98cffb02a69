"""One thread for every test: several on a busy machine cost many times their CPU time.

Peers draw from the global generators. Each test finds them seeded by its own name, so that what it
sees depends neither on chance nor, but for fixtures that tests share, on the tests before it. Nor
does it depend on how busy the machine is: Hypothesis does not fail what takes long to be drawn.

What Hypothesis draws follows from the test alone, so that a commit passes or fails whoever tests
it. `pytest --hypothesis-profile=explore` draws anew each time: what it finds is mended, and kept as
an example of its test.
"""

from __future__ import annotations

import contextlib
import random
from collections.abc import Iterator
from zlib import crc32

import pytest
from hypothesis import HealthCheck, settings

from tests.team.teams import Teams

settings.register_profile("explore", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.register_profile("same draws", settings.get_profile("explore"), derandomize=True)
settings.load_profile("same draws")


@pytest.fixture(autouse=True, scope="session")
def _one_thread() -> None:
    import torch

    torch.set_num_threads(1)


@pytest.hookimpl(tryfirst=True)
def pytest_runtest_setup(item: pytest.Item) -> None:
    import numpy as np
    import torch

    seed = crc32(item.nodeid.encode())
    random.seed(seed)
    np.random.seed(seed)  # noqa: NPY002  # the global generator is what peers draw from
    torch.manual_seed(seed)


@pytest.fixture(scope="session")
def teams() -> Iterator[Teams]:
    """Real processes for teams of one to four ranks, started when the first test asks."""
    with contextlib.closing(Teams()) as teams:
        yield teams

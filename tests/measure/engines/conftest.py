"""The engines: this machine, Slurm as submitit's local executor, and a Ray cluster of two nodes."""

from __future__ import annotations

import contextlib
import os
import signal
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from harness.measure.engines.engine import Engine
from harness.measure.engines.local import LocalEngine
from tests.measure.conftest import MISBEHAVING

SHARING = str(Path(MISBEHAVING).with_name("sharing.py"))
PLUGINS = (MISBEHAVING, SHARING)
MISSING = "{} is not installed: python -m pip install -e '.[{}]'"


@pytest.fixture(scope="package")
def local() -> Iterator[Engine]:
    with LocalEngine() as engine:
        yield engine


@contextlib.contextmanager
def heeding_interrupts() -> Iterator[None]:
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, before)


@pytest.fixture(scope="module")
def slurm(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Engine]:
    pytest.importorskip("submitit", reason=MISSING.format("submitit", "slurm"))
    from harness.measure.engines.slurm import SlurmEngine

    folder = tmp_path_factory.mktemp("shared")
    # submitit ends local jobs by SIGINT, which they ignore where whoever runs the tests does.
    with heeding_interrupts(), SlurmEngine(folder, PLUGINS, cluster="local") as engine:
        yield engine
    assert not list(folder.iterdir())


@pytest.fixture(scope="package")
def cluster() -> Iterator[Any]:
    """Two nodes of two cores on this machine, which listen on the loopback interface alone."""
    from harness.measure.engines.ray import LOOPBACK

    with contextlib.ExitStack() as stack:
        folder = tempfile.TemporaryDirectory(prefix="ray-", dir="/tmp", ignore_cleanup_errors=True)
        os.environ.update(LOOPBACK | {"RAY_TMPDIR": stack.enter_context(folder)})
        pytest.importorskip("ray", reason=MISSING.format("ray", "ray"))
        from ray.cluster_utils import Cluster

        node = {"num_cpus": 2, "node_ip_address": "127.0.0.1", "include_dashboard": False}
        made = Cluster(initialize_head=True, head_node_args=node)
        stack.callback(made.shutdown)
        made.add_node(**node)
        yield made


@pytest.fixture(scope="module")
def ray(cluster: Any) -> Iterator[Engine]:
    from harness.measure.engines.ray import RayEngine

    with RayEngine(cluster.address, PLUGINS) as engine:
        yield engine


@pytest.fixture
def engine(request: pytest.FixtureRequest) -> Engine:
    engine: Engine = request.getfixturevalue(request.param)
    return engine

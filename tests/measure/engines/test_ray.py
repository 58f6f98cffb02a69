"""Ray: where calls are made, and what is said where they can't be."""

from __future__ import annotations

import contextlib
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import psutil
import pytest

from harness.errors import UsageError
from harness.measure.engines.engine import Resources
from tests.measure.engines.conftest import MISSING
from tests.measure.test_run import ROOT, pair, records, suite

NODE = "tests.measure.in_worker:node"


def node_of(ray: Any, **needed: Any) -> str:
    answer = ray.call(NODE, "", 60, (), Resources(**needed))
    assert answer.text, answer
    return str(answer.text)


def test_calls_of_a_pair_stay_on_one_node_and_pairs_are_spread(ray: Any):
    nodes = {name: {node_of(ray, machine=name, alone=True) for _ in range(3)} for name in "ab"}
    assert [len(each) for each in nodes.values()] == [1, 1]
    assert nodes["a"] != nodes["b"]


def test_what_is_timed_has_its_node_to_itself(ray: Any, tmp_path: Path):
    """A call that wants to be alone begins when that of one core has ended, and not before."""
    with ThreadPoolExecutor(4) as threads:
        call = "tests.measure.in_worker:begin_and_end"
        logs = [tmp_path / str(number) for number in range(4)]
        wanted = [Resources(machine="x", alone=place % 2 == 0) for place in range(4)]
        asked = [
            threads.submit(ray.call, call, str(log), 60, (), each)
            for log, each in zip(logs, wanted, strict=True)
        ]
        assert all(each.result().text for each in asked)
    spans = [tuple(map(float, log.read_text().split())) for log in logs]
    for place in (0, 2):
        for other in {0, 1, 2, 3} - {place}:
            assert spans[place][1] <= spans[other][0] or spans[other][1] <= spans[place][0]


def test_what_no_node_has_is_told_at_once(ray: Any):
    with pytest.raises(UsageError, match="no machine of the Ray cluster has 64 cores. Use f"):
        ray.call(NODE, "", 60, (), Resources(cores=64))
    with pytest.raises(UsageError, match="has 1 cores and 1 GPUs"):
        ray.call(NODE, "", 60, (), Resources(gpus=1))


def test_a_call_whose_node_is_lost_is_answered_and_the_next_has_another(
    ray: Any, cluster: Any, tmp_path: Path
):
    """The last test here: it leaves the cluster with a node less."""
    (worker,) = cluster.worker_nodes
    pid = str(worker.all_processes["raylet"][0].process.pid)
    name = next(str(n) for n in range(9) if node_of(ray, machine=str(n)) == pid)
    with ThreadPoolExecutor(1) as threads:
        call = "tests.measure.in_worker:sleep_as"
        asked = threads.submit(
            ray.call, call, str(tmp_path / "pid"), 60, (), Resources(machine=name)
        )
        while not (tmp_path / "pid").exists():
            time.sleep(0.1)
        cluster.remove_node(worker, allow_graceful=False)
        answer = asked.result(timeout=60)
    assert answer.text == ""
    assert "nothing came back from the machine that had it" in answer.died_of
    assert node_of(ray, machine=name) != pid


def test_without_an_address_it_listens_on_the_loopback_interface_alone(tmp_path: Path):
    """A whole run, by the command line; and nothing stays behind."""
    pytest.importorskip("ray", reason=MISSING.format("ray", "ray"))
    toml, run = suite(tmp_path, pair("batched_maml", '"memory", "step"')), tmp_path / "run"
    command = [sys.executable, "-m", "harness", "run", f"suite={toml}", f"out={run}", "engine=ray"]
    process = subprocess.Popen([*command, "threads=1"], cwd=ROOT)
    listening, started = set(), set()
    while process.poll() is None:
        time.sleep(0.2)
        with contextlib.suppress(psutil.NoSuchProcess):
            started |= {*psutil.Process(process.pid).children(recursive=True)}
        for each in started:
            with contextlib.suppress(psutil.Error):
                listening |= {c.laddr.ip for c in each.net_connections() if c.status == "LISTEN"}
    assert process.returncode == 0
    assert listening
    assert all("127.0.0.1" in address for address in listening), listening
    _, alive = psutil.wait_procs(started, timeout=10)
    assert not alive
    assert {record["status"] for record in records(run)} == {"ok"}
    assert all(record["in_turns"] for record in records(run) if record["measured"] == "step")


def test_an_address_at_which_no_cluster_answers_is_told(cluster: Any):
    from harness.measure.engines.ray import RayEngine

    with pytest.raises(UsageError, match="address=127.0.0.1:1: no Ray cluster answers there"):
        RayEngine("127.0.0.1:1")

"""Slurm: what a job asks for, and what becomes of one that is preempted."""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import psutil
import pytest

from harness.errors import UsageError
from harness.measure.engines.engine import Resources
from harness.measure.engines.remote import Lost
from tests.measure.engines.conftest import MISSING


def test_a_preempted_job_starts_again_from_its_beginning(slurm: Any, tmp_path: Path):
    with ThreadPoolExecutor(1) as threads:
        call = "tests.measure.in_worker:second_time"
        asked = threads.submit(slurm.call, call, str(tmp_path / "began"), 600, ())
        while not (tmp_path / "began").exists():
            assert not asked.done(), asked.result()
            time.sleep(0.1)
        (job,) = slurm._jobs
        task = psutil.Process(job._process.pid).children()[0]
        task.send_signal(signal.SIGUSR2)  # as Slurm does before it takes the machine away
        assert asked.result(timeout=120).text == "again"


def test_calls_that_come_at_once_and_ask_for_the_same_are_one_array(
    slurm: Any, monkeypatch: pytest.MonkeyPatch
):
    sent = []
    plain = slurm._executor

    def counted(limit_s: float, resources: Resources) -> Any:
        executor = plain(limit_s, resources)
        map_array = executor.map_array

        def taken(call: Any, requests: Any) -> Any:
            sent.append((resources.cores, len(requests)))
            return map_array(call, requests)

        executor.map_array = taken
        return executor

    monkeypatch.setattr(slurm, "_executor", counted)
    needs = [Resources(1), Resources(1), Resources(2)]
    with ThreadPoolExecutor(3) as threads:
        call = "tests.measure.in_worker:said"
        found = [
            threads.submit(slurm.call, call, str(n), 60, (), each) for n, each in enumerate(needs)
        ]
        assert [each.result().text for each in found] == ["0", "1", "2"]
    assert sorted(sent) == [(1, 2), (2, 1)]


def test_a_job_says_what_it_needs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    pytest.importorskip("submitit", reason=MISSING.format("submitit", "slurm"))
    from harness.measure.engines.slurm import NEEDED, SlurmEngine

    for command in NEEDED:
        (tmp_path / command).write_text("#!/bin/sh\n")
        (tmp_path / command).chmod(0o700)
    monkeypatch.setenv("PATH", f"{tmp_path}:{os.environ['PATH']}")
    with SlurmEngine(tmp_path / "shared", memory_gb=1.5) as engine:

        def lines(limit_s: float, **needed: Any) -> set[str]:
            executor = engine._executor(limit_s, Resources(**needed))._executor
            text = executor._make_submission_file_text("python", "0")
            return {line.removeprefix("#SBATCH --") for line in text.splitlines()}

        timed = lines(600, cores=4, gpus=2, alone=True)
        assert timed >= {"time=15", "cpus-per-task=4", "gpus-per-node=2", "mem=1536MB"}
        assert timed >= {"exclusive", "requeue"}
        assert any("srun" in line and "--cpus-per-task=4" in line for line in timed)
        assert "nodelist=node7" in lines(600, machine="node7")
        plain = lines(600)
        assert not any(line.startswith(("nodelist", "exclusive", "gpus")) for line in plain), plain


def test_where_no_jobs_can_be_sent_it_says_so(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    pytest.importorskip("submitit", reason=MISSING.format("submitit", "slurm"))
    from harness.measure.engines.slurm import SlurmEngine

    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(UsageError, match="engine=slurm: there is no sbatch and no srun"):
        SlurmEngine(tmp_path)


class Job:
    """A job in a state, and what it gave if it has ended."""

    cancelled = False

    def __init__(self, state: str, result: Callable[[], Any] | None = None) -> None:
        self.state, self._result = state, result

    def done(self) -> bool:
        return self._result is not None

    def result(self) -> Any:
        assert self._result is not None
        return self._result()

    def cancel(self, check: bool) -> None:
        self.cancelled = True


def sent_as(jobs: Iterator[Any], asked: list[str]) -> Any:
    """Stand for what sends jobs: these, one after another, and keep the node that each is for."""

    def executor(limit_s: float, resources: Resources) -> Any:
        asked.append(resources.machine)
        return SimpleNamespace(map_array=lambda call, requests: [next(jobs) for _ in requests])

    return executor


def test_a_pair_whose_node_is_not_to_be_had_goes_on_on_another(
    slurm: Any, monkeypatch: pytest.MonkeyPatch
):
    stuck, asked = Job("PENDING"), list[str]()
    done = Job("COMPLETED", lambda: ("node8", "said"))
    monkeypatch.setattr("harness.measure.engines.slurm.PATIENCE_S", 0.0)
    monkeypatch.setattr(slurm, "_executor", sent_as(iter([stuck, done]), asked))
    monkeypatch.setattr(slurm, "_machines", {"pair": "node7"})
    assert slurm._send("{}", 60, Resources(machine="pair")) == "said"
    assert stuck.cancelled
    assert asked == ["node7", ""]
    assert slurm._machines == {"pair": "node8"}


@pytest.mark.parametrize(
    ("state", "kept"), [("NODE_FAIL", {}), ("OUT_OF_MEMORY", {"pair": "node7"})]
)
def test_a_pair_whose_node_was_lost_asks_for_it_no_more(
    slurm: Any, monkeypatch: pytest.MonkeyPatch, state: str, kept: dict[str, str]
):
    def lost() -> Any:
        raise slurm._failed[0]("its node failed")

    monkeypatch.setattr(slurm, "_executor", sent_as(iter([Job(state, lost)]), []))
    monkeypatch.setattr(slurm, "_machines", {"pair": "node7"})
    with pytest.raises(Lost, match=state):
        slurm._send("{}", 60, Resources(machine="pair"))
    assert slurm._machines == kept


def test_a_job_that_was_sent_while_the_run_ended_is_cancelled(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    pytest.importorskip("submitit", reason=MISSING.format("submitit", "slurm"))
    from harness.measure.engines.slurm import SlurmEngine

    stuck = Job("PENDING")
    with SlurmEngine(tmp_path, cluster="local") as engine:

        def late() -> Iterator[Any]:
            engine._closed.set()
            yield stuck

        monkeypatch.setattr(engine, "_executor", sent_as(late(), []))
        with pytest.raises(Lost, match="the run is over"):
            engine._send("{}", 60, Resources())
    assert stuck.cancelled

"""Faults from outside: workers killed and stopped, two drivers, a request to end, a full disk."""

from __future__ import annotations

import ast
import contextlib
import json
import os
import platform
import resource
import signal
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest

from benchmarks.scale import MadeEngine
from harness.config import RunConfig
from harness.errors import StoreError
from harness.judge.quality.inheritance import inherits_by
from harness.measure.preparation import prepare, resume
from harness.measure.progress import PlainProgress
from harness.measure.run import Run
from tests.command import ROOT
from tests.measure.conftest import MISBEHAVING
from tests.measure.test_run import harness, pair, records, records_so_far, suite


@pytest.mark.slow
def test_a_run_goes_through_kills_stops_a_second_driver_and_a_request_to_end(tmp_path: Path):
    """Each record is there once in the end, and the report says what happened."""
    run, secret = tmp_path / "run", "hunter2-5d41402a"
    known = {"UNLUCKY": str(tmp_path / "unlucky"), "API_TOKEN": secret, "USER": f"user-{secret}"}
    toml = suite(tmp_path, pair("unlucky"), rounds=6)
    words = ["run", f"suite={toml}", f"plugin={MISBEHAVING}", f"out={run}", "threads=1"]
    driver = subprocess.Popen(
        [sys.executable, "-m", "harness", *words],
        cwd=ROOT,
        env=os.environ | known,
        stderr=subprocess.PIPE,
        text=True,
    )
    while not (run / "records.jsonl").exists() or len(records_so_far(run)) < 3:
        assert driver.poll() is None, driver.communicate()[1]
        time.sleep(0.02)
    os.kill(driver.pid, signal.SIGSTOP)
    second = harness("run", f"resume={run}", f"plugin={MISBEHAVING}", **known)
    assert second.returncode == 2, second.stderr
    assert "another process is writing to this run. Wait for it to end" in second.stderr
    os.kill(driver.pid, signal.SIGCONT)
    os.kill(driver.pid, signal.SIGTERM)
    said = driver.communicate()[1]
    assert driver.returncode == 128 + signal.SIGTERM, said
    assert "interrupted. The records so far are kept: go on with resume=." in said
    before = (run / "records.jsonl").read_text()
    assert len(records(run)) < 18  # all of its lines are whole

    done = harness("run", f"resume={run}", f"plugin={MISBEHAVING}", **known)
    assert done.returncode == 0, done.stderr
    assert (run / "records.jsonl").read_text().startswith(before)
    found = records(run)
    assert {each["status"] for each in found} == {"ok"}
    plan = json.loads((run / "manifest.json").read_text())["plan"]
    assert Counter(each["block"] for each in found) == Counter(plan)
    assert [each["tries"] for each in found] == [2] * 3 + [None] * 15
    assert sum(each["suspended"] is not None for each in found) == 1
    page = (run / "report.html").read_text()
    assert "3 blocks were measured a second time, since a worker had died in the first" in page
    assert "1 block had processes that were stopped and went on" in page
    kept = [path.read_bytes() for path in run.rglob("*") if path.is_file()]
    host = platform.node()
    private = [secret, str(tmp_path), str(ROOT), *([host] if any(map(str.isdigit, host)) else [])]
    assert len(kept) > 5
    for told in private:
        assert not any(told.encode() in each for each in kept), told


def test_an_interval_in_which_its_process_was_stopped_is_taken_again():
    done = subprocess.run(
        [sys.executable, "-c", STOPPED], cwd=ROOT, capture_output=True, text=True, timeout=60
    )
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout) == [2, 2, 3]


STOPPED = """
import json, os, signal, subprocess
from harness.measure.clock import Clock

taken = []

def work(steps):
    taken.append(steps)
    if len(taken) == 1:
        subprocess.Popen(["sh", "-c", f"sleep 0.1; kill -CONT {os.getpid()}"])
        os.kill(os.getpid(), signal.SIGSTOP)

window = Clock(lambda: None).time(work, 2)
work(3)
print(json.dumps(taken))
"""


def measured(run: Run, folder: Path) -> None:
    with (folder / "log").open("w") as log:
        inherits = inherits_by(run.registry.passes)
        run.measure(MadeEngine(), PlainProgress(log), inherits, lambda pair, records: None)


@contextlib.contextmanager
def files_up_to(size: int) -> Iterator[None]:
    """Let no file of this process grow beyond a size, as a full disk does."""
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))


def test_a_disk_that_fills_up_loses_no_record_and_doubles_none(tmp_path: Path):
    without = pair("batched_maml").replace("settings = { meta_batch = 2 }", "")
    toml = suite(tmp_path, without, rounds=10)
    config = RunConfig(suite=str(toml), out=tmp_path / "run")
    ready = prepare(config, "python -m harness run suite=tiny.toml", MadeEngine())
    with files_up_to(10_000), pytest.raises(StoreError, match=r"use resume= or report") as raised:
        measured(ready, tmp_path)
    assert "records.jsonl: File too large." in str(raised.value)
    before = records(tmp_path / "run")
    assert 0 < len(before) < 30
    measured(resume(RunConfig(resume=tmp_path / "run"), MadeEngine()), tmp_path)
    after = records(tmp_path / "run")
    assert after[: len(before)] == before
    assert Counter(each["block"] for each in after) == Counter(ready.store.manifest.plan)


def test_no_duration_is_read_off_the_clock_on_the_wall():
    """That one jumps, when it is set or a leap second comes."""
    files = list((ROOT / "harness").rglob("*.py"))
    assert len(files) > 100
    for file in files:
        for node in ast.walk(ast.parse(file.read_text())):
            if isinstance(node, ast.ImportFrom) and node.module == "time":
                assert not {"time", "time_ns"} & {alias.name for alias in node.names}, file
            if isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name):
                assert (node.value.id, node.attr) not in (("time", "time"), ("time", "time_ns")), (
                    file
                )
            if isinstance(node, ast.BinOp) and isinstance(node.op, ast.Sub):
                assert "datetime" not in ast.unparse(node), file

"""Gates against a stored run: counts are compared exactly, other classes of machine not at all."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import pytest

from tests.command import harness

SUITE = """
name = "stored"
summary = "One learner on the smallest workload"
verdicts = false

[protocol]
seeds = 1
rounds = 1
warmup_s = 0.05
interval_s = 0.005
intervals = 2
check_examples = 3
limit_s = 60.0

[[pair]]
name = "batched"
baseline = "reference_maml"
method = "batched_maml"
workload = "sinusoid"
differ = "how tasks are computed"
passes = ["check", "memory", "operations", "step", "adaptation"]
settings = { meta_batch = 2 }
"""

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("stored")
    (folder / "stored.toml").write_text(SUITE)
    done = harness("run", f"suite={folder / 'stored.toml'}", f"out={folder / 'run'}", "threads=1")
    assert done.returncode == 0, done.stderr
    return folder / "run"


@pytest.fixture
def stored(made: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(made, tmp_path / "run"))


def gate(stored: Path) -> tuple[int, Any, str]:
    done = harness("gate", f"against={stored}", "--json")
    return done.returncode, json.loads(done.stdout) if done.stdout else None, done.stderr


def rewrite(stored: Path, measured: str, **values: Any) -> None:
    """Let the stored run have seen other values in one pass of the method."""
    path = stored / "records.jsonl"
    records = [json.loads(line) for line in path.read_text().splitlines()]
    for record in records:
        if (record["measured"], record["member"]) == (measured, "method"):
            record |= values
    path.write_text("".join(json.dumps(record) + "\n" for record in records))


def test_times_of_too_few_rounds_stay_open_and_counts_do_not(stored: Path):
    code, report, said = gate(stored)
    assert code == 3, said  # one round decides no time
    words = {(each["measure"], each["word"]) for each in report["findings"]}
    assert ("peak_bytes", "same") in words
    assert ("step_time", "inconclusive") in words


def test_a_count_that_grew_since_is_a_regression(stored: Path):
    rewrite(stored, "memory", seen={"peak_bytes": 1000, "live_bytes": 500})
    code, report, said = gate(stored)
    assert code == 1, said
    (worse,) = [each for each in report["findings"] if each["word"] == "regressed"]
    assert (worse["measure"], worse["base"]) == ("peak_bytes", 1000)


def test_no_count_is_let_pass_by_the_threshold_of_times(stored: Path):
    path = stored / "records.jsonl"
    records = [json.loads(line) for line in path.read_text().splitlines()]
    (seen,) = [
        each["seen"]
        for each in records
        if (each["measured"], each["member"]) == ("operations", "method")
    ]
    counted = seen["adaptation_flops"]
    fewer = seen | {"adaptation_flops": round(counted / 1.04)}
    rewrite(stored, "operations", seen=fewer)
    code, report, said = gate(stored)
    assert code == 1, said
    (worse,) = [each for each in report["findings"] if each["word"] == "regressed"]
    assert (worse["measure"], worse["head"]) == ("adaptation_flops", counted)


def test_a_count_that_can_no_longer_be_taken_is_not_let_pass(stored: Path):
    rewrite(stored, "memory", status="failed", reason="out of ideas", seen=None)
    code, report, said = gate(stored)
    assert code == 3, said  # by the times; here it was the stored run that failed
    (found,) = [each for each in report["findings"] if each["reason"] and "ideas" in each["reason"]]
    assert (found["measure"], found["word"]) == ("peak_bytes", "not compared")


def test_another_class_of_machine_is_refused_before_anything_is_measured(stored: Path):
    manifest = json.loads((stored / "manifest.json").read_text())
    manifest["probes"]["cpu"] = "another processor"
    (stored / "manifest.json").write_text(json.dumps(manifest))
    code, report, said = gate(stored)
    assert code == 5, said
    assert report["findings"] == []
    assert report["environment"][0].startswith("cpu: another processor, then ")


def test_what_is_no_run_is_wrong_usage(tmp_path: Path):
    code, _, said = gate(tmp_path)
    assert code == 2
    assert "not a run" in said

"""Whole runs: faults stay in their pairs, kills cost a block at most, reports repeat."""

from __future__ import annotations

import dataclasses
import html
import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from random import Random
from types import SimpleNamespace
from typing import Any

import pytest

from harness import open_run
from harness.declare.pair import Member
from harness.declare.passes import Seen
from harness.measure import interleaving as module
from harness.measure.block import Block
from harness.measure.engines.engine import ANY
from harness.measure.execution import Execution
from harness.measure.run import _left
from harness.records.record import Record, Status
from harness.registry import Registry
from tests.measure.conftest import MISBEHAVING, make_block

ROOT = Path(__file__).parents[2]

HEAD = """
name = "tiny"
summary = "for tests"
verdicts = false

[protocol]
seeds = 1
rounds = {rounds}
warmup_s = 0.02
interval_s = 0.002
intervals = 2
check_examples = 3
limit_s = {limit}
"""

PAIR = """
[[pair]]
name = "{name}"
baseline = "reference_maml"
method = "{method}"
workload = "sinusoid"
differ = "for tests"
passes = [{passes}]
settings = {{ meta_batch = 2 }}
"""


WITHOUT_TORCH = """
import sys

class NoTorch:
    def find_spec(self, name, path=None, target=None):
        if name.partition(".")[0] == "torch":
            raise ImportError("torch is not to be had here")

sys.meta_path.insert(0, NoTorch())
from harness.cli import main
sys.exit(main(sys.argv[1:]))
"""


def suite(folder: Path, *pairs: str, rounds: int = 1, limit: int = 60) -> Path:
    path = folder / "tiny.toml"
    path.write_text(HEAD.format(rounds=rounds, limit=limit) + "".join(pairs))
    return path


def pair(method: str, passes: str = '"step"') -> str:
    return PAIR.format(name=f"with-{method}", method=method, passes=passes)


def harness(*words: str, **variables: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "harness", *words],
        cwd=ROOT,
        env=os.environ | variables,
        capture_output=True,
        text=True,
    )


def records(run: Path) -> list[dict[str, object]]:
    return [json.loads(line) for line in (run / "records.jsonl").read_text().splitlines()]


@pytest.mark.slow
def test_every_kind_of_fault_stays_in_its_pair_and_is_told_in_the_report(tmp_path: Path):
    faults = {
        "raises": "failed",
        "not_finite": "not finite",
        "hangs": "timeout",
        "greedy": "out of memory",
        "dies": "died",
        "needs_absent_peer": "skipped",
    }
    toml = suite(tmp_path, *map(pair, faults), pair("batched_maml", '"check", "step"'), limit=8)
    run = tmp_path / "run"
    done = harness("run", f"suite={toml}", f"plugin={MISBEHAVING}", f"out={run}", "threads=1")
    assert done.returncode == 7, done.stderr
    named = ", ".join(f"with-{method}" for method in faults)
    assert done.stderr.endswith(f"error: nothing was measured of {named}.\n")
    status = {(r["pair"], r["member"], r["measured"]): r["status"] for r in records(run)}
    for method, expected in faults.items():
        assert status[f"with-{method}", "method", "step"] == expected
        assert status[f"with-{method}", "baseline", "step"] == "ok"
    assert status["with-batched_maml", "method", "step"] == "ok"
    page = (run / "report.html").read_text()
    assert (run / "report.pdf").read_bytes().startswith(b"%PDF")
    for told in ("out of ideas", "SIGABRT", "limit of 8 s", "a_package_that_nobody_has"):
        assert told in page
    assert str(tmp_path) not in (run / "manifest.json").read_text()
    assert str(Path.home()) + "/" not in (run / "records.jsonl").read_text()


@pytest.mark.slow
def test_a_rank_that_dies_ends_its_block_alone_and_is_named_in_the_report(tmp_path: Path):
    shared = [
        pair(method, passes).replace("differ", "ranks = 2\ndiffer")
        for method, passes in (
            ("one_is_killed", '"step"'),
            ("one_raises", '"step"'),
            ("shared", '"check", "trajectory", "operations", "step"'),
        )
    ]
    toml, run = suite(tmp_path, *shared), tmp_path / "run"
    sharing = Path(MISBEHAVING).with_name("sharing.py")
    done = harness("run", f"suite={toml}", f"plugin={sharing}", f"out={run}", "threads=2", "jobs=1")
    assert done.returncode == 7, done.stderr
    found = {(r["pair"], r["member"], r["measured"]): r for r in records(run)}
    assert found["with-one_is_killed", "method", "step"]["status"] == "died"
    assert found["with-one_raises", "method", "step"]["status"] == "failed"
    for (name, member, _), record in found.items():
        if name == "with-shared" or member == "baseline":
            assert record["status"] == "ok", record["reason"]
        ranks = 2 if member == "method" else 1
        assert (record["processes"], record["threads"]) == (ranks, 2 // ranks)
    page = html.unescape((run / "report.html").read_text())
    assert "rank 1 of 2: its process was ended by SIGKILL" in page
    assert "rank 1 of 2: RuntimeError: out of ideas" in page


# Stands in for a machine on which the package was never installed.
WITHOUT_HIGHER = """
import sys

class NoHigher:
    def find_spec(self, name, path=None, target=None):
        if name.partition(".")[0] == "higher":
            raise ModuleNotFoundError("No module named 'higher'", name="higher")

sys.meta_path.insert(0, NoHigher())
"""


@pytest.mark.slow
def test_a_pair_whose_peer_is_missing_is_skipped_with_the_command_that_installs_it(tmp_path: Path):
    (tmp_path / "sitecustomize.py").write_text(WITHOUT_HIGHER)
    passes = '"check", "memory", "step"'
    as_method = pair("higher_maml", passes)
    as_baseline = pair("batched_maml", passes).replace("reference_maml", "higher_maml")
    as_baseline = as_baseline.replace("with-batched_maml", "against-higher_maml")
    toml = suite(tmp_path, as_method, as_baseline, pair("batched_maml", passes), rounds=2)
    run = tmp_path / "run"
    done = harness("run", f"suite={toml}", f"out={run}", "threads=1", PYTHONPATH=str(tmp_path))
    assert done.returncode == 7, done.stderr
    reason = "higher is not installed (No module named 'higher'). "
    reason += "Install it with: python -m baselines.install higher"
    found = records(run)
    assert len(found) == len(json.loads((run / "manifest.json").read_text())["plan"])
    for record in found:
        if record["learner"] == "higher_maml":
            assert (record["status"], record["reason"]) == ("skipped", reason)
        elif record["pair"] == "with-batched_maml" or record["measured"] == "check":
            assert record["status"] == "ok", record["reason"]
        elif record["block"] != "with-higher_maml/memory/baseline/seed0/round0":
            # From when the peer is known to be missing, its partner is not measured for nothing.
            assert record["reason"] == f"the other member higher_maml: {reason}"
    for told in (done.stdout, html.unescape((run / "report.html").read_text())):
        words = " ".join(told.split())
        for pair_of_peer in ("with-higher_maml", "against-higher_maml"):
            assert pair_of_peer in words
        assert "higher is not installed" in words
        assert "python -m baselines.install higher" in words
    ratios = [line for line in done.stdout.splitlines() if line.strip().startswith("step time")]
    assert len(ratios) == 1


@pytest.mark.slow
def test_a_run_that_was_killed_is_finished_by_resume_with_the_same_plan(tmp_path: Path):
    passes = '"check", "memory", "step"'
    toml, run = suite(tmp_path, pair("batched_maml", passes), rounds=6), tmp_path / "run"
    words = ["run", f"suite={toml}", f"out={run}", "threads=1", "jobs=2"]
    process = subprocess.Popen(
        [sys.executable, "-m", "harness", *words], cwd=ROOT, stderr=subprocess.DEVNULL
    )
    while not (run / "records.jsonl").exists() or len(records_so_far(run)) < 3:
        assert process.poll() is None, "the run ended before it could be killed"
        time.sleep(0.02)
    os.kill(process.pid, signal.SIGKILL)
    process.wait()
    before = records_so_far(run)
    with (run / "records.jsonl").open("a") as file:
        file.write('{"block": "torn')
    done = harness("run", f"resume={run}")
    assert done.returncode == 0, done.stderr
    assert "torn" in done.stderr
    assert "was moved to records.torn" in done.stderr
    plan = json.loads((run / "manifest.json").read_text())["plan"]
    after = [record["block"] for record in records(run)]
    assert after[: len(before)] == before
    assert sorted(after) == sorted(plan)
    assert harness("run", f"resume={run}").returncode == 0  # nothing is left, and nothing is lost
    assert [record["block"] for record in records(run)] == after

    lines, shown = (run / "records.jsonl").read_text(), len(open_run(run).frame())
    (run / "records.jsonl").write_text(f"{lines}{lines.splitlines()[-1]}\n")
    assert len(open_run(run).frame()) == shown  # a block that was measured twice counts once


@pytest.mark.slow
def test_a_wrong_setting_is_told_before_anything_is_written(tmp_path: Path):
    wrong = pair("batched_maml").replace("meta_batch", "meta_bach")
    run = tmp_path / "run"
    done = harness("run", f"suite={suite(tmp_path, wrong)}", f"out={run}", "threads=1")
    assert done.returncode == 2, done.stderr
    assert "did you mean 'meta_batch'?" in done.stderr
    assert not run.exists()


@pytest.mark.slow
@pytest.mark.parametrize("set_by", ["ranks = 2", "sweep = { ranks = [1, 2] }"])
def test_ranks_for_a_learner_that_shares_nothing_are_refused_before_anything_is_written(
    tmp_path: Path, set_by: str
):
    wrong = pair("batched_maml").replace("differ", f"{set_by}\ndiffer")
    toml, run = suite(tmp_path, wrong, rounds=2), tmp_path / "run"
    done = harness("run", f"suite={toml}", f"out={run}", "threads=1")
    assert done.returncode == 2, done.stderr
    assert "batched_maml does not share its work" in done.stderr
    assert not run.exists()


@pytest.mark.slow
def test_a_run_is_not_finished_on_another_machine_or_with_another_plugin(tmp_path: Path):
    plugin, run = tmp_path / "mine.py", tmp_path / "run"
    plugin.write_text(Path(MISBEHAVING).read_text())
    toml = suite(tmp_path, pair("batched_maml"))
    words = [f"suite={toml}", f"plugin={plugin}", f"out={run}", "threads=1"]
    assert harness("run", *words).returncode == 0
    lines = (run / "records.jsonl").read_text().splitlines(keepends=True)
    (run / "records.jsonl").write_text(lines[0])
    plugin.write_text(plugin.read_text() + "# changed\n")
    changed = harness("run", f"resume={run}", f"plugin={plugin}")
    assert changed.returncode == 2
    assert "a plugin has changed since the run began" in changed.stderr
    plugin.write_text(Path(MISBEHAVING).read_text())
    manifest = json.loads((run / "manifest.json").read_text())
    manifest["probes"]["cpu"] = "another one"
    (run / "manifest.json").write_text(json.dumps(manifest))
    moved = harness("run", f"resume={run}", f"plugin={plugin}")
    assert moved.returncode == 2
    assert "cpu was another one" in moved.stderr
    assert (run / "records.jsonl").read_text() == lines[0]


@pytest.mark.slow
def test_a_run_that_measured_nothing_says_so_by_its_exit_code(tmp_path: Path):
    alone = pair("raises").replace("reference_maml", "baseline_that_raises")
    toml, run = suite(tmp_path, alone), tmp_path / "run"
    done = harness("run", f"suite={toml}", f"plugin={MISBEHAVING}", f"out={run}", "threads=1")
    assert done.returncode == 4, done.stderr
    assert "nothing was measured" in done.stderr
    assert (run / "report.pdf").exists()


@pytest.mark.slow
def test_a_report_is_rebuilt_without_torch_to_the_same_bytes(tmp_path: Path):
    run = tmp_path / "run"
    toml = suite(tmp_path, pair("batched_maml"))
    assert harness("run", f"suite={toml}", f"out={run}", "threads=1").returncode == 0
    made = ["report.pdf", "report.html", "claims.json", "pyperf.json"]
    first = {name: (run / name).read_bytes() for name in made}
    for name in made:
        (run / name).unlink()
    again = subprocess.run(
        [sys.executable, "-c", WITHOUT_TORCH, "report", str(run)],
        cwd=ROOT,
        capture_output=True,
        text=True,
    )
    assert again.returncode == 0, again.stderr
    assert {name: (run / name).read_bytes() for name in made} == first


@pytest.mark.slow
def test_pyperf_reads_the_export(tmp_path: Path):
    run = tmp_path / "run"
    toml = suite(tmp_path, pair("batched_maml"), rounds=2)
    assert harness("run", f"suite={toml}", f"out={run}", "threads=1").returncode == 0
    for command in ("stats", "hist", "check"):
        read = subprocess.run(
            [sys.executable, "-m", "pyperf", command, str(run / "pyperf.json")],
            capture_output=True,
            text=True,
        )
        assert read.returncode in (0, 1), read.stderr  # 1: `check` finds so few values unstable
        assert "with-batched_maml/step/method" in read.stdout


def records_so_far(run: Path) -> list[object]:
    whole, _, _ = (run / "records.jsonl").read_text().rpartition("\n")
    return [json.loads(line)["block"] for line in whole.splitlines()]


def test_of_blocks_timed_beside_each_other_all_are_taken_again_where_one_is_missing() -> None:
    def beside(member: Member, together: str) -> Block:
        block = make_block("reference_maml", "step")
        return dataclasses.replace(block, member=member, beside=together, round=int(together))

    alone = make_block("reference_maml", "check")
    whole, torn = ([beside(each, number) for each in ("baseline", "method")] for number in "01")
    done = {block.id for block in (*whole, torn[0], alone)}
    assert _left([alone, *whole, *torn], done) == torn


def test_what_does_not_fit_into_memory_together_is_timed_apart_from_then_on(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    block = make_block("reference_maml", "step")
    tries = {"in turns": 0, "apart": 0}

    def gave(how: str, status: Status) -> Callable[..., list[Record[Seen]]]:
        def measure(lanes: Sequence[Any], random: Random) -> list[Record[Seen]]:
            tries[how] += 1
            return [block.record(status, reason="no", together="now") for _ in lanes]

        return measure

    monkeypatch.setattr(module, "measure_in_turns", gave("in turns", "out of memory"))
    monkeypatch.setattr(module, "measure_apart", gave("apart", "failed"))
    registry = SimpleNamespace(passes=Registry().passes)
    doing: Any = SimpleNamespace(
        run=SimpleNamespace(registry=registry),
        engine=SimpleNamespace(in_turns=True, make=lambda calls, *about: calls.here()),
        random=Random(0),
        apart=set(),
    )
    lanes: Any = [SimpleNamespace(block=block, engine=doing.engine, resources=ANY)] * 2
    for rounds in (1, 2):
        assert [each.status for each in Execution._timed(doing, lanes)] == ["failed"] * 2
        assert tries == {"in turns": 1, "apart": rounds}

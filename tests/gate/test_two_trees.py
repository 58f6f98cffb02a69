"""Real gates between commits of a clone, in which something was planted, and their exit codes.

Noise must not fail a test. So where a time decides, "inconclusive" is accepted beside the word that
is due, and never its opposite; how often which is said is measured by benchmarks/gate.py.
"""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from typing import Any
from xml.etree import ElementTree as Xml

import psutil
import pytest

from benchmarks.planting import BUSIER, CROWDED, HEAVIER, SLOWER, WRONG, Clone, clone
from tests.command import ROOT

LEARNER, FILE = "BatchedMaml", "methods/batched_maml.py"
SUITE = """
name = "planted"
summary = "One learner on the smallest workload"
verdicts = false

[protocol]
seeds = 2
warmup_s = 0.05
check_examples = 3
trajectory_steps = 2
limit_s = 60.0

[[pair]]
name = "batched"
baseline = "batched_maml"
method = "batched_maml"
workload = "sinusoid"
differ = "nothing"
passes = {passes}
settings = {{ meta_batch = 2 }}
"""
EXACT = ["check", "trajectory", "operations", "memory"]
CHATTIER = """

def _chattier(meta_gradient):
    import torch

    def chattier(self, state, batch):
        self._team.all_reduce(torch.zeros(10))
        return meta_gradient(self, state, batch)

    return chattier


Qmaml.meta_gradient = _chattier(Qmaml.meta_gradient)
"""
BEFORE_SCHEMA_2 = "a66c2d7"
"""The last commit whose workers hand back records of schema 1."""

PLUGIN = '''
from dataclasses import dataclass
from baselines.reference_maml import ReferenceMaml
from harness.registry import method


@method("only_at_head")
@dataclass(frozen=True)
class OnlyAtHead(ReferenceMaml):
    """A learner that base does not have."""
'''

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Clone:
    made = clone(ROOT, tmp_path_factory.mktemp("gate") / "project")
    made.git("tag", "start")
    return made


@pytest.fixture
def fresh(project: Clone) -> Iterator[Clone]:
    """The clone as it was first; what a test plants is forgotten."""
    yield project
    project.git("checkout", "-qf", "--detach", "start")
    project.git("clean", "-qfd")


def gate(
    project: Clone, *words: str, passes: list[str] | None = None, learner: str = "batched_maml"
) -> tuple[int, Any, str]:
    """Run a gate in the clone; return its exit code, its report and what it said."""
    suite = project.root.parent / "planted.toml"
    text = SUITE.format(passes=json.dumps(EXACT if passes is None else passes))
    suite.write_text(text.replace("batched_maml", learner))
    if not any(word.startswith("suite=") for word in words):
        words = (f"suite={suite}", *words)
    done = subprocess.run(
        [sys.executable, "-m", "harness", "gate", "--json", *words],
        capture_output=True,
        text=True,
        check=False,
        timeout=300,
        cwd=project.root,
        env=os.environ | {"PYTHONPATH": str(project.root)},
    )
    report = json.loads(done.stdout) if done.stdout else None
    return done.returncode, report, done.stderr


def words_of(report: Any) -> dict[str, str]:
    return {finding["measure"]: finding["word"] for finding in report["findings"]}


def test_a_commit_that_changes_nothing_passes_and_leaves_nothing_behind(fresh: Clone):
    markdown, junit = fresh.root.parent / "gate.md", fresh.root.parent / "gate.xml"
    files = (f"markdown={markdown}", f"junit={junit}")
    code, report, said = gate(fresh, "base=start", "head=start", *files)
    assert code == 0, said
    assert set(words_of(report).values()) == {"same"}
    assert report["base"]["commit"] == fresh.git("rev-parse", "start")
    assert "Passed" in markdown.read_text()
    assert Xml.parse(junit).getroot().find("testsuite").get("failures") == "0"
    assert len(fresh.git("worktree", "list").splitlines()) == 1


def test_a_wrong_gradient_is_a_mismatch(fresh: Clone):
    fresh.plant(FILE, WRONG.format(learner=LEARNER, factor=1.0001), "wrong")
    code, report, said = gate(fresh, "base=start", passes=["check", "step"])
    assert code == 6, said
    assert words_of(report) == {"gradient": "mismatch"}  # and its time is not worth measuring


def test_a_workload_that_changed_under_an_exact_learner_is_a_mismatch(fresh: Clone):
    rate = fresh.root / "suites/sinusoid.py"
    rate.write_text(rate.read_text().replace("inner_lr: float = 0.01", "inner_lr: float = 0.02"))
    code, report, said = gate(fresh, "base=start", passes=["check"])
    assert code == 6, said
    assert "workload or the oracle changed" in report["findings"][0]["reason"]
    assert report["head"]["dirty"]


def test_an_extra_allocation_is_a_regression_to_the_byte(fresh: Clone):
    fresh.plant(FILE, HEAVIER.format(learner=LEARNER, floats=1000), "heavier")
    code, report, said = gate(fresh, "base=start")
    assert code == 1, said
    found = words_of(report)
    assert found.pop("peak_bytes") == "regressed"
    assert set(found.values()) == {"same"}
    (memory,) = [each for each in report["findings"] if each["measure"] == "peak_bytes"]
    assert memory["head"] - memory["base"] == 4000


def test_one_more_product_in_adaptation_is_a_regression_to_the_operation(fresh: Clone):
    fresh.plant(FILE, BUSIER.format(learner=LEARNER, size=10), "busier")
    code, report, said = gate(fresh, "base=start", "limit_s=1", passes=["operations", "adaptation"])
    assert code == 1, said
    found = {each["measure"]: each for each in report["findings"]}
    assert found["flops"]["word"] == "same"
    adapting = found["adaptation_flops"]
    assert adapting["word"] == "regressed"
    assert adapting["head"] - adapting["base"] == 2 * 10**3
    assert adapting["ratio"]["estimate"] < 1.05  # far below the threshold of times


def test_one_more_sum_over_the_ranks_is_a_regression(fresh: Clone):
    fresh.plant("methods/qmaml.py", CHATTIER, "chattier")
    code, report, said = gate(fresh, "base=start", "suite=gate", "pairs=qmaml-sinusoid")
    assert code == 1, said
    worse = {each["measure"]: each for each in report["findings"] if each["word"] != "same"}
    assert set(worse) == {"allreduce_calls", "allreduce_bytes"}
    assert all(each["word"] == "regressed" for each in worse.values())
    sums = worse["allreduce_calls"]
    assert sums["head"] - sums["base"] == 1


def test_what_works_at_base_and_fails_at_head_is_a_regression(fresh: Clone):
    fresh.plant(FILE, f"\n\ndel {LEARNER}.meta_gradient\n", "broken")
    code, report, said = gate(fresh, "base=start", passes=["memory"])
    assert code == 1, said
    assert "it works at base, but" in report["findings"][0]["reason"]


@pytest.mark.parametrize("percent", [10, 30])
def test_a_slow_down_is_never_let_pass(fresh: Clone, percent: int):
    fresh.plant(FILE, SLOWER.format(learner=LEARNER, share=percent / 100), "slower")
    code, report, said = gate(fresh, "base=start", "limit_s=30", passes=["step"])
    assert code in (1, 3), said
    assert words_of(report)["step_time"] == ("regressed" if code == 1 else "inconclusive")


def test_a_gate_without_the_time_to_decide_is_inconclusive(fresh: Clone):
    code, report, said = gate(fresh, "base=start", "limit_s=1", passes=["step"])
    assert code == 3, said
    assert words_of(report) == {"step_time": "inconclusive"}


def test_a_gate_that_compared_nothing_does_not_pass(fresh: Clone):
    plugin = fresh.root / "new_learner.py"  # in the tree, and not committed: base lacks it
    plugin.write_text(PLUGIN)
    code, report, said = gate(
        fresh, "base=start", f"plugin={plugin}", passes=["check"], learner="only_at_head"
    )
    assert code == 4, said
    assert words_of(report) == {"all": "new"}


@pytest.mark.parametrize(
    "words",
    [("pairs=batched",), ("suite=gate", "pairs=qmaml-sinusoid")],
    ids=["one-process", "ranks"],
)
def test_an_older_commit_s_workers_understand_ours_and_are_understood(
    fresh: Clone, words: tuple[str, ...]
):
    """An older tree is measured by its own code: what it is told and what it tells must fit."""
    try:
        fresh.git("cat-file", "-e", f"{BEFORE_SCHEMA_2}^{{commit}}")
    except subprocess.CalledProcessError:
        pytest.skip("this checkout has no history")
    code, report, said = gate(fresh, f"base={BEFORE_SCHEMA_2}", *words)
    assert code in (0, 3), said
    found = words_of(report)
    assert not {"mismatch", "not compared", "new"} & set(found.values()), report["findings"]
    assert found["gradient"] == found["flops"] == found["backward_passes"] == "same"


def test_a_revision_from_before_gates_is_wrong_usage_and_skipped_in_a_bisection(fresh: Clone):
    fresh.git("rm", "-q", "harness/measure/turns.py")
    old = fresh.commit("before gates")
    fresh.git("checkout", "-qf", "--detach", "start")
    code, _, said = gate(fresh, "base=start", f"head={old}")
    assert code == 2
    assert "too old" in said
    code, _, _ = gate(fresh, "base=start", f"head={old}", "--bisect")
    assert code == 125


def test_an_unknown_revision_is_told_with_the_nearest_name(fresh: Clone):
    code, _, said = gate(fresh, "base=strat")
    assert code == 2
    assert "did you mean 'start'" in said
    assert gate(fresh, "base=strat", "--bisect")[0] > 127  # no commit could mend it


@pytest.mark.parametrize("side", ["base", "head"])
def test_a_revision_that_is_no_valid_python_is_named_and_skipped_in_a_bisection(
    fresh: Clone, side: str
):
    broken = fresh.plant(FILE, "def (", "broken")
    fresh.git("checkout", "-qf", "--detach", "start")
    words = {"base": "start", "head": "start"} | {side: broken}
    code, _, said = gate(fresh, *(f"{name}={value}" for name, value in words.items()), "--bisect")
    assert code == 125
    assert f"{broken}: {FILE}, line" in said


def test_a_gate_that_is_told_to_end_leaves_nothing_behind(fresh: Clone):
    temporary = fresh.root.parent / "temporary"
    temporary.mkdir()
    suite = fresh.root.parent / "long.toml"
    text = SUITE.format(passes=json.dumps(["check"]))
    suite.write_text(text.replace("check_examples = 3", "check_examples = 100_000"))
    with subprocess.Popen(
        [sys.executable, "-m", "harness", "gate", f"suite={suite}", "base=start"],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
        cwd=fresh.root,
        env=os.environ | {"PYTHONPATH": str(fresh.root), "TMPDIR": str(temporary)},
    ) as process:
        assert process.stderr is not None
        next(line for line in process.stderr if "gradient, counts" in line)
        workers = psutil.Process(process.pid).children(recursive=True)
        process.send_signal(signal.SIGTERM)
        assert "all checkouts are removed" in process.stderr.read()
    assert process.returncode == 128 + signal.SIGTERM
    assert not psutil.wait_procs(workers, timeout=10)[1]
    assert not list(temporary.glob("harness*"))
    assert len(fresh.git("worktree", "list").splitlines()) == 1


def test_a_head_that_is_busy_with_threads_of_its_own_is_not_let_pass(fresh: Clone):
    fresh.plant(FILE, CROWDED.format(learner=LEARNER), "crowded")
    code, report, said = gate(fresh, "base=start", "limit_s=25", passes=["step"])
    assert code in (1, 3), said
    assert words_of(report)["step_time"] == ("regressed" if code == 1 else "inconclusive")

"""The guide's commands do what it says, in a repository made for them."""

from __future__ import annotations

import json
import os
import re
import shlex
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
GUIDE = (ROOT / "docs" / "gate.md").read_text()

SUITE = """
name = "tiny"
summary = "A learner whose operations are counted, and nothing else"
verdicts = false

[[pair]]
name = "tiny"
baseline = "tiny"
method = "tiny"
workload = "sinusoid"
differ = "nothing"
passes = ["operations"]
settings = { meta_batch = 2, inner_steps = 1 }
"""

LEARNER = '''"""MAML whose gradient may be computed more than once."""

from __future__ import annotations

from dataclasses import dataclass

from baselines.reference_maml import ReferenceMaml
from harness.declare.equivalence import Exact
from harness.registry import method

TIMES = {times}


@method("tiny")
@dataclass(frozen=True)
class Tiny(ReferenceMaml):
    """MAML, computed so many times."""

    equivalence = Exact()

    def meta_gradient(self, state, batch):
        for _ in range(TIMES):
            found = ReferenceMaml.meta_gradient(self, state, batch)
        return found
'''

# Bisect asks about the fourth first, which can't be imported. The sixth is the one to be found.
COMMITS = [
    LEARNER.format(times=1),
    LEARNER.format(times=1) + "# one\n",
    LEARNER.format(times=1) + "# two\n",
    LEARNER.format(times="unknown"),
    LEARNER.format(times=1) + "# four\n",
    LEARNER.format(times=2),
    LEARNER.format(times=2) + "# six\n",
]


def recipe() -> list[list[str]]:
    """Return the guide's commands from the start of a bisection to its end."""
    found = re.search(r"```\n(git bisect start.*?)```", GUIDE, re.DOTALL)
    assert found is not None
    return [shlex.split(line) for line in found[1].replace("\\\n", " ").splitlines()]


@pytest.fixture
def repository(tmp_path: Path) -> Path:
    """Return a clone of the project's code with six commits of its own."""
    root = tmp_path / "a clone"
    for folder in ("harness", "baselines", "methods", "suites"):
        shutil.copytree(ROOT / folder, root / folder, ignore=shutil.ignore_patterns("__pycache__"))
    (root / ".gitignore").write_text("__pycache__/\n")
    (root / "suites" / "tiny.toml").write_text(SUITE)
    git(root, "init", "--quiet", "--initial-branch=main")
    for number, text in enumerate(COMMITS):
        (root / "methods" / "tiny.py").write_text(text)
        git(root, "add", "--all")
        git(root, "commit", "--quiet", "--message", f"Commit {number}")
    return root


def git(root: Path, *words: str) -> str:
    return command(root, "git", *words)


def command(root: Path, *words: str, code: int = 0) -> str:
    """Run a command as someone without settings of their own."""
    python = Path(sys.executable).parent
    environment = {
        "PATH": f"{python}:{os.environ['PATH']}",
        "HOME": str(root.parent),
        "GIT_CONFIG_GLOBAL": os.devnull,
        "GIT_CONFIG_SYSTEM": os.devnull,
    }
    for role in ("AUTHOR", "COMMITTER"):
        environment |= {f"GIT_{role}_NAME": "A", f"GIT_{role}_EMAIL": "a@example.org"}
    done = subprocess.run(
        words, cwd=root, env=environment, capture_output=True, text=True, timeout=600
    )
    assert done.returncode == code, done.stdout + done.stderr
    return done.stdout + done.stderr


@pytest.mark.slow
def test_the_guides_bisection_finds_the_commit_past_one_that_can_not_be_told(repository: Path):
    commits = git(repository, "rev-list", "--reverse", "HEAD").split()
    names = {"GOOD": commits[0], "BAD": commits[-1], "base=GOOD": f"base={commits[0]}"}
    said = {}
    for line in recipe():
        words = [names.get(word, word) for word in line]
        if words[1:3] == ["bisect", "run"]:
            words += ["suite=tiny"]
        said[words[2]] = git(repository, *words[1:])
    assert f"{commits[5]} is the first bad commit" in said["run"], said["run"]
    assert "tiny on sinusoid (" in said["run"]
    assert git(repository, "status", "--porcelain") == ""
    assert git(repository, "worktree", "list").count("\n") == 1


@pytest.mark.slow
def test_a_history_shows_the_commit_that_made_a_count_grow(repository: Path):
    commits = git(repository, "rev-list", "--reverse", "HEAD").split()
    for number, code in ((5, 1), (6, 0)):
        words = [f"base={commits[number - 1]}", f"head={commits[number]}", "suite=tiny"]
        gate = [sys.executable, "-m", "harness", "gate", *words, "history=kept/history.jsonl"]
        command(repository, *gate, code=code)
    report = [sys.executable, "-m", "harness", "report", "kept/history.jsonl", "--json"]
    told = json.loads(command(repository, *report))
    flops = next(series for series in told["series"] if series["measure"] == "flops")
    assert [chain["commits"] for chain in flops["chains"]] == [commits[5:7]]
    (change,) = flops["changes"]
    assert (change["first"], change["ratio"]) == (commits[5], 2)


def test_changes_that_are_in_no_commit_make_no_history(repository: Path):
    (repository / "methods" / "tiny.py").write_text(LEARNER.format(times=3))
    words = ["base=HEAD", "suite=tiny", "history=history.jsonl"]
    said = command(repository, sys.executable, "-m", "harness", "gate", *words, code=2)
    assert "history= records findings about commits, but the worktree has uncommitted" in said
    assert not (repository / "history.jsonl").exists()

"""The workflow files work as they stand: their commands exist, and each exit code is handled."""

from __future__ import annotations

import configparser
import os
import re
import subprocess
from pathlib import Path
from typing import Any

import pytest
import yaml

ROOT = Path(__file__).parents[2]
CI = ROOT / "docs" / "ci"
GITHUB = yaml.safe_load((CI / "github-gate.yml").read_text())
GITLAB = yaml.safe_load((CI / "gitlab-gate.yml").read_text())
STEPS = {step.get("name", step.get("uses")): step for step in GITHUB["jobs"]["gate"]["steps"]}
SCRIPTS = {f"GitHub, {name}": step["run"] for name, step in STEPS.items() if "run" in step}
SCRIPTS |= {f"GitLab, {key}": "\n".join(GITLAB["gate"][key]) for key in ("script", "after_script")}

GATE = STEPS["Gate"]["run"]


def bash(
    script: str, folder: Path, tools: dict[str, str], **environment: str
) -> subprocess.CompletedProcess[str]:
    """Run a script as a runner does, with tools that are scripts themselves."""
    (folder / "bin").mkdir()
    for name, body in tools.items():
        tool = folder / "bin" / name
        tool.write_text(f"#!/bin/sh\n{body}\n")
        tool.chmod(0o755)
    return subprocess.run(
        ["bash", "--noprofile", "--norc", "-eo", "pipefail", "-c", script],
        cwd=folder,
        env={"PATH": f"{folder / 'bin'}:{os.defpath}"} | environment,
        capture_output=True,
        text=True,
    )


def commands(pattern: str) -> set[str]:
    return {found for script in SCRIPTS.values() for found in re.findall(pattern, script)}


@pytest.mark.parametrize("name", SCRIPTS)
def test_scripts_are_shell(name: str):
    done = subprocess.run(["bash", "-n"], input=SCRIPTS[name], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr


def test_the_tox_environments_exist():
    tox = configparser.ConfigParser()
    tox.read(ROOT / "tox.ini")
    named = commands(r"tox run -e (\w+)") | commands(r"\.tox/(\w+)/")
    assert named
    assert {f"testenv:{name}" for name in named} <= set(tox.sections())


def github(folder: Path, code: int, event: str = "push") -> subprocess.CompletedProcess[str]:
    tox = f'echo "$@" > words; echo "# Gate" > .gate/gate.md; exit {code}'
    tools = {"tox": tox, "python": "exit 0"}
    summary = str(folder / "summary")
    return bash(
        GATE, folder, tools, BASE="abc", GITHUB_EVENT_NAME=event, GITHUB_STEP_SUMMARY=summary
    )


@pytest.mark.parametrize(
    ("code", "left", "said"),
    [
        (0, 0, ""),
        (1, 1, ""),
        (2, 2, ""),
        (3, 0, "::warning::Inconclusive"),
        (4, 4, "::error::Nothing was measured"),
        (5, 5, "::error::Base and head ran in different environments"),
        (6, 6, ""),
        (70, 70, ""),
        (137, 137, ""),
    ],
)
def test_the_gates_exit_code_decides_the_step_and_the_summary_is_shown(
    tmp_path: Path, code: int, left: int, said: str
):
    done = github(tmp_path, code)
    assert (done.returncode, done.stderr) == (left, "")
    assert done.stdout.startswith(said)
    assert (tmp_path / "summary").read_text() == "# Gate\n"


@pytest.mark.parametrize(("event", "kept"), [("push", True), ("pull_request", False)])
def test_only_the_main_branch_makes_history(tmp_path: Path, event: str, kept: bool):
    github(tmp_path, 0, event)
    words = (tmp_path / "words").read_text().split()
    assert words[:4] == ["run", "-e", "gate", "--"]
    assert "base=abc" in words
    assert ("history=.gate/history.jsonl" in words) is kept


NEW = "0" * 40
GIT = """case "$*" in
"merge-base origin/main HEAD") echo merged;;
"cat-file -e before^{commit}") ;;
*) echo "fatal: $*" >&2; exit 128;;
esac"""
"""A git that knows where the branches part and one commit, and nothing else."""


@pytest.mark.parametrize(
    ("target", "before", "base"),
    [("main", NEW, "merged"), ("", "before", "before"), ("", NEW, "HEAD~1")],
)
def test_the_base_is_the_merge_base_or_what_the_branch_was(
    tmp_path: Path, target: str, before: str, base: str
):
    script = STEPS["Choose the base"]["run"]
    left = tmp_path / "env"
    given = {"TARGET": target, "BEFORE": before, "GITHUB_ENV": str(left)}
    done = bash(script, tmp_path, {"git": GIT}, **given)
    assert done.returncode == 0, done.stderr
    assert left.read_text() == f"BASE={base}\n"


@pytest.mark.parametrize(
    ("environment", "base", "kept"),
    [
        (
            {"CI_MERGE_REQUEST_DIFF_BASE_SHA": "merged", "CI_COMMIT_BEFORE_SHA": "0"},
            "merged",
            False,
        ),
        ({"CI_COMMIT_BEFORE_SHA": "before"}, "before", True),
        ({"CI_COMMIT_BEFORE_SHA": NEW}, "HEAD~1", True),
    ],
)
def test_gitlab_does_the_same(tmp_path: Path, environment: dict[str, str], base: str, kept: bool):
    tools = {"tox": 'echo "$@" > words; exit 3', "python": "exit 0", "git": GIT}
    done = bash(SCRIPTS["GitLab, script"], tmp_path, tools, **environment)
    assert done.returncode == 3  # which GitLab turns into a warning
    words = (tmp_path / "words").read_text().split()
    assert f"base={base}" in words
    assert ("history=.gate/history.jsonl" in words) is kept


def test_both_fetch_all_commits_and_keep_what_the_gate_wrote():
    assert STEPS["actions/checkout@v4"]["with"]["fetch-depth"] == 0
    assert GITLAB["gate"]["variables"]["GIT_DEPTH"] == "0"
    assert GITLAB["gate"]["allow_failure"] == {"exit_codes": [3]}
    written = commands(r"(?:markdown|junit|history)=(\S+?)[\s\"]")
    assert written == {".gate/gate.md", ".gate/gate.xml", ".gate/history.jsonl"}
    upload = STEPS["actions/upload-artifact@v4"]["with"]
    assert (upload["path"], upload["include-hidden-files"]) == (".gate", True)
    assert GITLAB["gate"]["artifacts"]["paths"] == [".gate"]
    assert GITLAB["gate"]["artifacts"]["reports"]["junit"] in written


def test_what_the_gate_writes_does_not_make_the_tree_dirty():
    done = subprocess.run(["git", "-C", str(ROOT), "check-ignore", ".gate/gate.md"])
    assert done.returncode == 0


def test_secrets_are_not_within_a_pull_requests_reach():
    assert GITHUB["permissions"] == {"contents": "read"}
    triggers: Any = GITHUB[True]  # YAML 1.1 reads the word on as true
    assert set(triggers) == {"pull_request", "push"}
    for script in SCRIPTS.values():  # names of branches are others' words: variables, not text
        assert "${{" not in script

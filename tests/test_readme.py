"""The README's words are true: its commands exist, and its example works as it stands."""

from __future__ import annotations

import configparser
import json
import re
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
README = (ROOT / "README.md").read_text()


def example(name: str) -> str:
    found = re.search(rf"<!-- example: {re.escape(name)} -->\n```\w+\n(.*?)```", README, re.DOTALL)
    assert found, name
    return found[1]


def harness(folder: Path, *words: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "harness", *words],
        cwd=folder,
        env={"PYTHONPATH": str(ROOT), "PATH": "/usr/bin:/bin"},
        capture_output=True,
        text=True,
    )


def test_the_example_is_a_complete_method_in_under_forty_lines():
    assert len(example("fomaml.py").splitlines()) < 40


@pytest.mark.slow
def test_the_example_method_passes_its_check_and_is_measured(tmp_path: Path):
    for name in ("fomaml.py", "mine.toml"):
        (tmp_path / name).write_text(example(name))
    check = harness(tmp_path, "check", "fomaml", "plugin=fomaml.py", "--examples", "10")
    assert check.returncode == 0, check.stdout + check.stderr
    assert "passed" in check.stdout
    words = ["suite=mine.toml", "plugin=fomaml.py", "seeds=1", "rounds=1", "threads=1", "out=run"]
    run = harness(tmp_path, "run", *words)
    assert run.returncode == 0, run.stdout + run.stderr
    assert "first-order" in run.stdout
    claims = json.loads((tmp_path / "run" / "claims.json").read_text())
    (verdict,) = claims["verdicts"]
    assert (verdict["claim"], verdict["pair"]) == ("first-order-33-percent", "first-order")
    assert (tmp_path / "run" / "report.pdf").is_file()


def test_every_tox_environment_that_is_named_exists():
    tox = configparser.ConfigParser()
    tox.read(ROOT / "tox.ini")
    for names in re.findall(r"tox run -e ([\w,]+)", README):
        for name in names.split(","):
            assert f"testenv:{name}" in tox.sections()


PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md"))]


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.stem)
def test_every_file_that_is_named_exists(page: Path):
    text = page.read_text()
    for path in re.findall(r"`((?:harness|suites|baselines|methods)/[\w./]*)`", text):
        assert any(ROOT.glob(path.replace("NAME", "*"))), path
    for path in re.findall(r"\]\(([\w./-]+)\)|srcset=\"([^\"]+)\"", text):
        assert (page.parent / "".join(path)).exists(), path


def test_every_suite_is_in_the_list_of_them():
    listed = (ROOT / "docs" / "suites.md").read_text()
    for suite in (ROOT / "suites").glob("*.toml"):
        assert suite.stem == "claims" or f"`{suite.stem}`" in listed, suite.stem


def test_continuous_integration_runs_the_readmes_test_command():
    command = next(line for line in README.splitlines() if "-e tests" in line)
    assert command in (ROOT / ".ci" / "run").read_text().splitlines()

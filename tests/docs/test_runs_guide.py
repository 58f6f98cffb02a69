"""The commands of the guide to finished runs work as they stand."""

from __future__ import annotations

import importlib.util
import json
import re
import shlex
import shutil
from pathlib import Path

import pytest

from harness.cli import main
from harness.records.store import MANIFEST
from tests.records.made import FIXTURE
from tests.test_readme import README, ROOT

GUIDE = (ROOT / "docs" / "runs.md").read_text()
COMMANDS = re.findall(r"^python -m harness (.*)$", GUIDE, re.MULTILINE)


def test_the_readme_leads_there():
    assert "](docs/runs.md)" in README


def test_every_command_works_on_a_run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys):
    monkeypatch.chdir(tmp_path)
    for name in ("one", "other", "third"):
        shutil.copytree(FIXTURE, Path("results") / name)
        manifest = Path("results") / name / MANIFEST
        about = json.loads(manifest.read_text())
        about["probes"]["git_commit"] = "0123456789abcdef"  # which asv files results under
        manifest.write_text(json.dumps(about))
    assert COMMANDS
    for command in COMMANDS:
        words = shlex.split(command, comments=True)
        if "format=parquet" in words and importlib.util.find_spec("pyarrow") is None:
            continue  # it is an extra
        if words[0] == "reproduce" and "with=results/other" not in words:
            continue  # it measures: see tests/cli/test_reproducing.py
        assert main(words) in (0, 1, 3, 4), command
        assert capsys.readouterr().err == "", command
    for made in ("compared/report.html", "verdicts.xml", "results/one/bencher.json", "asv/results"):
        assert Path(made).exists(), made

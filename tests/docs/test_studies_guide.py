"""The guide's study, from a file outside the tree, is measured, judged, shown and told."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from pathlib import Path

import pypdf
import pytest

ROOT = Path(__file__).parents[2]
GUIDE = (ROOT / "docs" / "studies.md").read_text()
EXAMPLE = re.compile(r"<!-- example: (\S+) -->\n```\w+\n(.*?)```", re.DOTALL)
COMMAND = re.compile(r"^python -m harness (.+)$", re.MULTILINE)

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the guide's files, in which its commands have been run as they stand."""
    folder = tmp_path_factory.mktemp("guide")
    for name, text in EXAMPLE.findall(GUIDE):
        (folder / name).write_text(text)
    for words in COMMAND.findall(GUIDE):
        done = harness(folder, *words.split())
        assert done.returncode == 0, done.stderr
    return folder


def harness(folder: Path, *words: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "harness", *words],
        capture_output=True,
        text=True,
        check=False,
        cwd=folder,
        env=os.environ | {"PYTHONPATH": str(ROOT)},
    )


def test_its_pass_is_measured_and_its_claim_is_judged(folder: Path) -> None:
    claims = json.loads((folder / "cold" / "claims.json").read_text())
    (verdict,) = claims["verdicts"]
    assert verdict["measure"] == "first_step_time"
    assert verdict["ratio"]["n"] == 2
    assert set(claims["first_steps"]) == {"batched", "noise"}
    lines = (folder / "cold" / "measures.csv").read_text().splitlines()
    assert sum(",first_step," in line for line in lines) >= 2 * 2 * 2


def test_page_and_paper_carry_its_table_and_its_figure(folder: Path) -> None:
    page = (folder / "cold" / "report.html").read_text()
    paper = "".join(p.extract_text() for p in pypdf.PdfReader(folder / "cold" / "report.pdf").pages)
    for text in (page, " ".join(paper.split())):
        assert "How many warm steps the first step of a fresh process takes" in text
        assert "the first step comes twice as soon" in text
    assert (folder / "cold" / "figures" / "first-steps.svg").is_file()


def test_the_harness_itself_does_not_know_it(folder: Path) -> None:
    done = harness(folder, "report", "cold")
    assert done.returncode == 2
    assert "plugin=" in done.stderr
    assert "Traceback" not in done.stderr

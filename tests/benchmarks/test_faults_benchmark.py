"""The benchmark of faults sees what is lost, what is doubled and what failed."""

from __future__ import annotations

import json
from pathlib import Path
from random import Random

import pytest

from benchmarks.faults import KilledRun, Outcome, main
from harness.records.store import MANIFEST, RECORDS, TORN


def line(block: str, **about: object) -> str:
    return json.dumps({"block": block, "status": "ok", "tries": None} | about) + "\n"


@pytest.fixture
def run(tmp_path: Path) -> Path:
    (tmp_path / "run").mkdir()
    (tmp_path / "run" / MANIFEST).write_text('{"plan": ["a", "b", "c"]}')
    (tmp_path / "log").touch()
    return tmp_path / "run"


def test_a_run_that_is_whole_is_good(run: Path):
    killed = KilledRun(run.parent, outcome := Outcome(), Random(0))
    (run / RECORDS).write_text(line("a") + line("b", tries=2) + '{"block": "c"')
    killed.compare()
    (run / TORN).write_text('{"block": "c"\n')
    (run / RECORDS).write_text(line("a") + line("b", tries=2) + line("c", status="died", tries=2))
    killed.compare()
    killed.look()
    assert outcome.is_good
    assert (outcome.runs, outcome.blocks, outcome.torn) == (1, 3, 1)
    assert (outcome.again, outcome.given_up) == (2, 1)


def test_what_is_gone_missing_or_doubled_is_counted(run: Path):
    killed = KilledRun(run.parent, outcome := Outcome(), Random(0))
    (run / RECORDS).write_text(line("a") + line("b"))
    killed.compare()
    (run / RECORDS).write_text(line("b") + line("b", tries=1))
    (run.parent / "log").write_text("Traceback (most recent call last):\n")
    killed.compare()
    killed.look()
    gone, missing = 1, 2  # the record of a; the blocks a and c
    assert (outcome.lost, outcome.doubled, outcome.tracebacks) == (gone + missing, 1, 1)
    assert not outcome.is_good


def test_wrong_words_are_told(capsys):
    assert main(["kill=3"]) == 2
    assert "did you mean 'kills'?" in capsys.readouterr().err

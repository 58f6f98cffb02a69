"""The gate's benchmark: rates with honest intervals, and a run that goes on where it was."""

from __future__ import annotations

import json
import subprocess
import sys
import time
from pathlib import Path
from random import Random
from typing import Any

import psutil
import pytest

from benchmarks import picture
from benchmarks.gate import _left, main
from benchmarks.load import busy, switching
from benchmarks.outcomes import append, of_one_kind, read, summary
from benchmarks.picture import COLOURS, MISTAKEN
from benchmarks.rates import clopper_pearson
from harness.registry import ROOT


def outcome(kind: str, number: int, exit_code: int, load: str = "quiet") -> dict[str, Any]:
    return {"kind": kind, "number": number, "exit": exit_code, "load": load, "seconds": 10.0} | {
        "tree": ["a"],
        "limit_s": 300,
        "percent": 10,
    }


def test_no_alarm_in_two_hundred_gates_is_not_a_rate_of_nothing():
    low, high = clopper_pearson(0, 200)
    assert low == 0
    assert high == pytest.approx(1 - 0.025 ** (1 / 200))


def test_only_what_is_left_is_run():
    done = [outcome("same", 0, 0), outcome("slower", 1, 1)]
    assert list(_left({"same": 3, "slower": 2}, done)) == [
        ("slower", 0),
        ("same", 1),
        ("same", 2),
    ]


def test_a_torn_line_is_run_again(tmp_path: Path):
    path = tmp_path / "new" / "outcomes.jsonl"
    append(path, outcome("same", 0, 0))
    with path.open("a") as file:
        file.write(json.dumps(outcome("same", 1, 0))[:20])
    assert [each["number"] for each in read(path)] == [0]
    append(path, outcome("same", 1, 0))
    assert [each["number"] for each in read(path)] == [0, 1]


def test_alarms_and_misses_are_counted_apart():
    done = [outcome("same", n, 1 if n == 3 else 0, "busy" if n % 2 else "quiet") for n in range(10)]
    done += [outcome("slower", n, 3 if n == 0 else 1) for n in range(4)]
    text = summary(done, 10, 300)
    assert "false alarms, all: 1 of 10" in text
    assert "false alarms, quiet: 0 of 5" in text
    assert "within 300 s, all: 3 of 4 = 75.0%" in text
    assert "1 inconclusive" in text


def test_what_is_found_too_late_is_not_found_in_time():
    late = outcome("slower", 1, 1) | {"seconds": 301.0}
    assert "within 300 s, all: 1 of 2" in summary([outcome("slower", 0, 1), late], 10, 300)


def test_a_gate_that_broke_is_shown():
    assert "1 gates ended in another way" in summary([outcome("same", 0, 70)], 10, 300)


def test_a_wrong_word_is_refused(capsys: pytest.CaptureFixture[str]):
    assert main(["slow=3"]) == 2
    assert "did you mean 'slower'" in capsys.readouterr().err


def test_the_load_is_there_and_gone():
    me = psutil.Process()
    before = set(me.children())
    with busy(2):
        assert len(set(me.children()) - before) == 2
    with switching(2, Random(0)):
        pass
    assert set(me.children()) == before


def test_neighbours_end_with_the_process_that_started_them_however_it_ended():
    parent = "import os, psutil\nfrom benchmarks.load import busy\n"
    parent += "with busy(1):\n    print(psutil.Process().children()[0].pid, flush=True)\n"
    parent += "    os._exit(1)"
    done = subprocess.run(
        [sys.executable, "-c", parent], stdout=subprocess.PIPE, text=True, check=False, cwd=ROOT
    )
    burner = int(done.stdout)
    deadline = time.monotonic() + 20
    while psutil.pid_exists(burner) and psutil.Process(burner).status() != psutil.STATUS_ZOMBIE:
        assert time.monotonic() < deadline, "it is still there"
        time.sleep(0.05)


def test_the_picture_holds_every_gate_that_took_times(tmp_path):
    ratio = {"estimate": 1.1, "low": 1.08, "high": 1.12}
    findings = [{"measure": "step_time", "word": "regressed", "ratio": ratio}]
    seen = [
        outcome("slower", number, exit_code) | {"findings": findings}
        for number, exit_code in enumerate((1, 1, 3))
    ]
    path = tmp_path / "outcomes.jsonl"
    path.write_text("".join(json.dumps(each) + "\n" for each in [*seen, outcome("same", 0, 70)]))
    assert picture.main([str(path), str(tmp_path / "gates.svg")]) == 0
    drawn = (tmp_path / "gates.svg").read_text()
    assert "3 gates whose truth is known, 1 more took no times" in drawn
    assert drawn.count(COLOURS["slower"]) > drawn.count(MISTAKEN) > 0


def test_a_picture_of_nothing_is_refused(tmp_path, capsys):
    assert picture.main([str(tmp_path / "absent.jsonl"), str(tmp_path / "gates.svg")]) == 2
    assert "no gate's outcome is in it" in capsys.readouterr().err
    assert not (tmp_path / "gates.svg").exists()


def test_only_gates_of_the_same_code_are_counted_together():
    done = [outcome("same", 0, 0), outcome("slower", 0, 1), outcome("same", 1, 0) | {"tree": ["b"]}]
    assert of_one_kind(done, ["a"], 7, 300) == done[:1]  # of equal commits, at any per cent
    assert of_one_kind(done, ["a"], 10, 300) == done[:2]
    assert of_one_kind(done, ["a"], 10, 60) == []


def test_what_gates_measured_of_the_slow_down_is_told():
    ratio = {"estimate": 1.13, "low": 1.1, "high": 1.16}
    found = {"findings": [{"measure": "step_time", "word": "regressed", "ratio": ratio}]}
    assert "10 % slower: median 13.0 %" in summary([outcome("slower", 0, 1) | found], 10, 300)

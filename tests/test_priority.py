"""What is measured goes first where the system grants it, and never where its user said not to."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from harness import priority
from harness.measure.engines.local import LocalEngine

WENT = """
import os, sys
from harness.priority import AUTOGROUP, go_first, niceness
os.nice(int(sys.argv[1]))
foretold = niceness()
go_first()
group = AUTOGROUP.read_text().split()[-1] if AUTOGROUP.exists() else 0
print(os.getpriority(os.PRIO_PROCESS, 0), foretold, group)
"""

UNUSUAL = os.getpriority(os.PRIO_PROCESS, 0) != 0


def went(nice: int) -> list[int]:
    command = [sys.executable, "-c", WENT, str(nice)]
    done = subprocess.run(
        command, capture_output=True, text=True, check=True, start_new_session=True
    )
    return [int(word) for word in done.stdout.split()]


@pytest.mark.skipif(UNUSUAL, reason="the tests run under nice")
def test_a_process_and_its_session_get_the_priority_that_was_foretold() -> None:
    own, foretold, group = went(0)
    assert own == foretold in (0, priority.NICENESS)
    assert group in (own, 0)  # where sessions share nothing, theirs stays as it is


def test_who_starts_it_with_nice_is_given_way() -> None:
    own = os.getpriority(os.PRIO_PROCESS, 0)
    assert went(5) == [own + 5, own + 5, 0]


@pytest.mark.skipif(UNUSUAL, reason="the tests run under nice")
def test_a_worker_goes_first_and_its_server_does_not() -> None:
    with LocalEngine() as engine:
        answer = engine.call("tests.test_priority:both", "", 60, ())
    of_worker, of_server = answer.text.split()
    assert (int(of_worker), int(of_server)) == (priority.niceness(), 0)


def both(text: str) -> str:
    return " ".join(str(os.getpriority(os.PRIO_PROCESS, pid)) for pid in (0, os.getppid()))


def test_a_kernel_that_is_asked_too_often_is_asked_again(monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[str] = []

    def write(path: Path, text: str) -> int:
        asked.append(text)
        if len(asked) < 3:
            raise BlockingIOError
        return len(text)

    monkeypatch.setattr(Path, "write_text", write)
    monkeypatch.setattr(priority, "PAUSE_S", 0.0)
    priority._raise_the_session()
    assert asked == [str(priority.NICENESS)] * 3

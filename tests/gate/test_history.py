"""The gate's word history=: what it takes, and that a kept time has enough rounds."""

from __future__ import annotations

from pathlib import Path

import pytest

from harness.errors import UsageError
from harness.gate.config import gate_config
from harness.gate.times import Question


def test_a_file_may_be_named():
    assert gate_config(["base=main", "history=a/b.jsonl"]).history == Path("a/b.jsonl")
    assert gate_config(["base=main"]).history is None


def test_a_stored_run_has_no_commit_to_keep():
    with pytest.raises(UsageError, match="history= keeps what is found of a commit"):
        gate_config(["against=run", "history=a.jsonl"])


@pytest.mark.parametrize(("least", "rounds"), [(6, 6), (13, 13), (11, 13)])
def test_a_time_that_is_kept_is_decided_no_sooner(least: int, rounds: int):
    question = Question("a on b", "step_time", 0.05, 1, least)
    turns = {"base": [1.0] * 3, "head": [1.001, 0.999, 1.0], "again": [1.0] * 3}
    found = None
    while found is None:
        question.add(turns)
        found = question.decide()
    assert (found.word, found.rounds) == ("same", rounds)

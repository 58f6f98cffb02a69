"""A gate's findings become lines of a history, and a time that is kept has enough rounds."""

from __future__ import annotations

import dataclasses
import math
from pathlib import Path

import pytest

from harness.errors import UsageError
from harness.gate.config import gate_config
from harness.gate.findings import Finding, GateReport, Revision
from harness.gate.history import entries_of, require_commits
from harness.gate.times import Question
from harness.history.chains import series_of
from harness.history.entries import append, read
from harness.judge.block_values import Taken
from harness.judge.statistics import Interval
from tests.history.made import MACHINE, commit

BASE = Revision("main", commit(1), "2026-01-02T03:04:05+00:00", "A title", dirty=False)
HEAD = dataclasses.replace(BASE, name="worktree", commit=commit(2))

TIME = Interval(1.1, 1.05, 1.15, 12, "signed ranks")
EXACT = Interval(1.2, 1.2, 1.2, 1, "counted")
SUBJECT = "batched_maml on sinusoid"
FINDINGS = (
    Finding(
        SUBJECT, "step_time", "s", 0.01, 0.011, TIME, 0.05, 12, word="regressed", reason="slower"
    ),
    Finding(SUBJECT, "peak_bytes", "bytes", 100, 120, EXACT, word="regressed"),
    Finding(SUBJECT, "allreduce_bytes", "bytes", 0, 0, word="same"),
    Finding(SUBJECT, "gradient", None, 1e-15, word="mismatch", reason="it failed"),
    Finding("fomaml on sinusoid", "all", word="new"),
)


def report(**changes: object) -> GateReport:
    made = GateReport(
        base=BASE,
        head=HEAD,
        suite="gate",
        findings=FINDINGS,
        threshold=0.05,
        noise_floor=0.01,
        error_rate=0.01,
        machine=dict(MACHINE),
        environment=(),
        started="2026-01-03T00:00:00+00:00",
        seconds=60.0,
        limit_s=300.0,
    )
    return dataclasses.replace(made, **changes)  # type: ignore[arg-type]  # any of its fields


def test_every_finding_is_a_line_that_is_read_back(tmp_path: Path):
    entries = entries_of(report())
    append(tmp_path / "history.jsonl", entries)
    assert read(tmp_path / "history.jsonl").entries == entries
    assert [entry.word for entry in entries] == [finding.word for finding in FINDINGS]
    assert {(entry.base, entry.commit) for entry in entries} == {(commit(1), commit(2))}


def test_times_and_counts_can_be_judged():
    judged = {series.measure: series for series in series_of(entries_of(report()))}
    (time,) = judged["step_time"].chains
    assert time.links[0].ratio == pytest.approx(1.1)
    (count,) = judged["peak_bytes"].found
    assert count[1].ratio == pytest.approx(1.2)
    assert judged["gradient"].chains == ()
    assert judged["allreduce_bytes"].chains == ()


def test_what_is_no_number_is_unknown(tmp_path: Path):
    odd = dataclasses.replace(FINDINGS[3], base=-0.5, head=math.inf)
    entries = entries_of(report(findings=(odd,), noise_floor=math.inf))
    append(tmp_path / "history.jsonl", entries)
    (entry,) = read(tmp_path / "history.jsonl").entries
    assert (entry.base_value, entry.head_value, entry.noise_floor) == (-0.5, None, None)


@pytest.mark.parametrize("text", [None, "", "gpg: a signature"])
def test_a_date_that_is_none_is_unknown(text: str | None):
    odd = dataclasses.replace(HEAD, committed=text)
    assert {entry.committed for entry in entries_of(report(head=odd))} == {None}


def test_no_title_and_no_name_of_a_branch_is_kept():
    lines = "".join(entry.to_line() for entry in entries_of(report()))
    assert "A title" not in lines
    assert '"main"' not in lines


def test_a_commit_beside_itself_makes_no_history():
    assert entries_of(report(head=dataclasses.replace(BASE, name="worktree"))) == ()


@pytest.mark.parametrize(
    ("side", "words"),
    [
        (dataclasses.replace(HEAD, dirty=True), "worktree has uncommitted changes"),
        (
            dataclasses.replace(HEAD, commit=None, name="a stored run"),
            "stored run is not a commit",
        ),
    ],
)
def test_what_is_no_commits_is_refused(side: Revision, words: str):
    with pytest.raises(UsageError, match=words):
        require_commits(BASE, side)
    with pytest.raises(UsageError, match=words):
        entries_of(report(head=side))


def test_a_file_may_be_named():
    assert gate_config(["base=main", "history=a/b.jsonl"]).history == Path("a/b.jsonl")
    assert gate_config(["base=main"]).history is None


def test_a_stored_run_has_no_commit_to_keep():
    with pytest.raises(UsageError, match="history= records a commit"):
        gate_config(["against=run", "history=a.jsonl"])


@pytest.mark.parametrize(("least", "rounds"), [(6, 6), (13, 13), (11, 13)])
def test_a_time_that_is_kept_is_decided_no_sooner(least: int, rounds: int):
    question = Question("a on b", "step_time", 0.05, 1, least)
    turns = [Taken(values, "r", True) for values in ((1.0,) * 3, (1.001, 0.999, 1.0), (1.0,) * 3)]
    found = None
    while found is None:
        question.add(*turns)
        found = question.decide()
    assert (found.word, found.rounds) == ("same", rounds)

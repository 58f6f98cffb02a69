"""A gate's report: its exit code, and that it is read back as it was written."""

from __future__ import annotations

import dataclasses
import json

import pytest

from harness.declare.settings import build
from harness.gate.findings import GRADIENT, Finding, GateReport, Revision, Word
from harness.gate.two_trees import bisect_code
from harness.judge.statistics import Interval


def finding(word: Word, ratio: Interval | None = None) -> Finding:
    figures = 0.1, 0.2, ratio, 0.05, 8
    return Finding("m on w", "step_time", "s", *figures, word=word, reason="for a reason")


def report(*words: Word, environment: tuple[str, ...] = ()) -> GateReport:
    base = Revision("main", "1" * 40, "2026-01-02T03:04:05+00:00", "First", dirty=False)
    return GateReport(
        base=base,
        head=dataclasses.replace(base, name="working tree", dirty=True),
        suite="gate",
        findings=tuple(finding(word, Interval(1.1, 1.0, 1.2, 8, "made up")) for word in words),
        threshold=0.05,
        noise_floor=0.01,
        error_rate=0.01,
        machine={"cpu": "a", "usable_cores": 2, "gpu": None},
        environment=environment,
        started="2026-01-02T03:04:05+00:00",
        seconds=10,
        limit_s=300,
    )


@pytest.mark.parametrize(
    ("words", "code"),
    [
        ([], 4),
        (["new", "gone", "not compared"], 4),
        (["same", "improved", "new"], 0),
        (["same", "inconclusive"], 3),
        (["inconclusive", "regressed", "same"], 1),
        (["regressed", "mismatch", "inconclusive"], 6),
    ],
)
def test_the_gravest_finding_decides_the_exit_code(words: list[Word], code: int):
    assert report(*words).exit_code == code


@pytest.mark.parametrize(
    ("words", "code"), [(["same"], 5), ([], 5), (["regressed"], 1), (["mismatch"], 6)]
)
def test_another_environment_outweighs_what_is_open_but_not_what_is_worse(
    words: list[Word], code: int
):
    assert report(*words, environment=("cpu: a, then b",)).exit_code == code


def test_a_report_is_read_back_as_it_was_written():
    written = report("same", "regressed")
    told = json.loads(written.to_json())
    assert told.pop("exit_code") == 1
    assert build(GateReport, told, "here") == written


@pytest.mark.parametrize(
    ("of_gradient", "of_time", "code"),
    [("same", "not compared", 125), ("same", "same", 0), ("mismatch", "not compared", 1)],
)
def test_bisect_skips_what_says_nothing_of_times(of_gradient: Word, of_time: Word, code: int):
    made = report(of_time)
    gradient = Finding("m on w", GRADIENT, word=of_gradient)
    assert bisect_code(dataclasses.replace(made, findings=(gradient, *made.findings))) == code

"""A gate's report as lines, as Markdown and as JUnit XML: nothing is lost, and nothing escapes."""

from __future__ import annotations

import dataclasses
import html
import re
from typing import Any
from xml.etree import ElementTree as Xml

import pytest

from harness.gate.findings import Finding, GateReport, Revision, Word
from harness.gate.junit import as_junit
from harness.gate.show import as_markdown, as_text
from harness.judge.statistics import Interval

SLOWER = Finding(
    "m on w",
    "step_time",
    "s",
    0.010,
    0.012,
    Interval(1.2, 1.1, 1.3, 13, "signed ranks"),
    0.05,
    13,
    word="regressed",
    reason="takes at least 11.0 % more",
)
HOSTILE = "a|b <img src=x> *c* [d](e) `f` & \x1b[2J]]>"


def found(word: Word, measure: str = "peak_bytes", **changed: Any) -> Finding:
    finding = Finding("m on w", measure, "bytes", 1e6, 1e6, word=word, reason="a reason")
    return dataclasses.replace(finding, **changed)


def report(*findings: Finding, **changed: Any) -> GateReport:
    base = Revision("main", "a" * 40, None, "A title", dirty=False)
    made = GateReport(
        base=base,
        head=dataclasses.replace(base, name="worktree", dirty=True),
        suite="gate",
        findings=findings,
        threshold=0.05,
        noise_floor=0.02,
        error_rate=0.01,
        machine={},
        environment=(),
        started="2026-01-02T03:04:05+00:00",
        seconds=12,
        limit_s=300,
    )
    return dataclasses.replace(made, **changed)


def suite_of(text: str) -> Xml.Element:
    suite = Xml.fromstring(text.partition("\n")[2]).find("testsuite")
    assert suite is not None
    return suite


def test_the_lines_say_what_got_slower_by_how_much_and_what_to_do():
    text = as_text(report(SLOWER, found("same")))
    for words in ("10.0 ms", "12.0 ms", "1.20 [1.10, 1.30]", "at least 11.0 % more", "13 rounds"):
        assert words in text
    assert "noise floor of this job, 2.0 %" in text
    assert "git bisect run" in text
    assert text.splitlines()[-1] == "Regressed."


def test_counts_that_differ_by_one_are_seen_to_differ():
    text = as_text(report(found("regressed", base=1_000_000, head=1_000_001)))
    assert "1,000,000" in text
    assert "1,000,001" in text


@pytest.mark.parametrize(
    ("findings", "answer"),
    [
        ((), "Nothing was compared, so nothing has passed."),
        ((found("new", "all"),), "Nothing was compared, so nothing has passed."),
        ((found("same"),), "Passed: nothing is worse."),
        ((found("inconclusive"),), "Inconclusive: some questions are undecided."),
        (
            (found("mismatch", "gradient"), SLOWER),
            "Mismatch: a gradient that was right at base is wrong at head.",
        ),
    ],
)
def test_the_last_line_is_the_answer(findings: tuple[Finding, ...], answer: str):
    made = report(*findings)
    assert as_text(made).splitlines()[-1] == answer
    assert as_markdown(made).startswith(f"### Gate: {answer}")


def test_markdown_shows_what_is_grave_and_folds_the_rest():
    text = as_markdown(report(SLOWER, found("same")))
    seen, _, folded = text.partition("<details>")
    assert "regressed" in seen
    assert "peak memory" not in seen
    assert "peak memory" in folded


def test_nothing_that_was_recorded_becomes_a_mark_in_markdown():
    made = report(found("regressed", subject=HOSTILE, reason=HOSTILE))
    (line,) = [line for line in as_markdown(made).splitlines() if line.startswith("| a")]
    assert line.count("|") == 7  # six cells
    assert "<img" not in as_markdown(made)
    assert "\x1b" not in as_markdown(made) + as_text(made)


@pytest.mark.parametrize(
    "call",
    ["@someone", "#12", "!12", "GH-12", "~label", "https://a.b", "www.a.b", "a@b.c", "o/r#1", "&3"],
)
def test_nobody_is_notified_and_nothing_linked_by_a_name_in_markdown(call: str):
    base = Revision(f"fix-{call}", "a" * 40, None, f"A title: {call}", dirty=False)
    text = as_markdown(report(found("regressed", subject=call, reason=call), base=base))
    # What a host sees in the page: it has no backslashes and no entities any more.
    page = html.unescape(re.sub(r"\\([^\w\s])", r"\1", text))
    assert call not in page
    assert page.replace("\u200b", "").count(call) == 5


def test_figures_are_left_as_they_are_in_markdown():
    assert "\u200b" not in as_markdown(report(SLOWER, found("same")))


def test_a_noise_floor_is_said_to_be_of_base_alone():
    assert "how far base seemed to differ from itself" in " ".join(as_text(report(SLOWER)).split())


def test_a_gate_against_a_run_is_not_told_to_use_a_limit_that_it_does_not_take():
    text = as_text(report(found("inconclusive", "step_time"), limit_s=None))
    assert "limit_s" not in text
    assert "at most 300 s" not in text
    assert "base=" in text


def test_only_two_trees_take_turns():
    assert "took turns" in as_text(report(SLOWER))
    assert "took turns" not in as_text(report(SLOWER, limit_s=None))


def test_junit_has_a_case_for_every_finding():
    suite = suite_of(as_junit(report(SLOWER, found("same"), found("inconclusive"), found("new"))))
    counts = {key: suite.get(key) for key in ("tests", "failures", "errors", "skipped")}
    assert counts == {"tests": "4", "failures": "1", "errors": "1", "skipped": "1"}


@pytest.mark.parametrize(
    "made", [report(), report(found("new", "all")), report(environment=("cpu: a, then b",))]
)
def test_junit_is_not_green_where_nothing_was_compared(made: GateReport):
    assert suite_of(as_junit(made)).get("errors") == "1"


def test_junit_holds_hostile_text_as_text():
    suite = suite_of(as_junit(report(found("regressed", subject=HOSTILE, reason=HOSTILE))))
    (case,) = suite.findall("testcase")
    assert "<img src=x>" in str(case.get("classname"))


def test_the_next_command_names_each_learner_whose_gradient_broke_once():
    broken = dataclasses.replace(found("mismatch", "gradient"), learner="batched_maml")
    other = dataclasses.replace(broken, subject="another case", learner="qmaml")
    lines = as_text(report(broken, broken, other)).splitlines()
    commands = [line.rpartition(": ")[2] for line in lines if "harness check" in line]
    assert commands == ["python -m harness check batched_maml", "python -m harness check qmaml"]

"""The verdicts as JUnit XML, so that continuous integration can hold claims to their words.

A claim of the papers' own methods fails if its word is one of `fail`; by default those that deny
the published figure. Words that decide nothing are skipped with their reasons unless `fail` names
them, and so is what became of rivals: nobody claimed it.

The exit code is the first of these that applies:

    1   a claim failed
    0   a claim passed
    3   what was judged is undecided
    4   no claim was judged
"""

from __future__ import annotations

from collections.abc import Mapping
from xml.etree import ElementTree as Xml

from harness.config import listed
from harness.declare.point import words_of
from harness.errors import INCONCLUSIVE, NOTHING, PASSED, REGRESSED, UnknownName
from harness.exports.formats import Exported
from harness.judge.judgement import PairJudgement, Verdict
from harness.judge.verdicts import Word
from harness.report.junit import case, case_not_passed, junit
from harness.report.tables.verdict_table import published_cell, verdict_reason
from harness.report.units import GAP, with_bounds
from harness.results import Results

FAILING = (Word.SMALLER, Word.NONE, Word.REVERSED, Word.INVALID)
PASSING = (Word.MET, Word.CONSISTENT, Word.SMALLER, Word.NONE, Word.REVERSED, Word.INVALID)
"""The words that decide something; each of them passes unless it is one of those that fail."""


def as_tests(run: Results, options: Mapping[str, str]) -> Exported:
    """Return a test case for every verdict."""
    failing = _words(options)
    judged = [(each, v) for each in run.judgement.pairs for v in each.verdicts]
    cases = [_case(each, verdict, failing) for each, verdict in judged]
    words = {verdict.word for each, verdict in judged if not each.pair.rival}
    if not words:
        said = "no claim was judged, so none has held"
        cases.append(case_not_passed("claims", "a claim was judged", "error", said))
    name = f"claims of {run.manifest.suite.name}"
    text = junit(name, cases, run.judgement.wall_s, run.manifest.started)
    return Exported({"": text.encode()}, _exit_code(words, failing))


def _words(options: Mapping[str, str]) -> frozenset[str]:
    if "fail" not in options:
        return frozenset(FAILING)
    given, known = listed("fail", options), [str(word) for word in Word]
    for word in given:
        if word not in known:
            raise UnknownName("word", word, known, where=f"fail={options['fail']}")
    return frozenset(given)


def _exit_code(words: set[Word], failing: frozenset[str]) -> int:
    if words & failing:
        return REGRESSED
    if words & set(PASSING):
        return PASSED
    return INCONCLUSIVE if words else NOTHING


def _case(judged: PairJudgement, verdict: Verdict, failing: frozenset[str]) -> Xml.Element:
    at = f" at {words_of(verdict.point)}" if verdict.point else ""
    about = f"{verdict.claim}.{judged.pair.name}", f"{verdict.reading}{at}"
    why = f"{verdict.word}: {verdict_reason(verdict, judged)}"
    asked = published_cell(verdict)
    measured = "nothing to show" if judged.withheld else with_bounds(verdict.ratio)
    figures = (
        f"{verdict.text}; {asked.note or f'published: {asked.text}'}; measured: {measured}; {why}"
    ).replace(GAP, " ")
    if judged.pair.rival:
        return case_not_passed(*about, "skipped", f"a rival of the claim's own method: {why}")
    if verdict.word in failing:
        return case_not_passed(*about, "failure", why, verdict.word, figures)
    if verdict.word not in PASSING:
        return case_not_passed(*about, "skipped", why)
    return case(*about, figures)

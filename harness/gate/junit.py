"""A gate's report as JUnit XML: a test case for every finding."""

from __future__ import annotations

from xml.etree import ElementTree as Xml

from harness.errors import ELSEWHERE, NOTHING
from harness.gate.findings import Finding, GateReport
from harness.gate.show import ANSWERS, closing, row
from harness.report.junit import Outcome, case, case_not_passed, junit
from harness.report.words import measure_name

OUTCOMES: dict[str, Outcome] = {
    "mismatch": "failure",
    "regressed": "failure",
    "inconclusive": "error",
    "new": "skipped",
    "gone": "skipped",
    "not compared": "skipped",
}


def as_junit(report: GateReport) -> str:
    """Return one suite; what is inconclusive is an error, which is neither passed nor failed.

    A gate that found nothing to compare must not look like one in which all passed, so its answer
    is a case of its own whenever no finding says so by itself.
    """
    cases = [_case(finding) for finding in report.findings]
    if report.exit_code in (NOTHING, ELSEWHERE):
        said = "; ".join((ANSWERS[report.exit_code], *report.environment))
        cases.append(case_not_passed("gate", "something was compared", "error", said))
    told = "\n".join(closing(report))
    return junit(f"gate {report.suite}", cases, report.seconds, report.started, told)


def _case(finding: Finding) -> Xml.Element:
    about = finding.subject, measure_name(finding.measure)
    outcome, figures = OUTCOMES.get(finding.word), " | ".join(row(finding))
    if outcome is None:
        return case(*about, figures)
    said = f"{finding.word}: {finding.reason or 'no reason was given'}"
    return case_not_passed(*about, outcome, said, finding.word, figures)

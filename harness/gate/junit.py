"""A gate's report as JUnit XML: a test case for every finding."""

from __future__ import annotations

from xml.etree import ElementTree as Xml

from harness.errors import ELSEWHERE, NOTHING
from harness.gate.findings import Finding, GateReport
from harness.gate.show import ANSWERS, closing, row
from harness.report.words import clean, measure_name

FAILED = ("mismatch", "regressed")
SKIPPED = ("new", "gone", "not compared")


def as_junit(report: GateReport) -> str:
    """Return one suite; what is inconclusive is an error, which is neither passed nor failed.

    A gate that found nothing to compare must not look like one in which all passed, so its answer
    is a case of its own whenever no finding says so by itself.
    """
    suite = Xml.Element("testsuite", name=f"gate {clean(report.suite)}")
    cases = [_case(finding) for finding in report.findings]
    if report.exit_code in (NOTHING, ELSEWHERE):
        answer = Xml.Element("testcase", classname="gate", name="something was compared")
        said = "; ".join((ANSWERS[report.exit_code], *report.environment))
        Xml.SubElement(answer, "error", message=clean(said))
        cases.append(answer)
    suite.extend(cases)
    for kind, tag in (("failures", "failure"), ("errors", "error"), ("skipped", "skipped")):
        suite.set(kind, str(sum(case.find(tag) is not None for case in cases)))
    suite.set("tests", str(len(cases)))
    suite.set("time", f"{report.seconds:.1f}")
    suite.set("timestamp", report.started.removesuffix("+00:00"))
    Xml.SubElement(suite, "system-out").text = "\n".join(closing(report))
    root = Xml.Element("testsuites")
    root.append(suite)
    Xml.indent(root)
    return '<?xml version="1.0" encoding="utf-8"?>\n' + Xml.tostring(root, "unicode") + "\n"


def _case(finding: Finding) -> Xml.Element:
    name = measure_name(finding.measure)
    case = Xml.Element("testcase", classname=clean(finding.subject), name=name)
    said = clean(f"{finding.word}: {finding.reason or 'no reason was given'}")
    figures = " | ".join(row(finding))
    if finding.word in FAILED:
        Xml.SubElement(case, "failure", message=said, type=finding.word).text = figures
    elif finding.word == "inconclusive":
        Xml.SubElement(case, "error", message=said, type=finding.word).text = figures
    elif finding.word in SKIPPED:
        Xml.SubElement(case, "skipped", message=said)
    else:
        Xml.SubElement(case, "system-out").text = figures
    return case

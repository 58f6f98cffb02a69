"""Test cases as JUnit XML, which continuous integration reads."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal
from xml.etree import ElementTree as Xml

from harness.report.words import clean

Outcome = Literal["failure", "error", "skipped"]


def case(classname: str, name: str, figures: str = "") -> Xml.Element:
    """Return a case that passed, with what was measured."""
    found = Xml.Element("testcase", classname=clean(classname), name=clean(name))
    if figures:
        Xml.SubElement(found, "system-out").text = clean(figures)
    return found


def case_not_passed(
    classname: str, name: str, outcome: Outcome, message: str, word: str = "", figures: str = ""
) -> Xml.Element:
    """Return a case that did not pass, and why; one that was skipped has nothing else to say."""
    found = case(classname, name)
    part = Xml.SubElement(found, outcome, message=clean(message))
    if outcome != "skipped" and word:
        part.set("type", word)
    if outcome != "skipped" and figures:
        part.text = clean(figures)
    return found


def junit(
    name: str, cases: Sequence[Xml.Element], seconds: float, started: str, closing: str = ""
) -> str:
    """Return one suite of these cases."""
    suite = Xml.Element("testsuite", name=clean(name))
    suite.extend(cases)
    for kind, tag in (("failures", "failure"), ("errors", "error"), ("skipped", "skipped")):
        suite.set(kind, str(sum(case.find(tag) is not None for case in cases)))
    suite.set("tests", str(len(cases)))
    suite.set("time", f"{seconds:.1f}")
    suite.set("timestamp", clean(started.removesuffix("+00:00")))
    if closing:
        Xml.SubElement(suite, "system-out").text = closing
    root = Xml.Element("testsuites")
    root.append(suite)
    Xml.indent(root)
    return '<?xml version="1.0" encoding="utf-8"?>\n' + Xml.tostring(root, "unicode") + "\n"

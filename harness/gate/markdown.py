"""A gate's report as Markdown, for a comment on a pull request."""

from __future__ import annotations

import html
import re

from harness.gate.findings import Finding, GateReport
from harness.gate.table import ANSWERS, GRAVE, HEADS, closing, reasons, row

_MARKS = re.compile(r"([\\`*_{}\[\]()#+!~])")

# What hosts look for in the page, when no backslash is left: whom to notify, which issue to link,
# and what looks like an address.
_CALLS = re.compile(r"""[@#!~%$&](?=["'\w])|:(?=//)|(?<=www)(?=\.)|(?<=GH)(?=-)""", re.IGNORECASE)
_NOTHING = "\u200b"  # a space without width


def as_markdown(report: GateReport) -> str:
    """Return what is grave in sight, and all else folded away."""
    grave = [finding for finding in report.findings if finding.word in GRAVE]
    rest = [finding for finding in report.findings if finding.word not in GRAVE]
    parts = [f"### Gate: {escaped(ANSWERS[report.exit_code])}", *_table(grave)]
    parts += [f"- {escaped(f'different environments, {line}')}" for line in report.environment]
    parts += [f"- {escaped(text)}" for text in reasons(report)]
    if rest:
        # A blank line after the tag lets the table be read as Markdown again.
        parts += [
            f"\n<details><summary>{len(rest)} other findings</summary>\n",
            *_table(rest),
            "\n</details>",
        ]
    parts += ["", *(escaped(text) + "  " for text in closing(report))]
    return "\n".join(parts) + "\n"


def escaped(text: str) -> str:
    """Return the text so that neither Markdown nor HTML nor a host finds a mark in it."""
    silent = _CALLS.sub(lambda found: found[0] + _NOTHING, text)
    plain = _MARKS.sub(r"\\\1", html.escape(silent, quote=False))
    return plain.replace("|", "&#124;")  # a table ends its cells before it looks for backslashes


def _table(findings: list[Finding]) -> list[str]:
    if not findings:
        return []
    rows = [HEADS, ("---",) * len(HEADS)]
    lines = [f"| {' | '.join(cells)} |" for cells in rows]
    for finding in findings:
        lines.append(f"| {' | '.join(map(escaped, row(finding)))} |")
    return ["", *lines, ""]

"""A gate's report as plain aligned lines."""

from __future__ import annotations

import textwrap

from harness.gate.findings import GateReport
from harness.gate.table import ANSWERS, HEADS, closing, reasons, row
from harness.report.units import GAP

WIDTH = 100


def as_text(report: GateReport) -> str:
    """Return the table, the reasons, and the answer in the last lines."""
    rows = [HEADS, *(row(finding) for finding in report.findings)]
    widths = [max(len(cells[place]) for cells in rows) for place in range(len(HEADS))]
    lines = [
        "  ".join(f"{cell:<{width}}" for cell, width in zip(cells, widths, strict=True)).rstrip()
        for cells in rows
    ]
    if not report.findings:
        lines = []
    lines += [*(f"different environments, {line}" for line in report.environment), ""]
    for text in (*reasons(report), *closing(report)):
        lines += textwrap.wrap(
            text, WIDTH, subsequent_indent="  ", break_long_words=False, break_on_hyphens=False
        )
    lines.append(ANSWERS[report.exit_code])
    return "\n".join(lines).replace(GAP, " ")

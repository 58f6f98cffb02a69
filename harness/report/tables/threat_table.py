"""The table of threats to validity."""

from __future__ import annotations

from harness.judge.judgement import Judgement
from harness.report.tables.table import Cell, Column, Table, simple_table


def threat_table(judgement: Judgement) -> Table | None:
    """Return what the run leaves open, or nothing where no claim is judged."""
    return simple_table(
        "threats",
        "Threats to validity",
        "What could make the verdicts wrong, as far as the run itself shows.",
        (Column("Threat", 1.0), Column("In this run", 6.0)),
        [(Cell(each.threat), Cell(each.text)) for each in judgement.threats],
        wide=True,
    )

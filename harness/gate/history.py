"""From a gate's report to the lines of a history."""

from __future__ import annotations

import math
from datetime import datetime

import harness
from harness.errors import UsageError
from harness.gate.findings import Finding, GateReport, Revision, is_count
from harness.gate.times import SHOWN_ERROR
from harness.history.entries import Entry


def require_commits(base: Revision, head: Revision) -> None:
    """Say so before anything is measured if what is found would be no commit's."""
    for side in (base, head):
        if side.commit is None:
            raise UsageError(
                f"history= records findings about commits, and {side.name} is not a commit. "
                "Name a revision with base=, or leave out history=."
            )
        if side.dirty:
            raise UsageError(
                f"history= records findings about commits, but the {side.name} has uncommitted "
                "changes: `git status` lists them. Commit them, or leave out history=."
            )


def entries_of(report: GateReport) -> tuple[Entry, ...]:
    """Return a line for every finding, or none where both sides are the same commit."""
    require_commits(report.base, report.head)
    base, head = report.base.commit, report.head.commit
    assert base is not None
    assert head is not None
    if base == head:
        return ()
    return tuple(_entry(report, base, head, finding) for finding in report.findings)


def _entry(report: GateReport, base: str, head: str, finding: Finding) -> Entry:
    ratio, counted = finding.ratio, is_count(finding.measure)
    bound_error = None if ratio is None or counted else SHOWN_ERROR
    return Entry(
        commit=head,
        base=base,
        committed=_moment(report.head.committed),
        started=report.started,
        machine=report.machine,
        subject=finding.subject,
        measure=finding.measure,
        unit=finding.unit,
        counted=counted,
        base_value=_known(finding.base),
        head_value=_known(finding.head),
        ratio=ratio.estimate if ratio else None,
        low=ratio.low if ratio else None,
        high=ratio.high if ratio else None,
        low_error=bound_error,
        high_error=bound_error,
        noise_floor=None if counted else _known(report.noise_floor),
        rounds=finding.rounds,
        word=finding.word,
        reason=finding.reason,
        version=harness.__version__,
    )


def _moment(text: str | None) -> str | None:
    """Return the date, or None where git was told to say something else as well."""
    try:
        datetime.fromisoformat(text or "")
    except ValueError:
        return None
    return text


def _known(value: float | None) -> float | None:
    """Return the value, or None for what no file of numbers can hold, as the error of a NaN."""
    return value if value is not None and math.isfinite(value) else None

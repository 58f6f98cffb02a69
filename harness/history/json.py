"""A history's courses and changes for programs."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

from harness.history.chains import Chain, Series
from harness.history.changepoints import ALPHA, Change
from harness.history.tables import direction_cell
from harness.report.write import finite

SCHEMA = 1


def changes_json(courses: Sequence[Series]) -> str:
    """Return the courses and their changes for programs, the same text for the same history."""
    table = {"schema": SCHEMA, "alpha": ALPHA, "series": [_told(series) for series in courses]}
    return json.dumps(finite(table), indent=1, sort_keys=True) + "\n"


def _told(series: Series) -> dict[str, Any]:
    return {
        "subject": series.subject,
        "measure": series.measure,
        "unit": series.unit,
        "counted": series.counted,
        "machine": dict(series.machine),
        "chains": [_told_chain(chain) for chain in series.chains],
        "changes": [_told_change(series, chain, change) for chain, change in series.found],
        "unusable": [{"commit": each.commit, "reason": why} for each, why in series.unusable],
        "notes": list(series.notes),
    }


def _told_chain(chain: Chain) -> dict[str, Any]:
    return {
        "base": chain.links[0].base,
        "commits": [link.commit for link in chain.links],
        "ratios": [link.ratio for link in chain.links],
        "errors": [link.error for link in chain.links],
        "levels": chain.levels[1:],
        "values": [link.head_value for link in chain.links],
        "words": [list(link.words) for link in chain.links],
    }


def _told_change(series: Series, chain: Chain, change: Change) -> dict[str, Any]:
    first, last = chain.links[change.first], chain.links[change.last]
    return {
        "base": first.base,
        "first": first.commit,
        "last": last.commit,
        "ratio": change.ratio,
        "low": change.low,
        "high": change.high,
        "word": direction_cell(series, change).text,
    }

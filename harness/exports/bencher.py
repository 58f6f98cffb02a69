"""Bencher Metric Format: for each pair its ratios with intervals, and each member's own values.

A benchmark is a pair, or one member of it as in "pair/method", at a point of its sweep if it has
one. Its measures are those of the harness, in their own units (seconds, bytes, operations).
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from harness.declare.point import words_of
from harness.errors import PASSED, UsageError
from harness.exports.formats import Exported
from harness.results import Results

LONGEST = 64  # of a measure's name


def as_metrics(run: Results, options: Mapping[str, str]) -> Exported:
    """Return every ratio that may be shown, and the medians that it compares."""
    metrics: dict[str, dict[str, Any]] = {}
    for judged in run.judgement.pairs:
        for ratio in (*judged.ratios, *judged.gains):
            found, measure = ratio.interval, ratio.measure[:LONGEST]
            if judged.withheld is not None or found is None:
                continue
            at = f"@{words_of(ratio.point)}" if ratio.point else ""
            metrics.setdefault(f"{judged.pair.name}{at}", {})[measure] = {
                "value": found.estimate,
                "lower_value": found.low,
                "upper_value": found.high,
            }
            for member, value in (("baseline", ratio.baseline), ("method", ratio.method)):
                if value is not None:
                    own = metrics.setdefault(f"{judged.pair.name}/{member}{at}", {})
                    own[measure] = {"value": value}
    if not metrics:
        raise UsageError("nothing can be exported: no pair of the run may show a ratio.")
    text = json.dumps(metrics, indent=1, ensure_ascii=False, allow_nan=False) + "\n"
    return Exported({"": text.encode()}, PASSED)

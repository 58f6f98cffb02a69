"""Swept quality: what test quality learners reach at each point of a sweep, and on average.

Where a pair takes its learning curves at the points of a sweep, the method's gain is judged at each
point, and in the mean over all of them.
"""

from __future__ import annotations

from harness.declare.measures import Measure
from harness.declare.study import Study
from harness.registry import study


@study("swept_quality")
class SweptQuality(Study):
    """Test quality along a sweep."""

    measures = (
        Measure(
            "swept_gain",
            "quality gained, mean over the sweep",
            "",
            "gain",
            "curve",
            over_seeds=True,
        ),
    )
    pair_judge = "harness.studies.swept_quality.judge:swept"
    shown_by = "harness.studies.swept_quality.show:parts"
    told_by = "harness.studies.swept_quality.show:said"

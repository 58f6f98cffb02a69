"""Swept quality: what test quality learners reach at each point of a sweep, and on average.

Where a pair takes its learning curves at the points of a sweep, the method's gain is judged at each
point, and in the mean over all of them.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from harness.declare.measures import Measure
from harness.declare.study import Study
from harness.registry import study

if TYPE_CHECKING:
    from harness.judge.answer import PairSoFar, PairStudy
    from harness.judge.evidence import Evidence
    from harness.judge.judgement import Judgement
    from harness.report.section import Part


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

    def of_pair(self, so_far: PairSoFar) -> PairStudy | None:
        from harness.studies.swept_quality.judge import swept

        return swept(so_far)

    def parts(self, evidence: Evidence, judgement: Judgement) -> Iterator[Part]:
        from harness.studies.swept_quality.show import parts

        return parts(judgement)

    def said(self, judgement: Judgement) -> dict[str, Any]:
        from harness.studies.swept_quality.show import said

        return said(judgement)

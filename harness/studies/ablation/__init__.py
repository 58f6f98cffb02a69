"""What a part of a learner adds: one learner against itself, with and without it.

It has no pass of its own: it shows the gain in quality that every pair is judged by.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from harness.declare.study import Study
from harness.registry import study

if TYPE_CHECKING:
    from harness.judge.evidence import Evidence
    from harness.judge.judgement import Judgement
    from harness.report.section import Part


@study("ablation")
class Ablation(Study):
    """What a part of a learner adds to its quality."""

    def parts(self, evidence: Evidence, judgement: Judgement) -> Iterator[Part]:
        from harness.studies.ablation.show import parts

        return parts(judgement)

    def said(self, judgement: Judgement) -> dict[str, Any]:
        from harness.studies.ablation.show import said

        return said(judgement)

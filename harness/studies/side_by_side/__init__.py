"""All learners on one workload, whatever pairs they were measured in.

Costs, quality and gains over the first learner, and a profile of step times over workloads.
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


@study("side_by_side")
class SideBySide(Study):
    """All learners on one workload, whatever pairs they were measured in."""

    def of_run(self, evidence: Evidence, judgement: Judgement) -> Any:
        from harness.studies.side_by_side.judge import find

        return find(evidence, judgement)

    def parts(self, evidence: Evidence, judgement: Judgement) -> Iterator[Part]:
        from harness.studies.side_by_side.show import parts

        return parts(judgement)

    def said(self, judgement: Judgement) -> dict[str, Any]:
        from harness.studies.side_by_side.show import said

        return said(judgement)

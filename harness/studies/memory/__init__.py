"""What memory a step takes: of both members, by inner steps and by the model's size.

Counts of bytes, which have no interval, and none from a pair whose gradient check failed.
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


@study("memory")
class MemoryTaken(Study):
    """What memory a step takes, and how that grows."""

    def of_run(self, evidence: Evidence, judgement: Judgement) -> Any:
        from harness.studies.memory.judge import find

        return find(evidence, judgement)

    def parts(self, evidence: Evidence, judgement: Judgement) -> Iterator[Part]:
        from harness.studies.memory.show import parts

        return parts(judgement)

    def said(self, judgement: Judgement) -> dict[str, Any]:
        from harness.studies.memory.show import said

        return said(judgement)

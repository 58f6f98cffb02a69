"""What a learner learns beside its weights, over the time of training.

A learner names such numbers (`Learner.watched`), and every learning curve keeps them. They are
shown, not judged.
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


@study("learned")
class Learned(Study):
    """What a learner learns beside its weights, over the time of training."""

    def of_run(self, evidence: Evidence, judgement: Judgement) -> Any:
        from harness.studies.learned.judge import find

        return find(evidence, judgement)

    def parts(self, evidence: Evidence, judgement: Judgement) -> Iterator[Part]:
        from harness.studies.learned.show import parts

        return parts(judgement)

    def said(self, judgement: Judgement) -> dict[str, Any]:
        from harness.studies.learned.show import said

        return said(judgement)

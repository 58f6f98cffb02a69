"""Targets: in how many steps and seconds both members of a pair reach a quality.

The spine's learning curves are held to targets that a rule sets from the baseline's. A run that
never gets there counts as far as it was looked at.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from harness.declare.measures import Measure
from harness.declare.study import Study
from harness.registry import study

if TYPE_CHECKING:
    from harness.judge.answer import PairSoFar, PairStudy
    from harness.judge.evidence import Evidence
    from harness.judge.judgement import Judgement
    from harness.report.section import Part


MEASURES = (
    Measure(
        "steps_to_target", "steps to target", "steps", "steps", "curve", drawn=True, over_seeds=True
    ),
    Measure("time_to_target", "time to target", "s", "clock", "curve", drawn=True, over_seeds=True),
)


@study("targets")
class Targets(Study):
    """Steps and seconds to a target quality."""

    measures = MEASURES

    def of_pair(self, so_far: PairSoFar) -> PairStudy | None:
        from harness.studies.targets.judge import targets

        return targets(so_far)

    def parts(self, evidence: Evidence, judgement: Judgement) -> Iterator[Part]:
        from harness.studies.targets.show import parts

        return parts(judgement)

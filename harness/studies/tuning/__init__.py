"""Tuning: both members at the settings that validation tasks choose, judged on test tasks.

It has no pass of its own: it looks at the learning curves of a sweep. Of each seed, both members
stand at the settings that the other seeds' validation tasks choose for them, so that no training
had a part in choosing what it is judged at. A setting of the workload, such as a rate, is chosen
for each member alone.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from harness.declare.measures import Measure
from harness.declare.study import Study
from harness.registry import study

if TYPE_CHECKING:
    from harness.judge.answer import PairSoFar, PairStudy

GAIN = Measure(
    "tuned_gain", "quality gained, each side tuned", "", "gain", "curve", over_seeds=True
)


@study("tuning")
class Tuning(Study):
    """What is gained where each side has the settings that validation tasks choose."""

    measures = (GAIN,)
    shown_by = "harness.studies.tuning.show:parts"
    told_by = "harness.studies.tuning.show:said"

    def of_pair(self, so_far: PairSoFar) -> PairStudy | None:
        from harness.studies.tuning.judge import tuned

        return tuned(so_far) if so_far.asks(GAIN.name) else None

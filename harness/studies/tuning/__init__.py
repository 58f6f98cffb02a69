"""Tuning: both members at the settings that validation tasks choose, judged on test tasks.

It has no pass of its own: it looks at the learning curves of a sweep. Of each seed, both members
stand at the settings that the other seeds' validation tasks choose for them, so that no training
had a part in choosing what it is judged at. A setting of the workload, such as a rate, is chosen
for each member alone.
"""

from __future__ import annotations

from harness.declare.measures import Measure
from harness.declare.study import Study
from harness.registry import study

GAIN = Measure(
    "tuned_gain", "quality gained, each side tuned", "", "gain", "curve", over_seeds=True
)


@study("tuning")
class Tuning(Study):
    """What is gained where each side has the settings that validation tasks choose."""

    measures = (GAIN,)
    pair_judge = "harness.studies.tuning.judge:tuned"
    shown_by = "harness.studies.tuning.show:parts"
    told_by = "harness.studies.tuning.show:said"

"""Targets: in how many steps and seconds both members of a pair reach a quality.

The spine's learning curves are held to targets that a rule sets from the baseline's. A run that
never gets there counts as far as it was looked at.
"""

from __future__ import annotations

from harness.declare.measures import Measure
from harness.declare.study import Study
from harness.registry import study

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
    pair_judge = "harness.studies.targets.judge:targets"
    shown_by = "harness.studies.targets.show:parts"
    told_by = "harness.studies.targets.show:said"

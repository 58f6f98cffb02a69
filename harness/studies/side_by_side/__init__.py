"""All learners on one workload, whatever pairs they were measured in.

Costs, quality and gains over the first learner, and a profile of step times over workloads.
"""

from __future__ import annotations

from harness.declare.study import Study
from harness.registry import study


@study("side_by_side")
class SideBySide(Study):
    """All learners on one workload, whatever pairs they were measured in."""

    run_judge = "harness.studies.side_by_side.judge:find"
    shown_by = "harness.studies.side_by_side.show:parts"
    told_by = "harness.studies.side_by_side.show:said"

"""What memory a step takes: of both members, by inner steps and by the model's size.

Counts of bytes, which have no interval, and none from a pair whose gradient check failed.
"""

from __future__ import annotations

from harness.declare.study import Study
from harness.registry import study


@study("memory")
class MemoryTaken(Study):
    """What memory a step takes, and how that grows."""

    run_judge = "harness.studies.memory.judge:find"
    shown_by = "harness.studies.memory.show:parts"
    told_by = "harness.studies.memory.show:said"

"""What a part of a learner adds: one learner against itself, with and without it.

It has no pass of its own: it shows the gain in quality that every pair is judged by.
"""

from __future__ import annotations

from harness.declare.study import Study
from harness.registry import study


@study("ablation")
class Ablation(Study):
    """What a part of a learner adds to its quality."""

    shown_by = "harness.studies.ablation.show:parts"
    told_by = "harness.studies.ablation.show:said"

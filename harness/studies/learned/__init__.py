"""What a learner keeps beside its weights, learned or counted, over the time of training.

A learner names such numbers (`Learner.watched`), and every learning curve keeps them. They are
shown, not judged.
"""

from __future__ import annotations

from harness.declare.study import Study
from harness.registry import study


@study("learned")
class Learned(Study):
    """What a learner keeps beside its weights, over the time of training."""

    run_judge = "harness.studies.learned.judge:find"
    shown_by = "harness.studies.learned.show:parts"
    told_by = "harness.studies.learned.show:said"

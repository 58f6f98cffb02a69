"""A learner at other numbers of inner steps than its workload's own."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from typing import Any

from harness.declare.learner import Learner, workload_of
from harness.errors import UsageError
from harness.measure.block import Block


def at_lengths(block: Block, learner: Learner, lengths: Sequence[int]) -> list[Learner]:
    """Return the learner at each of these numbers of inner steps."""
    workload = workload_of(learner)
    if "inner_steps" not in (field.name for field in dataclasses.fields(workload)):
        raise UsageError(
            f"workload {block.pair.workload} has no setting inner_steps, but pass "
            f"{block.measured} changes it. Remove the pass {block.measured} from pair "
            f"{block.pair.name}."
        )
    changes: list[dict[str, Any]] = [{"inner_steps": length} for length in lengths]
    workloads = [dataclasses.replace(workload, **change) for change in changes]
    return [dataclasses.replace(learner, workload=each) for each in workloads]

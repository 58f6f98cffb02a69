"""The rehearsal: a few steps of every learner that a run trains for long, before the run starts.

So what is announced of the cost rests on this machine and these data, and what can't be measured
here is known at once.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable, Iterator, Mapping

from harness.declare.pair import TWIN
from harness.declare.passes import Pass, Seen
from harness.measure.block import Block
from harness.measure.estimate import Estimate
from harness.records.seen import STEP

LONG_S = 600.0
"""Of a member's blocks by the guess; a few steps cost little beside that."""
UNTIMED_S = 60.0
"""Of a member whose steps no pass times, so that nothing else would correct the guess."""
LIMIT_S = 900.0
"""Most seconds of a rehearsal: a set of images may have to be packed first."""


def rehearsal(blocks: Iterable[Block], passes: Mapping[str, Pass[Seen]]) -> Iterator[Block]:
    """Yield a short block of single steps for every member of a pair that will take long."""
    members: dict[tuple[str, str], list[Block]] = {}
    for block in blocks:
        if block.member != TWIN:  # which takes what the baseline does
            members.setdefault((block.pair.name, block.member), []).append(block)
    for found in members.values():
        timed = any(block.measured == STEP.name for block in found)
        if Estimate(found, passes).seconds[1] > (LONG_S if timed else UNTIMED_S):
            last = found[-1]  # what takes longest stands last
            short = dataclasses.replace(
                last.protocol, warmup_s=1e-3, interval_s=1e-3, intervals=2, limit_s=LIMIT_S
            )
            yield dataclasses.replace(last, measured=STEP.name, protocol=short)

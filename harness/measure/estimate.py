"""How long blocks will take: a guess from the protocol, corrected by what was seen.

A block is expected to take as long as its like, those of the same pair, pass and member. Until one
of them was seen, other pairs' blocks of the same pass tell how far off the guess is.
"""

from __future__ import annotations

import statistics
from collections import defaultdict
from collections.abc import Sequence

from harness.measure.block import Block

START_S = 0.5  # a worker's start and its data
STEP_S = 0.1  # a meta-step, before any was seen


class Estimate:
    """Seconds that are left."""

    def __init__(self, blocks: Sequence[Block]) -> None:
        self._left = list(blocks)
        self._seen: dict[tuple[str, str, str], list[float]] = defaultdict(list)
        self._off_by: dict[str, list[float]] = defaultdict(list)

    def saw(self, block: Block, seconds: float) -> None:
        self._left.remove(block)
        self._seen[_kind(block)].append(seconds)
        self._off_by[block.measured].append(seconds / _guess(block))

    @property
    def seconds(self) -> float:
        return sum(self._expected(block) for block in self._left)

    def _expected(self, block: Block) -> float:
        if seen := self._seen.get(_kind(block)):
            return statistics.mean(seen)
        return _guess(block) * statistics.mean(self._off_by.get(block.measured, [1.0]))


def _kind(block: Block) -> tuple[str, str, str]:
    return block.pair.name, block.measured, block.member


def _guess(block: Block) -> float:
    protocol = block.protocol
    steps = {
        "check": protocol.check_examples * 0.4,
        "trajectory": 2.0 * protocol.trajectory_steps,  # in float64
        "curve": protocol.curve_steps * (1 + protocol.curve_tasks / protocol.curve_every / 100),
        "operations": 3.0,
        "memory": 3.0,
        "growth": 2.0 * sum(protocol.growth_steps),
        "variants": protocol.variant_train_steps
        + protocol.variant_tasks
        + protocol.variant_test_tasks,
        "variant_times": 2.0 * protocol.variant_calls,
    }
    if block.measured in steps:
        return START_S + STEP_S * steps[block.measured]
    timed = protocol.intervals * max(protocol.interval_s, STEP_S)
    return START_S + min(protocol.warmup_s, 4 * STEP_S) + timed

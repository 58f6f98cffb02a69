"""Blocks of several pairs that would see the same: one is measured, and stands for all.

Pairs often share a baseline, and so its counts, its bytes and its trainings. What one block of a
run saw of a learner, under the same settings, seed and protocol, every other would see again; only
seconds differ from one look to the next, and are taken for each pair beside its other member.
"""

from __future__ import annotations

import dataclasses
import json
from collections import defaultdict, deque
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from harness.declare.passes import Pass, Seen
from harness.measure.block import Block
from harness.records.record import Record
from harness.records.seen import ADAPTATION, OPERATIONS


class Alike:
    """What blocks saw, for those of other pairs that would see the same."""

    def __init__(self, passes: Mapping[str, Pass[Seen]]) -> None:
        self._passes = passes
        self._whats: dict[str, str] = {}  # by block: many ask for each
        self._seen: dict[str, Record[Seen]] = {}
        self._spared: defaultdict[str, deque[Block]] = defaultdict(deque)

    def saw(self, block: Block, record: Record[Seen]) -> None:
        if record.status == "ok" and (what := self._what(block)) is not None:
            self._seen.setdefault(what, record)

    def of(self, block: Block) -> Record[Seen] | None:
        """Return the block's record, if another pair's block has seen what it would see.

        Within a pair nothing is shared: a baseline against itself is to show what differs.
        """
        what = self._what(block)
        if what is None or (known := self._seen.get(what)) is None:
            return None
        measured = known.same_as or known.block
        if known.pair == block.pair.name or measured == block.id:
            return None
        own = block.record("ok", same_as=measured)
        about: dict[str, Any] = {name: getattr(own, name) for name in OF_A_BLOCK}
        return dataclasses.replace(known, **about)

    def rests_on(self, block: Block, other: Block) -> bool:
        """Say whether the other block, which is being measured, would see the same."""
        what = self._what(block)
        return what is not None and what == self._what(other)

    def firsts(self, blocks: Iterable[Block]) -> Iterator[Block]:
        """Yield the blocks without those that another pair's earlier one stands for."""
        known = {what: record.pair for what, record in self._seen.items()}
        for block in blocks:
            what = self._what(block)
            if what is None or known.setdefault(what, block.pair.name) == block.pair.name:
                yield block
            else:
                self._spared[what].append(block)

    def heir_of(self, block: Block, record: Record[Seen]) -> Block | None:
        """Return the block that is to be measured since this one, which gave nothing, was not."""
        what = self._what(block)
        if record.status == "ok" or what is None or not self._spared[what]:
            return None
        return self._spared[what].popleft()

    def _what(self, block: Block) -> str | None:
        """Return what decides what the block sees; None if that is more than its learner."""
        if not self._passes[block.measured].of_learner:
            return None
        if (known := self._whats.get(block.id)) is None:
            known = self._whats[block.id] = _told(block)
        return known


def _told(block: Block) -> str:
    pair = block.pair
    return json.dumps(
        [
            block.measured,
            block.learner,
            block.learner_settings,
            pair.workload,
            dict(pair.settings),
            [block.ranks, pair.communication(block.member), block.threads, block.device],
            [block.seed, block.round, dataclasses.astuple(block.protocol), block.study],
            block.measured == OPERATIONS.name and ADAPTATION.name in pair.passes,  # counted too
        ],
        sort_keys=True,
    )


OF_A_BLOCK = (
    *("block", "pair", "member", "point", "same_as", "suspended", "tries", "wall_s", "measured_s"),
    *("waited_s", "warmup_s", "warmup_seconds", "warmup_steady", "load", "steal", "temperature"),
    *("gpu_processes", "started"),
)
"""What a record tells of its block alone: what it is, and what measuring it took."""

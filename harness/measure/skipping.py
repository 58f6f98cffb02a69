"""What a run leaves out: blocks that would show what is known, or that nothing could stand beside.

What has been recorded is kept by what is asked of it, so that a block is decided on in the same
time however many went before.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Literal

from harness.declare.pair import MEMBERS, Member, Pair, settings_words
from harness.declare.passes import Seen
from harness.declare.point import Point
from harness.measure.block import Block
from harness.records.record import Record

Inherits = Callable[[Sequence[Record[Seen]], Pair], str | None]
"""Says what shows, by a pair's checks and trajectories, that its method has the baseline's learning
curve, or None where nothing does; a judge's affair."""


@dataclass(frozen=True)
class Skipped:
    """Why a block is not to be measured, for the run and for people."""

    skip: Literal["partner", "inherited", "decided", "budget", "failing"]
    reason: str


class Skipping:
    """Tells which blocks need not be measured, from the records so far."""

    def __init__(self, inherits: Inherits) -> None:
        self._inherits = inherits
        self._checks: dict[tuple[str, str], list[Record[Seen]]] = defaultdict(list)
        self._trajectories: dict[str, list[Record[Seen]]] = defaultdict(list)
        self._absent: dict[tuple[str, str], list[Record[Seen]]] = defaultdict(list)
        self._proofs: dict[str, str | None] = {}

    def saw(self, record: Record[Seen]) -> None:
        """Take in what came of a block that was not left out: skipped, it lacked what it needs."""
        if record.measured == "check":
            self._checks[record.learner, record.learner_settings].append(record)
        elif record.status == "skipped":
            self._absent[record.pair, record.member].append(record)
        elif record.measured == "trajectory":
            self._trajectories[record.pair].append(record)

    def rests_on(self, block: Block, other: Block) -> bool:
        """Say whether what comes of the other block decides if this one is measured."""
        return block.may_inherit and other.measured in ("check", "trajectory")

    def of(self, block: Block) -> Skipped | None:
        """Return why the block need not be measured, or None if it must be."""
        if block.may_inherit and (proof := self._proof(block.pair)) is not None:
            return Skipped("inherited", f"inherits the baseline's curve: {proof}")
        # A learner's check stands for all of its pairs, so it never waits for a partner.
        if block.measured != "check" and (absent := self._absent_partner(block)) is not None:
            return Skipped("partner", f"the other member {absent.learner}: {absent.reason}")
        return None

    def _proof(self, pair: Pair) -> str | None:
        """Ask once for each pair: a plan has its checks and trajectories before its curves."""
        if pair.name not in self._proofs:
            learners = dict.fromkeys(
                (pair.learner(member), settings_words(dict(pair.learner_settings(member))))
                for member in MEMBERS
            )
            checks = [record for learner in learners for record in self._checks[learner]]
            self._proofs[pair.name] = self._inherits(
                [*checks, *self._trajectories[pair.name]], pair
            )
        return self._proofs[pair.name]

    def _absent_partner(self, block: Block) -> Record[Seen] | None:
        partner: Member = "baseline" if block.member == "method" else "method"
        absent = self._absent.get((block.pair.name, partner), ())
        return next((each for each in absent if _meet(each.point, block.point)), None)


def _meet(one: Point, other: Point) -> bool:
    """Say whether two members' points are of one point of the sweep: where both say, they agree."""
    return all(one[name] == other[name] for name in one.keys() & other.keys())


def is_settled(record: Record[Seen]) -> bool:
    """Say whether a resumed run leaves a block as it was recorded.

    What was skipped is tried again, for what it lacked may be here now; a proof stays one.
    """
    return record.status != "skipped" or record.skip in ("inherited", "decided")

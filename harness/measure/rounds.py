"""Rounds: whose turn it is to be timed, and when a pair has been timed for long enough.

The pair that has had least time goes next, so that drift falls on all alike; but first every pair
gets the rounds without which nothing can be said of it, so that a budget is not spent on those
whose rounds are short. A pair's rounds end when its claims are decided, which a judge says; when
the budget is spent; or when a member gives nothing. What is left is recorded as left out, with the
reason. A part of the budget is kept for what comes after the rounds; if that leaves some of it,
rounds go on.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Container, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import groupby

from harness.declare.pair import Member, Pair
from harness.declare.passes import Seen
from harness.measure.block import Block
from harness.measure.skipping import Skipped
from harness.records.record import Record

STRIKES = 3  # rounds in a row in which a member gave nothing, after which it is not tried again

Decides = Callable[[Pair, Sequence[Record[Seen]]], str | None]
"""Says by what a pair's rounds have decided all that they were to decide, or None if they go on."""

Together = list[Block]
"""Blocks that are timed beside each other."""


@dataclass
class PairRounds:
    """The rounds of one pair that are still to come, and what came of those before."""

    pair: Pair
    fewest: int
    """Without so many nothing can be said of it."""
    left: deque[list[Together]] = field(default_factory=deque)
    begun: deque[Together] = field(default_factory=deque)
    """What is still to come of the round that is being taken."""
    records: list[Record[Seen]] = field(default_factory=list)
    spent: float = 0.0
    taken: int = 0
    waits: bool = False
    """Whether there was no time for more, until what comes after the rounds has ended."""
    _in_vain: dict[tuple[str, Member], int] = field(default_factory=dict)

    def take(self) -> Together:
        """Return what is to be timed next."""
        if not self.begun:
            self.begun.extend(self.left.popleft())
            self.taken += 1
        return self.begun.popleft()

    def saw(self, records: Iterable[Record[Seen]]) -> None:
        """Take in what came of blocks that were timed beside each other."""
        gave: dict[tuple[str, Member], bool] = {}
        for record in records:
            self.records.append(record)
            self.spent += record.wall_s or 0.0
            who = record.measured, record.member
            gave[who] = gave.get(who, False) or record.status == "ok"
        for who, good in gave.items():
            self._in_vain[who] = 0 if good else self._in_vain.get(who, 0) + 1

    def ended(self, decides: Decides, *, time_is_up: bool = False) -> Skipped | None:
        """Say why no further round is to be taken, if that is so."""
        for (measured, member), rounds in self._in_vain.items():
            if rounds >= STRIKES:
                why = f"{measured} of the {member} gave nothing in {rounds} rounds in a row"
                return Skipped("failing", why)
        if (reason := decides(self.pair, self.records)) is not None:
            return Skipped("decided", reason)
        if time_is_up:
            return Skipped(
                "budget", "the run's time was used up: a larger budget= gives more rounds"
            )
        return None


class Rounds:
    """The rounds of all pairs."""

    def __init__(
        self,
        pairs: Iterable[Pair],
        blocks: Iterable[Block],
        recorded: Iterable[Record[Seen]],
        fewest: Mapping[str, int],
    ) -> None:
        self._pairs = {pair.name: PairRounds(pair, fewest[pair.name]) for pair in pairs}
        for _, of_round in groupby(blocks, lambda b: (b.pair.name, b.seed, b.round)):
            together = [list(each) for _, each in groupby(of_round, lambda block: block.beside)]
            self._pairs[together[0][0].pair.name].left.append(together)
        known = list(recorded)
        for _, before in groupby(known, lambda r: (r.pair, r.measured, r.seed, r.round)):
            records = list(before)
            self._pairs[records[0].pair].saw(records)
        for pair, _, _ in {(r.pair, r.seed, r.round) for r in known}:
            self._pairs[pair].taken += 1

    def next(self, busy: Container[str] = ()) -> PairRounds | None:
        """Return the pair whose turn it is, of those that are not busy; a round goes on first."""
        open_ = [
            each
            for name, each in self._pairs.items()
            if name not in busy and not each.waits and (each.begun or each.left)
        ]
        return min(open_, key=_turn, default=None)

    def go_on(self) -> None:
        """Let all pairs have rounds again for which there was no time."""
        for each in self._pairs.values():
            each.waits = False

    def __getitem__(self, pair: str) -> PairRounds:
        return self._pairs[pair]


def _turn(each: PairRounds) -> tuple[bool, bool, float]:
    """Return what is the less the sooner the pair is to go."""
    return not each.begun, each.taken >= each.fewest, each.spent

"""Timed blocks: how they ran and warmed up, how long their steps took, and how many rounds."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from statistics import median

from harness.declare.pair import MEMBERS, Member, Pair
from harness.judge.evidence import Evidence
from harness.records.seen import STEP, Times


@dataclass(frozen=True)
class BlockTime:
    """The seconds of a step in one block, at its place among those of the pair."""

    member: Member
    place: int
    low: float
    median: float
    high: float


@dataclass(frozen=True)
class MemberRun:
    """How a member's timed blocks really ran; where nothing was timed, all of its blocks."""

    learner: str
    settings: str
    teams: tuple[tuple[int, int | None], ...]  # processes, and the threads of each
    device: str | None
    dtype: str | None
    fast_paths: tuple[str, ...]
    warmup_s: float | None  # the median, before the first measured interval
    compile_s: float | None  # likewise, where anything was compiled
    steady: int | None  # blocks whose warm-up ended because the steps had become steady
    told_steady: int  # blocks that say whether theirs did
    steps: tuple[int, int] | None  # the fewest and the most in a turn, or in an interval


@dataclass(frozen=True)
class TimedRounds:
    """The rounds that a run really took, over all seeds of a pair."""

    least: int
    most: int
    in_turns: bool
    """Whether members took short turns, or were measured in whole blocks."""

    def __str__(self) -> str:
        return str(self.most) if self.least == self.most else f"{self.least} to {self.most}"


def timed_rounds(evidence: Evidence) -> TimedRounds | None:
    """Return how many rounds the timed pairs had, if any was timed."""
    timed = [
        record
        for record in evidence.records
        if record.status == "ok" and evidence.passes[record.measured].rhythm == "rounds"
    ]
    taken: dict[str, set[tuple[int, int]]] = {}
    for record in timed:
        taken.setdefault(record.pair, set()).add((record.seed, record.round))
    if not taken:
        return None
    counts = [len(each) for each in taken.values()]
    return TimedRounds(min(counts), max(counts), any(record.in_turns for record in timed))


def block_times(evidence: Evidence, pair: Pair) -> Iterator[BlockTime]:
    """Yield what every block's steps took, in the order in which the plan measured them."""
    places = evidence.places
    timed = sorted(
        (found for member in MEMBERS for found in evidence.usable(pair, STEP, member)),
        key=lambda found: places[found[0].block],
    )
    for place, (record, seen) in enumerate(timed, 1):
        s = seen.seconds
        yield BlockTime(record.member, place, min(s), median(s), max(s))


def member_runs(evidence: Evidence, pair: Pair) -> Iterator[MemberRun]:
    """Yield how each member ran that gave a measurement."""
    for member in MEMBERS:
        good = [r for r in evidence.of(pair) if r.member == member and r.status == "ok"]
        timed = [r for r in good if evidence.passes[r.measured].clocked] or good
        if not timed:
            continue
        steady = [r.warmup_steady for r in timed if r.warmup_steady is not None]
        times = [r.seen for r in timed if isinstance(r.seen, Times)]
        yield MemberRun(
            timed[0].learner,
            timed[0].learner_settings,
            tuple(dict.fromkeys((r.processes or 1, r.threads) for r in timed)),
            timed[0].device,
            timed[0].dtype,
            tuple(dict.fromkeys(r.fast_paths for r in timed if r.fast_paths)),
            _median(r.warmup_s for r in timed),
            _median(seen.compile_s for seen in times),
            sum(steady) if steady else None,
            len(steady),
            _range(seen.steps_per_interval for seen in times),
        )


def _range(values: Iterator[int | None]) -> tuple[int, int] | None:
    known = [value for value in values if value is not None]
    return (min(known), max(known)) if known else None


def _median(values: Iterator[float | None]) -> float | None:
    known = [value for value in values if value is not None]
    return median(known) if known else None

"""What a run saw of the variants of a pair's method, and of the baseline beside them."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from statistics import median
from typing import TypeVar

from harness.declare.pair import Member, Pair
from harness.declare.passes import Pass, Seen
from harness.judge.evidence import Evidence, Key, key
from harness.records.record import Record
from harness.studies.variants import OPERATIONS, QUALITIES, TIMES, CallTimes

S = TypeVar("S", bound=Seen)

# A variant at a number of inner steps.
Place = tuple[str, int]


@dataclass(frozen=True)
class Times:
    """Seconds by place and round: of every call on one task, and of a call on a batch."""

    calls: dict[Place, dict[Key, tuple[float, ...]]] = field(default_factory=dict)
    batch: dict[Place, dict[Key, float]] = field(default_factory=dict)
    tasks: int | None = None  # in a batch

    def single(self, place: Place, rounds: frozenset[int] | None = None) -> dict[Key, float]:
        """Return the median call of every round, or of these rounds alone."""
        found = self.calls.get(place, {})
        return {k: median(c) for k, c in found.items() if rounds is None or k[2] in rounds}

    @property
    def taken(self) -> frozenset[tuple[int, int]]:
        """The rounds that were taken, each with its seed."""
        return frozenset(found[1:] for by_key in self.calls.values() for found in by_key)

    @property
    def rounds(self) -> list[int]:
        return sorted({number for _, number in self.taken})


@dataclass(frozen=True)
class Study:
    """Variants by name, in the method's own order; quality by place and seed."""

    names: tuple[str, ...]
    known_as: dict[str, str]
    full: str
    steps: tuple[int, ...]
    baseline: str  # the baseline's only variant: itself
    metric: str
    higher_is_better: bool
    valid: dict[Place, dict[int, float]]
    test: dict[Place, dict[int, tuple[float, ...]]]
    method: Times
    plain: Times  # the baseline's
    flops: dict[Place, int]
    plain_flops: dict[Place, int]
    trained_at: int | None = None  # inner steps of the training; older records don't tell
    same_tasks: bool = False  # of every seed, to test
    means: dict[str, str] = field(default_factory=dict)  # what variants do, by name

    @property
    def seeds(self) -> list[int]:
        return sorted({seed for by_seed in self.valid.values() for seed in by_seed})


def study_of(evidence: Evidence, pair: Pair) -> Study | None:
    """Return what was seen of the method's variants, or None if nothing was."""
    judged = list(_cells(evidence, pair, QUALITIES, "method"))
    timed = list(_cells(evidence, pair, TIMES, "method"))
    plain = list(_cells(evidence, pair, TIMES, "baseline"))
    first = judged or timed
    if not first:
        return None
    if [place for place, _, _ in timed[: len(first)]] != [
        place for place, _, _ in first[: len(timed)]
    ]:
        timed = []  # other variants, which can't stand beside these
    record = first[0][1]
    known_as = {place[0]: seen.known_as for place, _, seen in first}
    full = [place[0] for place, _, seen in first if seen.full]
    if not full:
        return None
    valid: dict[Place, dict[int, float]] = {}
    test: dict[Place, dict[int, tuple[float, ...]]] = {}
    for place, each, quality in judged:
        valid.setdefault(place, {})[each.seed] = quality.valid
        test.setdefault(place, {})[each.seed] = quality.test
    of_baseline = [place[0] for place, _, seen in plain if seen.full]
    return Study(
        names=tuple(dict.fromkeys(place[0] for place, _, _ in first)),
        known_as=known_as,
        full=full[0],
        steps=tuple(dict.fromkeys(place[1] for place, _, _ in first)),
        baseline=of_baseline[0] if of_baseline else pair.baseline,
        metric=record.metric or "quality",
        higher_is_better=record.higher_is_better is not False,
        valid=valid,
        test=test,
        method=_times(timed),
        plain=_times(plain),
        flops=_flops(evidence, pair, "method"),
        plain_flops=_flops(evidence, pair, "baseline"),
        trained_at=next((quality.trained_at for _, _, quality in judged), None),
        same_tasks=pair.workload in evidence.shared_tasks,
        means={place[0]: quality.means for place, _, quality in judged if quality.means},
    )


def why_unstudied(evidence: Evidence, pair: Pair, measure: str) -> str | None:
    """Say which pass gave nothing of what a measure of variants needs; None where each gave some.

    A variant is chosen by its quality and by its times, the best one by its quality alone.
    """
    needed: list[tuple[Pass[Seen], Member]] = [(QUALITIES, "method")]
    if measure == "chosen_time":
        needed += [(TIMES, "method"), (TIMES, "baseline")]
    for known, member in needed:
        if not any(True for _ in _cells(evidence, pair, known, member)):
            return evidence.why_absent(pair, known, member)
    return None


def _cells(
    evidence: Evidence, pair: Pair, known: Pass[S], member: Member
) -> Iterator[tuple[Place, Record[S], S]]:
    """Yield what was seen at every place, block by block.

    A block that did not look at the places that the first one looked at can't stand beside it.
    """
    blocks: dict[Key, list[tuple[Place, Record[S], S]]] = {}
    for point, found in evidence.by_point(pair, known, member).items():
        at = dict(point)
        place = str(at.get("variant", "")), int(at.get("inner_steps", 0))
        for record, seen in found:
            blocks.setdefault(key(record), []).append((place, record, seen))
    ordered = [blocks[each] for each in sorted(blocks)]
    for block in ordered:
        if [place for place, _, _ in block] == [place for place, _, _ in ordered[0]]:
            yield from block


def _times(cells: list[tuple[Place, Record[CallTimes], CallTimes]]) -> Times:
    times = Times(tasks=next((seen.batch for _, _, seen in cells), None))
    for place, record, seen in cells:
        times.calls.setdefault(place, {})[key(record)] = seen.seconds
        if seen.batch_seconds is not None:
            times.batch.setdefault(place, {})[key(record)] = seen.batch_seconds
    return times


def _flops(evidence: Evidence, pair: Pair, member: Member) -> dict[Place, int]:
    cells = _cells(evidence, pair, OPERATIONS, member)
    return {place: seen.flops for place, _, seen in cells}

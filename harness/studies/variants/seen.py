"""What a run saw of the variants of a pair's method, and of the baseline beside them."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from itertools import product
from statistics import median

from harness.declare.suite import Member, Pair, Pass
from harness.judge.blocks import Key, key, usable, why_absent
from harness.judge.pair_quality import shared_tasks
from harness.records.record import Record

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
    def rounds(self) -> list[int]:
        return sorted({found[2] for by_key in self.calls.values() for found in by_key})


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

    @property
    def seeds(self) -> list[int]:
        return sorted({seed for by_seed in self.valid.values() for seed in by_seed})


def study_of(records: Sequence[Record], pair: Pair) -> Study | None:
    """Return what was seen of the method's variants, or None if nothing was."""
    passes: tuple[Pass, ...] = ("variants", "variant_times")
    seen = _like_the_first([r for each in passes for r in usable(records, pair, each, "method")])
    first = next(iter(seen), None)
    if first is None or not first.variants or first.variant_full is None:
        return None
    judged, timed = ([r for r in seen if r.measured == each] for each in passes)
    plain = _like_the_first(usable(records, pair, "variant_times", "baseline"))
    valid: dict[Place, dict[int, float]] = {}
    test: dict[Place, dict[int, tuple[float, ...]]] = {}
    for record in judged:
        for place, row, column in _places(record):
            valid.setdefault(place, {})[record.seed] = (record.variant_valid or ())[row][column]
            test.setdefault(place, {})[record.seed] = (record.variant_test or ())[row][column]
    return Study(
        names=first.variants,
        known_as=dict(zip(first.variants, first.variant_known_as or (), strict=True)),
        full=first.variant_full,
        steps=first.variant_steps or (),
        baseline=(plain[0].variant_full if plain else None) or pair.baseline,
        metric=first.metric or "quality",
        higher_is_better=first.higher_is_better is not False,
        valid=valid,
        test=test,
        method=_times(timed),
        plain=_times(plain),
        flops=_flops(records, pair, "method"),
        plain_flops=_flops(records, pair, "baseline"),
        trained_at=next((record.variant_trained_at for record in judged), None),
        same_tasks=shared_tasks(records, pair.workload),
    )


def why_unstudied(records: Sequence[Record], pair: Pair, measure: str) -> str | None:
    """Say which pass gave nothing of what a measure of variants needs; None where each gave some.

    A variant is chosen by its quality and by its times, the best one by its quality alone.
    """
    needed: list[tuple[Pass, Member]] = [("variants", "method")]
    if measure == "chosen_time":
        needed += [("variant_times", "method"), ("variant_times", "baseline")]
    for measured, member in needed:
        if not usable(records, pair, measured, member):
            return why_absent(records, pair, measured, member)
    return None


def _like_the_first(records: Sequence[Record]) -> list[Record]:
    """Return the records of the same variants at the same steps: others can't stand beside them."""
    asked = [(r.variants, r.variant_full, r.variant_steps) for r in records]
    return [record for record, each in zip(records, asked, strict=True) if each == asked[0]]


def _places(record: Record) -> Iterator[tuple[Place, int, int]]:
    rows, columns = enumerate(record.variants or ()), enumerate(record.variant_steps or ())
    for (row, name), (column, steps) in product(rows, columns):
        yield (name, steps), row, column


def _times(records: Sequence[Record]) -> Times:
    times = Times(tasks=next((record.variant_batch for record in records), None))
    for record in records:
        for place, row, column in _places(record):
            calls = (record.variant_seconds or ())[row][column]
            times.calls.setdefault(place, {})[key(record)] = calls
            batch = (record.variant_batch_seconds or ())[row][column]
            times.batch.setdefault(place, {})[key(record)] = batch
    return times


def _flops(records: Sequence[Record], pair: Pair, member: Member) -> dict[Place, int]:
    counted: Pass = "operations"
    return {
        place: record.variant_flops[row][column]
        for record in usable(records, pair, counted, member)[:1]
        if record.variant_flops
        for place, row, column in _places(record)
    }

"""Whatever a file holds, judging it ends with a judgement, and the same in any order."""

from __future__ import annotations

import dataclasses
import random
from functools import cache
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from harness.declare.passes import Seen
from harness.judge.judge import judge
from harness.judge.judgement import Judgement
from harness.records.record import Record
from tests.judge.builders import AA, PAIR, SEEDS, claim, curves, manifest, whole, without
from tests.records.made import HEAD, altered

CLAIMS = tuple(
    claim(measure, name=measure)
    for measure in (
        "step_time",
        "adaptation_time",
        "steps_to_target",
        "time_to_target",
        "peak_bytes",
    )
)
HELD = dataclasses.replace(PAIR, claims=tuple(each.name for each in CLAIMS))

number = st.floats(allow_nan=True, allow_infinity=True) | st.sampled_from([0.0, 1e-320, 1e308])
count = st.integers(-(10**30), 10**200) | st.integers(0, 3)
CHANGES = {
    "seconds": st.none() | st.lists(number, max_size=3).map(tuple),
    "peak_bytes": st.none() | count,
    "flops": st.none() | count,
    "passed": st.none() | st.booleans(),
    "equivalence": st.none() | st.just("Approximate"),
    "losses": st.none() | st.lists(number, max_size=5).map(tuple),
    "fingerprint": st.none() | st.lists(number, min_size=5, max_size=5).map(tuple),
    "curve_steps": st.none() | st.lists(count, max_size=5).map(tuple),
    "curve_quality": st.none() | st.lists(number, min_size=5, max_size=5).map(tuple),
    "test_quality": st.none() | st.lists(number, max_size=20).map(tuple),
    "metric": st.none(),
    "higher_is_better": st.none() | st.booleans(),
    "status": st.sampled_from(["failed", "skipped", "timeout", "not finite"]),
    "reason": st.none() | st.just("inherits nothing"),
    "processes": st.none() | count,
    "steal": st.none() | number,
    "wall_s": st.none() | number,
    "measured_s": st.none() | number,
    "seed": st.integers(0, 3),
}


@cache
def base(inherited: bool) -> tuple[Record, ...]:
    records = whole(HELD)
    if not inherited:
        records = without(records, measured="curve") + curves(HELD, 0.001, SEEDS)
    return tuple(records)


def spoilt(record: Record[Seen], changes: dict[str, Any]) -> Record[Seen]:
    """Return the record with other values, where its pass has such values at all."""
    ((name, value),) = changes.items()
    if name in HEAD:
        return altered(record, **changes)
    field = {each.name: each for each in dataclasses.fields(record.seen)} if record.seen else {}
    if name not in field or (value is None and field[name].default is not None):
        return record  # reading would refuse it
    return altered(record, **changes)


class Drawn(list[Record[Seen]]):
    """Records that are told by their number: hypothesis would write every one of them out."""

    def __repr__(self) -> str:
        return f"{len(self)} records"


@st.composite
def runs(draw: st.DrawFn) -> list[Record]:
    """Draw a good run, spoil some of its records, lose some and repeat some."""
    records = list(base(draw(st.booleans())))
    for _ in range(draw(st.integers(0, 6))):
        index = draw(st.integers(0, len(records) - 1))
        name = draw(st.sampled_from(sorted(CHANGES)))
        changes: dict[str, Any] = {name: draw(CHANGES[name])}
        records[index] = spoilt(records[index], changes)
    lost = draw(st.sets(st.integers(0, len(records) - 1), max_size=20))
    return Drawn(record for index, record in enumerate(records) if index not in lost)


def judged(records: list[Record]) -> Judgement:
    return judge(manifest(base(True), (HELD, AA), CLAIMS), records)


@given(runs())
@settings(max_examples=60, deadline=None)
def test_any_records_end_in_a_judgement_that_withholds_what_it_must(records: list[Record]) -> None:
    judgement = judged(records)
    for found in judgement.pairs:
        failed = any(check.passed is False for check in found.checks)
        unproven = not found.checks or any(check.passed is not True for check in found.checks)
        for ratio in found.ratios:
            assert ratio.interval is not None or ratio.reason
            assert not (failed and ratio.interval)
        for verdict in found.verdicts:
            assert verdict.reason
            assert not (unproven and verdict.word in ("met", "consistent", "smaller"))


@given(runs(), st.randoms(use_true_random=False))
@settings(max_examples=25, deadline=None)
def test_any_order_of_records_is_judged_alike(records: list[Record], order: random.Random) -> None:
    shuffled = records.copy()
    order.shuffle(shuffled)
    assert judged(shuffled) == judged(records)

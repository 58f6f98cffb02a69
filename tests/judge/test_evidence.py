"""What a record holds is used if a measurement can give it, and told of otherwise."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from typing import Any

import pytest

from harness.declare.passes import Seen
from harness.records.record import Record
from harness.records.seen import CURVE, MEMORY, STEP
from tests.judge.builders import PAIR, changed, curve, evidence, judged, record, timed, whole


def at(steps: int, peak: int = 10) -> Record[Seen]:
    one = record(PAIR, "memory", "method", peak_bytes=peak, point={"inner_steps": steps})
    return dataclasses.replace(one, block=f"pair/memory@inner_steps={steps}/method/seed0/round0")


def test_what_was_seen_is_found_at_its_point_and_nowhere_else() -> None:
    own = record(PAIR, "memory", "method", peak_bytes=7)
    found = evidence([own, at(1), at(2, 20)])
    assert [seen.peak_bytes for _, seen in found.usable(PAIR, MEMORY, "method")] == [7]
    ((_, seen),) = found.usable(PAIR, MEMORY, "method", {"inner_steps": 2})
    assert seen.peak_bytes == 20
    assert found.usable(PAIR, MEMORY, "method", {"inner_steps": 3}) == []
    assert len(found.by_point(PAIR, MEMORY, "method")) == 3


def test_one_look_at_several_points_is_one_record_and_found_at_each() -> None:
    looks = [({"inner_steps": n}, MEMORY.seen(peak_bytes=10 * n)) for n in (1, 2)]
    both = record(PAIR, "memory", "method", several=tuple(looks))
    found = evidence([both])
    assert found.records == (both,)
    ((spread, seen),) = found.usable(PAIR, MEMORY, "method", {"inner_steps": 2})
    assert (seen.peak_bytes, dict(spread.point)) == (20, {"inner_steps": 2})


def test_why_nothing_was_seen_is_told_of_the_point_that_is_asked_about() -> None:
    failed = dataclasses.replace(at(2), seen=None, status="failed", reason="it broke")
    found = evidence([at(1), failed])
    why = [found.why_absent(PAIR, MEMORY, "method", {"inner_steps": steps}) for steps in (2, 3)]
    assert why == [
        "memory of the method at inner_steps=2: failed, it broke",
        "memory of the method at inner_steps=3: not in the records",
    ]
    assert found.why_absent(PAIR, MEMORY, "method") == "memory of the method: failed, it broke"
    # A setting of the method's alone does not concern the baseline.
    own = found.why_absent(PAIR, MEMORY, "baseline", {"method.clusters": 2})
    assert own == "memory of the baseline: not in the records"


def test_a_block_that_was_measured_again_counts_once() -> None:
    failed = record(PAIR, "memory", "method", status="failed", reason="no")
    looks = (({"inner_steps": 1}, MEMORY.seen(peak_bytes=10)),)
    good = record(PAIR, "memory", "method", several=looks)
    for records in ([failed, good], [good, failed]):
        assert evidence(records).records == (good,)


@pytest.mark.parametrize(
    ("bad", "words"),
    [
        (record(PAIR, "memory", "method", peak_bytes=-1), "which nothing counts"),
        (record(PAIR, "memory", "method", peak_bytes=10**101), "which nothing counts"),
        (record(PAIR, "operations", "method", flops=-5), "which nothing counts"),
        (record(PAIR, "step", "method", seconds=(0.0,)), "which no clock gives"),
        (record(PAIR, "trajectory", "method", losses=(1.0,)), "a loss and a fingerprint"),
        (curve(PAIR, "method", metric=None), "what quality means"),
        (curve(PAIR, "method", test=()), "lacks the curve or the test quality"),
        (dataclasses.replace(at(1), seen=None), "holds nothing that was seen"),
    ],
    ids=str,
)
def test_what_no_measurement_gives_is_told_and_not_used(bad: Record[Seen], words: str) -> None:
    from harness.judge.evidence import trouble

    status, why = trouble(bad) or ("", "")
    assert status == "unusable"
    assert words in why
    found = evidence([bad])
    for known in (MEMORY, STEP, CURVE):
        assert not found.by_point(PAIR, known, "method")


def test_a_bad_point_spoils_its_whole_look() -> None:
    looks = [({"inner_steps": n}, MEMORY.seen(peak_bytes=p)) for n, p in ((1, 10), (2, -10))]
    found = evidence([record(PAIR, "memory", "method", several=tuple(looks))])
    assert not found.by_point(PAIR, MEMORY, "method")


def test_results_that_are_withheld_are_not_there_but_for_their_checks() -> None:
    found = evidence(whole()).without_results_of([PAIR])
    assert not found.usable(PAIR, STEP, "method")
    assert found.checks == evidence(whole()).checks
    assert [r.block for r in found.records] == [r.block for r in evidence(whole()).records]


def test_evidence_is_looked_up_and_not_searched() -> None:
    """A look into 20,000 records costs no more than one into twenty."""
    records: list[Any] = timed(PAIR, seeds=range(500), rounds=20)
    found = evidence(records)
    assert len(found.usable(PAIR, STEP, "method")) == 10_000
    assert found.usable(PAIR, STEP, "method") is found.usable(PAIR, STEP, "method")


def on(machines: Sequence[str | None]) -> list[Record[Seen]]:
    """Return the pair's rounds, timed on these machines in turn."""
    records = timed(PAIR)
    return [
        dataclasses.replace(each, machine=machines[place // 2 % len(machines)])
        for place, each in enumerate(records)
    ]


@pytest.mark.parametrize("machines", [["A, 8 cores"], [None], ["A, 8 cores", None]])
def test_seconds_of_one_class_of_machine_count(machines: list[str | None]) -> None:
    found = evidence(on(machines))
    assert len(found.usable(PAIR, STEP, "method")) == len(found.records) // 2


def test_seconds_of_a_pair_on_several_classes_of_machine_are_refused() -> None:
    memory = record(PAIR, "memory", "method", peak_bytes=7, machine="C, 1 cores")
    found = evidence([*on(["B, 8 cores", "A, 8 cores"]), memory])
    assert not found.usable(PAIR, STEP, "method")
    assert found.usable(PAIR, MEMORY, "method")  # no clock took part
    why = found.why_absent(PAIR, STEP, "method")
    assert why == (
        "step of the method: failed, the pair was timed on 2 classes of machine (A, 8 cores; "
        "B, 8 cores), whose seconds can't be compared: measure it on one"
    )


def test_a_round_that_one_class_took_beside_another_is_no_measurement_either() -> None:
    run = changed(whole(PAIR), {"machine": "A"}, member="method")
    mixed = changed(run, {"machine": "B"}, member="baseline")
    (verdict,) = judged(mixed).pairs[0].verdicts
    assert verdict.word == "inconclusive"
    assert "2 classes of machine (A; B)" in verdict.reason
    assert judged(run).pairs[0].verdicts[0].word == "met"


def test_a_round_whose_members_were_on_two_machines_of_a_class_is_refused_and_no_other() -> None:
    run = changed(whole(PAIR), {"node": "a"})
    torn = changed(run, {"node": "b"}, member="method", round=0)
    found, before = evidence(torn), evidence(run)
    taken = [len(each.usable(PAIR, STEP, "method")) for each in (before, found)]
    assert taken[0] - taken[1] == len({each.seed for each in run})
    assert "several machines" in next(r.reason or "" for r in found.records if r.reason)


def test_pairs_on_machines_of_different_classes_stand_each_for_itself() -> None:
    other = dataclasses.replace(PAIR, name="other")
    records = [
        dataclasses.replace(each, machine=pair.name)
        for pair in (PAIR, other)
        for each in timed(pair)
    ]
    found = evidence(records, pairs=(PAIR, other))
    assert all(found.usable(pair, STEP, "method") for pair in (PAIR, other))

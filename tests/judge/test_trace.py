"""A trace leads from a figure to the blocks it rests on, and says what was left out and why."""

from __future__ import annotations

import dataclasses

from harness.declare.passes import Seen
from harness.judge.evidence import Evidence
from harness.judge.judge import judge
from harness.judge.trace import Trace, traces
from harness.records.record import Record
from tests.judge.builders import AA, PAIR, changed, manifest, whole, without


def traced(records: list[Record[Seen]], measure: str = "step_time") -> Trace:
    about = manifest(records, pairs=(PAIR, AA))
    found = judge(about, records)
    judged = next(each for each in found.pairs if each.pair.name == PAIR.name)
    every = traces(judged, Evidence(about, records))
    return next(each for each in every if each.measure == measure)


def test_every_round_is_told_with_its_blocks() -> None:
    found = traced(whole(PAIR))
    assert len(found.rounds) == 12
    first = found.rounds[0]
    assert (first.seed, first.round, first.left_out) == (0, 0, None)
    assert set(first.blocks) == {f"pair/step/{m}/seed0/round0" for m in ("baseline", "method")}
    assert first.baseline is not None
    assert first.method is not None
    assert first.value == first.baseline / first.method
    assert len(found.blocks) == 24
    assert found.seed is not None
    assert found.interval is not None
    assert found.estimator == "median over rounds of baseline over method"


def test_a_round_that_failed_is_left_out_with_its_reason() -> None:
    where = {"measured": "step", "member": "method", "seed": 1, "round": 2}
    records = changed(whole(PAIR), {"status": "failed", "reason": "out of eggs"}, **where)
    found = traced(records)
    (left,) = [each for each in found.rounds if each.left_out]
    assert (left.seed, left.round) == (1, 2)
    assert left.left_out == "failed: out of eggs"
    assert left.value is None
    assert not set(left.blocks) & set(found.blocks)


def test_a_round_without_its_partner_is_left_out() -> None:
    where = {"measured": "step", "member": "baseline", "seed": 0, "round": 3}
    (left,) = [each for each in traced(without(whole(PAIR), **where)).rounds if each.left_out]
    assert left.left_out == "the baseline gave nothing to pair it with"


def test_a_gain_is_traced_seed_by_seed() -> None:
    found = traced(whole(PAIR), "quality_gain")
    assert [each.round for each in found.rounds] == [None] * len(found.rounds)
    assert found.seed is None


def test_what_is_withheld_has_no_trace() -> None:
    records = changed(whole(PAIR), {"passed": False}, measured="check", member="method")
    about = manifest(records, pairs=(PAIR, AA))
    (judged,) = [each for each in judge(about, records).pairs if each.pair.name == PAIR.name]
    assert judged.withheld
    for each in traces(judged, Evidence(about, records)):
        assert each.rounds == ()
        assert each.interval is None
        assert each.source is None


def test_a_verdict_keeps_what_decided_and_what_it_rests_on() -> None:
    records = whole(PAIR, baseline=0.5, method=0.1)
    about = manifest(records, pairs=(PAIR, AA))
    (verdict,) = judge(about, records).pairs[0].verdicts
    assert verdict.word == "met"
    assert verdict.rule == "1 + f < lo and p <= lo"
    assert verdict.noise_floor is not None
    assert len(verdict.observed) == verdict.rounds == 12
    assert all(each.counts for each in verdict.observed)
    assert dataclasses.asdict(verdict)["source"]["measured"] == "step"

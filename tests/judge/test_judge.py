"""A whole run is judged: the same whatever its order, with what failed and what it gains in all."""

from __future__ import annotations

import dataclasses
import random
import subprocess
import sys

import pytest

from harness.declare.passes import Seen
from harness.judge.judge import judge
from harness.records.manifest import manifest_from
from harness.records.record import Record, record_from
from tests.judge.builders import (
    AA,
    PAIR,
    changed,
    checks,
    counts,
    judged,
    manifest,
    only_verdict,
    pair_of,
    timed,
    warnings_of,
    whole,
)
from tests.records.made import PASSES


class TestWholeRun:
    def test_in_which_all_went_well_meets_the_claim(self) -> None:
        judgement = judged(whole())
        (verdict,) = judgement.pairs[0].verdicts
        assert verdict.word == "met", verdict.reason
        assert verdict.ratio is not None
        assert 2.48 < verdict.ratio.low <= verdict.ratio.high < 2.52
        assert (judgement.aa_ok, warnings_of(judgement)) == (True, ())
        assert judgement.pairs[0].missing_blocks == 0

    def test_gives_the_same_in_any_order_of_its_records(self) -> None:
        records = whole()
        shuffled = records.copy()
        random.Random(3).shuffle(shuffled)
        about = manifest(records)
        assert shuffled != records
        assert judge(about, shuffled) == judge(about, records)

    def test_gives_the_same_from_its_files_as_from_memory(self) -> None:
        records, about = whole(), manifest(whole())
        read = [record_from(found.to_line(), "records.jsonl", PASSES) for found in records]
        assert judge(manifest_from(about.to_json(), "manifest.json"), read) == judge(about, records)

    def test_is_judged_without_torch(self) -> None:
        program = (
            "import sys, harness.judge.judge, harness.judge.quality.inheritance; "
            "print([m for m in sys.modules if m == 'torch' or m.startswith('harness.measure')])"
        )
        done = subprocess.run([sys.executable, "-c", program], capture_output=True, check=True)
        assert done.stdout.strip() == b"[]"

    def test_tells_its_data_and_what_share_of_it_was_measured(self) -> None:
        judgement = judged(timed(PAIR))
        assert judgement.pairs[0].data == "toys (made up)"
        assert (judgement.measured_s, judgement.wall_s) == (12.0, 48.0)
        assert judgement.measured_share == 0.25

    def test_of_nothing_says_so_and_does_not_fail(self) -> None:
        judgement = judge(manifest(whole()), [])
        assert judgement.measured_share is None
        assert judgement.pairs[0].missing_blocks + judgement.pairs[1].missing_blocks == len(whole())
        assert judgement.pairs[0].ratios == ()
        assert judgement.pairs[0].verdicts[0].word == "inconclusive"


class TestFailures:
    def test_are_grouped_by_what_went_wrong(self) -> None:
        records = timed(PAIR)
        for round_, reason in ((0, "killed"), (1, "killed"), (2, "ended at its limit")):
            broken = {"status": "died", "reason": reason, "seconds": None}
            records = changed(records, broken, member="method", round=round_, seed=0)
        found = pair_of(records).failures
        assert [(f.reason, f.blocks) for f in found] == [("killed", 2), ("ended at its limit", 1)]

    def test_are_on_the_first_page(self) -> None:
        broken = {"status": "timeout", "reason": "ended at its limit", "seconds": None}
        records = changed(whole(), broken, pair="pair", measured="step", seed=0, round=0)
        assert warnings_of(judged(records)) == ("2 blocks gave no measurement (2 timeout)",)

    def test_do_not_include_curves_that_are_inherited(self) -> None:
        assert pair_of(whole()).failures == ()


class TestOverall:
    def second(self) -> tuple[list[Record[Seen]], tuple[object, ...]]:
        other = dataclasses.replace(PAIR, name="other", workload="games", claims=())
        return timed(other, 1.0, 0.1) + counts(other), (PAIR, other, AA)

    def test_is_the_geometric_mean_over_workloads(self) -> None:
        more, pairs = self.second()
        found = {r.measure: r for r in judged(whole() + more, pairs=pairs).overall}
        assert set(found) == {"step_time", "peak_bytes", "flops", "backward_passes"}
        assert found["step_time"].interval is not None
        assert found["step_time"].interval.estimate == pytest.approx(5.0, rel=0.01)
        assert found["step_time"].members == "fast against plain"

    def test_is_none_of_a_single_workload(self) -> None:
        assert judged(whole()).overall == ()

    def test_leaves_out_workloads_that_were_not_really_run(self) -> None:
        more, pairs = self.second()
        broken = {"status": "failed", "reason": "no"}
        gone = changed(more, broken, pair="other")
        assert judged(whole() + gone, pairs=pairs).overall == ()

    def test_keeps_members_apart(self) -> None:
        more, pairs = self.second()
        renamed = dataclasses.replace(pairs[1], method="faster")  # type: ignore[type-var]
        more = [dataclasses.replace(r, learner="faster") for r in more if r.member == "method"]
        assert judged(whole() + more, pairs=(PAIR, renamed, AA)).overall == ()

    @pytest.mark.parametrize("passed", [False, None])
    def test_shows_no_speed_up_of_members_that_passed_no_check(self, passed: bool | None) -> None:
        more, pairs = self.second()
        records = changed(whole() + more, {"passed": passed}, measured="check", member="method")
        assert judged(records, pairs=pairs).overall == ()

    def test_leaves_out_a_baseline_against_itself(self) -> None:
        aa = dataclasses.replace(AA, passes=("check", "step"))
        other = dataclasses.replace(aa, name="other", workload="games")
        records = checks(aa) + timed(aa, 0.25, 0.25) + timed(other, 1.0, 1.0)
        assert judged(records, pairs=(aa, other), claims=()).overall == ()


class TestReasons:
    def test_are_cut_where_they_are_longer_than_a_report_can_hold(self) -> None:
        log = "first words " + "x" * 5000 + " last words"
        records = changed(
            whole(), {"status": "failed", "reason": log}, pair="pair", measured="step"
        )
        (failure, *_) = pair_of(records).failures
        assert len(failure.reason) == 300
        assert failure.reason.startswith("first words x")
        assert failure.reason.endswith("x last words")
        assert "…" in failure.reason

    def test_are_ended_with_one_full_stop(self) -> None:
        records = changed(
            whole(),
            {"status": "skipped", "reason": "it needs a GPU."},
            pair="pair",
            measured="step",
        )
        verdict = only_verdict(records)
        assert verdict.word == "not testable here"
        assert verdict.reason.endswith("it needs a GPU.")

    def test_for_and_against_noise_keep_both_intervals(self) -> None:
        (twins,) = judged(whole()).twins
        assert (twins.pair, twins.measure) == ("aa", "step_time")
        assert twins.wide.low < twins.interval.low < twins.interval.high < twins.wide.high

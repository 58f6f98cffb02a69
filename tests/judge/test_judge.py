from __future__ import annotations

import dataclasses
import random
import subprocess
import sys
from typing import Any

import pytest

from harness.declare.passes import Seen
from harness.errors import StoreError
from harness.judge.judge import judge
from harness.judge.judgement import PairJudgement, Verdict
from harness.records.manifest import manifest_from
from harness.records.record import Record, record_from
from tests.judge.builders import (
    AA,
    PAIR,
    ROUNDS,
    SEEDS,
    changed,
    checks,
    claim,
    counts,
    curves,
    judged,
    manifest,
    record,
    timed,
    trajectories,
    warnings_of,
    whole,
    without,
)
from tests.records.made import PASSES, altered


def pair_of(records: list[Record[Seen]], **about: object) -> PairJudgement:
    return judged(records, **about).pairs[0]


def passed(records: list[Record[Seen]]) -> PairJudgement:
    """Judge records of a pair whose checks passed: without, it would show nothing."""
    return pair_of(checks(PAIR) + records)


def only_verdict(records: list[Record[Seen]], **about: object) -> Verdict:
    (verdict,) = pair_of(records, **about).verdicts
    return verdict


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


class TestRatios:
    def test_take_the_median_of_a_block_and_then_of_the_rounds(self) -> None:
        ratio = passed(timed(PAIR, 0.3, 0.1, noise=0.0)).ratio("step_time")
        assert ratio is not None
        assert ratio.interval is not None
        assert (ratio.baseline, ratio.method) == (0.3, 0.1)
        assert ratio.interval.estimate == pytest.approx(3.0)
        assert ratio.rounds == len(SEEDS) * ROUNDS

    def test_pair_a_round_with_its_own_even_if_one_is_missing(self) -> None:
        records = [
            altered(found, seconds=(2.0**found.round * each,))
            for found in timed(PAIR, noise=0.0)
            for each in [3.0 if found.member == "baseline" else 1.0]
        ]
        records = without(records, member="method", seed=1, round=2)
        ratio = passed(records).ratio("step_time")
        assert ratio is not None
        assert ratio.interval is not None
        assert (ratio.interval.low, ratio.interval.high) == (3.0, 3.0)
        assert ratio.rounds == len(SEEDS) * ROUNDS - 1

    def test_of_counts_are_points_that_ask_for_no_noise(self) -> None:
        found = passed(counts(PAIR))
        memory = found.ratio("peak_bytes")
        assert memory is not None
        assert memory.interval is not None
        assert (memory.interval.low, memory.interval.estimate, memory.interval.high) == (4, 4, 4)
        assert (memory.interval.method, memory.unit, memory.rounds) == ("counted", "bytes", 1)
        assert [r.measure for r in found.ratios] == ["peak_bytes", "flops", "backward_passes"]

    def test_of_a_count_that_is_zero_are_none(self) -> None:
        ratio = passed(counts(PAIR, method=0)).ratio("peak_bytes")
        assert ratio is not None
        assert ratio.interval is None
        assert "is 0" in (ratio.reason or "")

    def test_leave_out_what_was_not_counted(self) -> None:
        uncounted = changed(counts(PAIR), {"backward_passes": None}, measured="operations")
        found = passed(uncounted)
        assert found.ratio("backward_passes") is None
        assert found.ratio("flops") is not None

    @pytest.mark.parametrize("bad", [(), (0.0,), (-1.0, 1.0), (float("nan"),), (float("inf"),)])
    def test_leave_out_a_block_whose_seconds_no_clock_gives(self, bad: tuple[float, ...]) -> None:
        spoilt = {"block": "pair/step/method/seed0/round0"}
        found = passed(changed(timed(PAIR), {"seconds": bad}, **spoilt))
        assert found.ratios[0].rounds == len(SEEDS) * ROUNDS - 1
        assert [(f.status, f.blocks) for f in found.failures] == [("unusable", 1)]

    def test_of_a_method_that_gave_nothing_say_why(self) -> None:
        broken = {"status": "not finite", "reason": "the result holds NaN"}
        records = changed(whole(), broken, member="method", measured="step", pair="pair")
        found = pair_of(records)
        ratio = found.ratio("step_time")
        assert ratio is not None
        assert (ratio.interval, ratio.method) == (None, None)
        assert ratio.baseline == pytest.approx(0.25, rel=0.01)
        assert "not finite, the result holds NaN" in (ratio.reason or "")
        (failure,) = found.failures
        assert (failure.member, failure.measured, failure.blocks) == ("method", "step", 12)
        assert found.verdicts[0].word == "inconclusive"
        assert "holds NaN" in found.verdicts[0].reason

    def test_let_the_other_pairs_finish(self) -> None:
        other = dataclasses.replace(PAIR, name="other", workload="games")
        broken = {"status": "died", "reason": "killed"}
        records = changed(whole(), broken, pair="pair", measured="step") + timed(other)
        judgement = judged(records, pairs=(PAIR, other, AA))
        ratio = judgement.pairs[1].ratio("step_time")
        assert ratio is not None
        assert ratio.interval is not None

    def test_take_the_good_record_of_a_block_that_was_measured_again(self) -> None:
        records = whole()
        first = next(r for r in records if r.measured == "step" and r.pair == "pair")
        died = altered(first, status="died", reason="killed")
        about = manifest(records)
        assert judge(about, [died, *records]).pairs == judge(about, records).pairs
        assert judge(about, [*records, died]).pairs == judge(about, records).pairs

    def test_take_the_later_of_two_good_records(self) -> None:
        records = counts(PAIR)
        again = changed(records, {"peak_bytes": 2000}, measured="memory", member="method")
        memory = judged(checks(PAIR) + records + again).pairs[0].ratio("peak_bytes")
        assert memory is not None
        assert memory.method == 2000


class TestChecks:
    def test_that_fail_leave_no_speed_up_and_make_verdicts_invalid(self) -> None:
        records = changed(whole(), {"passed": False}, measured="check", member="method")
        found = pair_of(records)
        assert found.withheld == "the gradient check of fast failed"
        assert found.ratios == ()
        assert found.verdicts[0].word == "invalid"
        assert found.verdicts[0].ratio is None
        assert "check of fast failed, so pair pair" in warnings_of(judged(records))[0]

    def test_of_the_baseline_count_as_much(self) -> None:
        records = changed(whole(), {"passed": False}, measured="check", member="baseline")
        assert only_verdict(records).word == "invalid"
        assert pair_of(records).ratios == ()

    def test_are_found_under_another_pair_by_learner_and_settings(self) -> None:
        first = dataclasses.replace(PAIR, name="first", workload="games", claims=())
        records = without(whole(), measured="check", pair="pair") + checks(first) + timed(first)
        found = judged(records, pairs=(first, PAIR, AA)).pairs[1]
        assert [debt.passed for debt in found.debts] == [True, True]
        assert found.verdicts[0].word == "met", found.verdicts[0].reason

    def test_of_the_same_learner_with_other_settings_say_nothing(self) -> None:
        tuned = dataclasses.replace(PAIR, method_settings={"chunk": 4})
        records = checks(PAIR) + timed(tuned) + timed(AA)
        found = pair_of(records, pairs=(tuned, AA))
        assert [debt.passed for debt in found.debts] == [True, None]
        assert found.verdicts[0].word == "inconclusive"
        assert "Fast: not in the records" in found.verdicts[0].reason

    def test_that_could_not_run_leave_the_word_open_and_say_why(self) -> None:
        hung = {"status": "timeout", "reason": "ended at its limit", "passed": None}
        verdict = only_verdict(changed(whole(), hung, measured="check", member="method"))
        assert verdict.word == "inconclusive"
        assert "Fast: timeout, ended at its limit." in verdict.reason

    def test_that_are_still_to_be_run_are_unknown(self) -> None:
        found = pair_of(without(whole(), measured="check"))
        assert [(debt.passed, debt.reason) for debt in found.debts] == [
            (None, "not in the records")
        ] * 2
        assert found.verdicts[0].word == "inconclusive"

    def test_that_nobody_asked_for_leave_the_word_open(self) -> None:
        unchecked = dataclasses.replace(PAIR, passes=("step", "curve"))
        records = timed(AA, 0.25, 0.25) + timed(unchecked) + curves(unchecked)
        found = pair_of(records, pairs=(unchecked, AA))
        assert found.debts == ()
        assert found.verdicts[0].word == "inconclusive"
        assert "The pair has no pass check." in found.verdicts[0].reason
        assert found.ratios[0].interval is not None


class TestChecksOfTeams:
    PAIR = dataclasses.replace(PAIR, ranks=2)

    def test_are_those_of_as_many_ranks(self) -> None:
        other = dataclasses.replace(self.PAIR, name="three", ranks=3)
        records = [*whole(self.PAIR), *checks(other, (True, False)), *timed(other)]
        about = {"pairs": (self.PAIR, other, AA), "threads": 4}
        found = {judged.pair.name: judged for judged in judged(records, **about).pairs}
        assert [debt.passed for debt in found["pair"].debts] == [True, True]
        assert [debt.passed for debt in found["three"].debts] == [True, False]

    def test_are_those_over_the_same_communicator(self) -> None:
        other = dataclasses.replace(self.PAIR, communicator="horovod")
        (judgement, _) = judged(whole(self.PAIR), pairs=(other, AA), threads=4).pairs
        assert [debt.passed for debt in judgement.debts] == [True, None]


class TestNoise:
    def test_floor_is_the_farthest_end_of_any_aa_interval(self) -> None:
        quiet = dataclasses.replace(AA, name="quiet")
        records = timed(AA, 0.25, 0.25, noise=0.04) + timed(quiet, 1.0, 1.0, noise=0.001)
        judgement = judged(records, pairs=(AA, quiet), claims=())
        (ratio,) = judgement.pairs[0].ratios
        assert ratio.interval is not None
        ends = (ratio.interval.low, ratio.interval.high)
        assert judgement.noise_floor == max(abs(end - 1) for end in ends)
        assert judgement.noise_floor > 0.002

    def test_that_misses_one_makes_verdicts_inconclusive_and_is_said_first(self) -> None:
        records = [r for r in whole() if r.pair != "aa"] + timed(AA, 0.25, 0.3)
        judgement = judged(records)
        assert judgement.aa_ok is False
        assert "A/A pair aa, step_time" in warnings_of(judgement)[0]
        assert "misses 1.00" in warnings_of(judgement)[0]
        assert judgement.pairs[0].verdicts[0].word == "inconclusive"

    def test_is_as_bad_as_its_worst_pair(self) -> None:
        drifting = dataclasses.replace(AA, name="drifting")
        records = whole() + timed(drifting, 0.25, 0.3)
        assert judged(records, pairs=(PAIR, AA, drifting)).aa_ok is False

    def test_is_of_clocks_and_not_of_counts(self) -> None:
        aa = dataclasses.replace(AA, passes=("step", "memory", "operations"))
        judgement = judged(whole() + counts(aa, 4000, 4000), pairs=(PAIR, aa))
        assert (judgement.aa_ok, warnings_of(judgement)) == (True, ())

    def test_hides_an_effect_that_is_smaller(self) -> None:
        records = [r for r in whole(method=0.245) if r.pair != "aa"]
        quiet = only_verdict(records + timed(AA, 0.25, 0.25, noise=0.001))
        loud = only_verdict(records + timed(AA, 0.25, 0.25, noise=0.4))
        assert (quiet.word, loud.word) == ("smaller", "none")

    def test_of_too_few_rounds_is_unknown_and_not_a_failure(self) -> None:
        records = [r for r in whole() if r.pair != "aa"] + timed(AA, 0.25, 0.3, rounds=1)
        judgement = judged(records)
        assert (judgement.noise_floor, judgement.aa_ok) == (None, None)
        assert "has 3 of the 8 rounds" in warnings_of(judgement)[0]
        assert judgement.pairs[0].verdicts[0].word == "inconclusive"

    def test_is_found_even_if_the_check_of_its_learner_failed(self) -> None:
        aa = dataclasses.replace(AA, passes=("check", "step"))
        records = timed(aa, 0.25, 0.25) + checks(aa, (False, False))
        judgement = judged(records, pairs=(aa,), claims=())
        assert judgement.noise_floor is not None
        assert judgement.pairs[0].withheld is None

    def test_that_nobody_measured_is_said(self) -> None:
        judgement = judged([r for r in whole() if r.pair != "aa"], pairs=(PAIR,))
        assert judgement.noise_floor is None
        assert "no baseline was timed beside itself" in warnings_of(judgement)[0]

    @pytest.mark.parametrize("measure", ["peak_bytes", "backward_passes"])
    def test_does_not_touch_what_no_clock_measured(self, measure: str) -> None:
        records = [r for r in whole() if r.pair != "aa"] + timed(AA, 0.25, 0.3)
        verdict = only_verdict(records, claims=(claim(measure, 3.9),))
        assert verdict.word == "met", verdict.reason


class TestVerdicts:
    def test_are_one_for_each_reading_with_its_figures(self) -> None:
        two = (
            claim("step_time", 2.0),
            claim("peak_bytes", 9.0, "ninth", algorithm="reconstructed"),
        )
        pair = dataclasses.replace(PAIR, claims=("twice", "ninth"))
        found = pair_of(whole(pair), pairs=(pair, AA), claims=two)
        assert [(v.claim, v.word, v.algorithm) for v in found.verdicts] == [
            ("twice", "met", "known"),
            ("ninth", "smaller", "reconstructed"),
        ]
        assert found.verdicts[1].published == 9.0
        assert found.verdicts[1].method == "fast"

    def test_on_too_few_rounds_are_open_and_the_first_page_says_so(self) -> None:
        judgement = judged(whole(rounds=2))
        assert judgement.pairs[0].verdicts[0].word == "inconclusive"
        assert warnings_of(judgement) == (
            "too few rounds: a verdict on time needs 8, but pair has 6",
        )

    def test_are_not_given_by_a_suite_that_is_too_short(self) -> None:
        judgement = judged(whole(rounds=1), verdicts=False)
        assert judgement.pairs[0].verdicts == ()
        assert judgement.pairs[0].ratios[0].interval is not None
        assert len(warnings_of(judgement)) == 1
        assert "suite toys does not judge speed" in warnings_of(judgement)[0]

    def test_on_what_no_pass_measures_say_so(self) -> None:
        verdict = only_verdict(whole(), claims=(claim("adaptation_time"),))
        assert verdict.word == "inconclusive"
        assert "No pass of the pair measures adaptation_time." in verdict.reason

    def test_on_a_claim_that_the_manifest_lacks_are_refused(self) -> None:
        with pytest.raises(StoreError, match="claim 'twice', but the manifest has no such claim"):
            judged(whole(), claims=())


class TestAbsence:
    def test_of_gpus_is_named(self) -> None:
        verdict = only_verdict(whole(), claims=(claim(needs=("gpus=4",)),))
        assert verdict.word == "not testable here"
        assert "gpus=4 (measured on cpu)" in verdict.reason
        assert verdict.ratio is None

    @pytest.mark.parametrize(("gpus", "word"), [(1, "not testable here"), (4, "met")])
    def test_of_gpus_is_counted_by_the_probes(self, gpus: int, word: str) -> None:
        about = {"device": "cuda", "probes": {"gpus": gpus}}
        assert only_verdict(whole(), claims=(claim(needs=("gpus=4",)),), **about).word == word

    @pytest.mark.parametrize(("ranks", "word"), [(1, "not testable here"), (2, "met")])
    def test_of_ranks_is_counted_by_the_pair(self, ranks: int, word: str) -> None:
        pair = dataclasses.replace(PAIR, ranks=ranks)
        about = {"claims": (claim(needs=("ranks=2",)),), "threads": 2}
        verdict = only_verdict(whole(pair), pairs=(pair, AA), **about)
        assert verdict.word == word
        assert ("ranks=2 (found: 1)" in verdict.reason) == (ranks == 1)

    @pytest.mark.parametrize("rival", [False, True])
    @pytest.mark.parametrize(
        ("about", "found"),
        [({"threads": 1}, 1), ({"threads": 4, "probes": {"gpus": 0, "usable_cores": 1}}, 1)],
    )
    def test_of_cores_for_the_ranks_leaves_nothing_to_be_tested(
        self, about: Any, found: int, rival: bool
    ) -> None:
        pair = dataclasses.replace(PAIR, ranks=2, rival=rival)
        verdict = only_verdict(whole(pair), pairs=(pair, AA), **about)
        assert verdict.word == "not testable here"
        assert f"a core for each of 2 ranks (found: {found})" in verdict.reason

    def test_of_what_nobody_probed_is_unknown(self) -> None:
        verdict = only_verdict(whole(), claims=(claim(needs=("tpus=1",)),))
        assert "tpus=1 (found: unknown)" in verdict.reason

    def test_of_what_a_claim_needs_is_no_matter_to_a_rival(self) -> None:
        rival = dataclasses.replace(PAIR, rival=True)
        verdict = only_verdict(whole(), pairs=(rival, AA), claims=(claim(needs=("ranks=2",)),))
        assert (verdict.word, verdict.algorithm) == ("met", "rival")

    def test_of_a_peer_leaves_nothing_to_test_and_the_reason(self) -> None:
        reason = "plain is not installed. Install it with: python -m baselines.install plain"
        lost = {"status": "skipped", "reason": reason, "seconds": None, "passed": None}
        records = changed(whole(), lost, pair="pair", member="baseline")
        judgement = judged(records)
        found = judgement.pairs[0]
        assert found.verdicts[0].word == "not testable here"
        assert reason.rstrip(".") in found.verdicts[0].reason
        assert all(failure.status == "skipped" for failure in found.failures)
        assert any(
            "pair pair could not be measured here" in said for said in warnings_of(judgement)
        )

    def test_of_planned_blocks_is_counted(self) -> None:
        records = without(whole(), measured="step", pair="pair", seed=2)
        judgement = judge(manifest(whole()), records)
        assert judgement.pairs[0].missing_blocks == 2 * ROUNDS
        assert judgement.pairs[1].missing_blocks == 0
        assert warnings_of(judgement) == (
            "8 blocks of the plan missing in the records: the run is unfinished",
        )

    def test_of_a_block_from_the_plan_keeps_its_record_out(self) -> None:
        planned = checks(PAIR) + timed(PAIR, noise=0.0)
        stray = record(PAIR, "step", "method", seed=9, seconds=(99.0,))
        partner = record(PAIR, "step", "baseline", seed=9, seconds=(1.0,))
        judgement = judge(manifest(planned, claims=(claim(),)), [*planned, stray, partner])
        assert judgement.pairs[0].ratios[0].rounds == len(SEEDS) * ROUNDS
        assert any(
            "2 blocks that the records hold but the plan does not" in w
            for w in warnings_of(judgement)
        )


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


class TestDisturbance:
    def test_by_other_machines_is_on_the_first_page(self) -> None:
        records = changed(whole(), {"steal": 0.12}, pair="pair", measured="step", round=0)
        (said,) = warnings_of(judged(records))
        assert "more than 5 % of the CPU time in 6 of 48 timed blocks" in said
        assert "at most 12 %" in said

    def test_of_many_warm_ups_is_on_the_first_page(self) -> None:
        few = changed(whole(), {"warmup_steady": False}, measured="step", round=0, seed=0)
        many = changed(few, {"warmup_steady": False}, measured="step", round=1)
        assert warnings_of(judged(few)) == ()
        (said,) = warnings_of(judged(many))
        assert "steady in 16 of 48 timed blocks" in said

    @pytest.mark.parametrize(
        ("threads", "usable", "cores"), [(1, 8, "1 core"), (8, 2, "2 cores"), (3, None, "3 cores")]
    )
    def test_of_ranks_by_each_other_is_on_the_first_page(
        self, threads: int, usable: int | None, cores: str
    ) -> None:
        pair = dataclasses.replace(PAIR, ranks=4)
        about = {"threads": threads, "probes": {"usable_cores": usable}, "pairs": (pair, AA)}
        (said,) = warnings_of(judged(whole(pair), **about))
        assert said.startswith(f"pair pair ran 4 ranks of one thread each on {cores}:")

    @pytest.mark.parametrize("about", [{"device": "cuda"}, {"threads": 4}])
    def test_of_ranks_is_none_where_each_has_a_device_or_a_core(self, about: Any) -> None:
        pair = dataclasses.replace(PAIR, ranks=4)
        assert warnings_of(judged(whole(pair), pairs=(pair, AA), **about)) == ()

    def test_is_no_matter_where_speed_is_not_judged(self) -> None:
        records = changed(whole(), {"warmup_steady": False, "steal": 0.5}, measured="step")
        assert len(warnings_of(judged(records))) == 2
        assert len(warnings_of(judged(records, verdicts=False))) == 1


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


def test_a_trajectory_alone_is_enough_for_quality_that_is_not_worse() -> None:
    pair = dataclasses.replace(PAIR, passes=("check", "trajectory", "step"))
    records = checks(pair) + trajectories(pair) + timed(pair) + timed(AA, 0.25, 0.25)
    assert only_verdict(records, pairs=(pair, AA)).word == "met"


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

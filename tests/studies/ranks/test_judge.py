"""Scaling as it was measured, the model that is fitted to it, and what neither may touch."""

from __future__ import annotations

import dataclasses
import itertools
import math

import pytest

from harness.declare.pair import MEMBERS
from harness.judge.judge import judge
from harness.judge.judgement import PairJudgement
from harness.judge.pair_study import PairSoFar
from harness.studies.ranks.judge import Scaling, scaling_of
from harness.studies.ranks.model import TERMS, Point
from harness.studies.ranks.prediction import MOST_MISFIT, Prediction
from tests.judge.builders import (
    AA,
    changed,
    checks,
    claim,
    evidence,
    judged,
    manifest,
    record,
    timed,
    whole,
    without,
)
from tests.judge.builders import PAIR as OTHER
from tests.studies.ranks.runs import BYTES, CORES, KNOWN, PAIR, scaling, seconds, swept_in_ranks


def scaling_in(judged: PairJudgement) -> Scaling | None:
    return judged.studies.get("ranks")


def of(records, value: float = 2.0, probes=CORES) -> Scaling:
    claims = (claim(value=value),)
    seen = evidence(records, pairs=(PAIR, AA), claims=claims, probes=probes)
    found = scaling_of(PairSoFar(seen, PAIR, claims))
    assert found is not None
    return found.scaling


def prediction(records, **about) -> Prediction:
    found = of(records, **about)
    assert found.prediction is not None, found.reason
    return found.prediction


class TestMeasured:
    def test_efficiency_is_a_share_of_one_rank_s_tasks_a_second(self):
        times = {1: 0.32, 2: 0.20, 3: 0.15, 4: 0.10}
        found = of(scaling(lambda p: times[p.ranks] * p.tasks / 32))
        strong = {each.point.ranks: each for each in found.strong}
        for ranks, took in times.items():
            owed = pytest.approx(0.32 / took / ranks)
            assert strong[ranks].efficiency.estimate == owed
            assert strong[ranks].speedup.estimate == pytest.approx(0.33 / took)
        weak = {each.point: each for each in found.weak}
        for ranks, took in times.items():
            of_step = took * 8 * ranks / 32
            owed = pytest.approx(0.32 * 8 / 32 / of_step)
            assert weak[Point(ranks, 8 * ranks)].efficiency.estimate == owed

    def test_one_rank_has_an_efficiency_of_exactly_one(self):
        found = of(scaling(noise=0.02))
        for series in (found.strong, found.weak):
            one = series[0].efficiency
            assert (one.low, one.estimate, one.high) == (1.0, 1.0, 1.0)

    def test_what_went_over_the_wire_stands_apart_from_computing(self):
        found = of(scaling())
        assert (found.calls, found.bytes) == (1, BYTES)
        assert found.strong[0].allreduce_s is None
        assert found.strong[1].allreduce_s == pytest.approx(0.002)
        assert found.strong[1].imbalance_s == pytest.approx(0.002)
        for each in found.strong:
            left = each.seconds.estimate - (each.allreduce_s or 0)
            assert each.computing_s == pytest.approx(left)

    def test_only_the_held_out_ranks_are_marked(self):
        found = of(scaling())
        for series in (found.strong, found.weak):
            assert [e.point.ranks for e in series if e.held_out] == [3]

    def test_a_pair_without_the_pass_has_none(self):
        assert scaling_of(PairSoFar(evidence(whole()), OTHER)) is None

    def test_a_weak_batch_that_the_baseline_never_had_gets_no_speedup(self):
        found = of(scaling())
        assert all(each.speedup is None for each in found.weak if each.point.tasks != 32)


class TestPoints:
    """What a sweep need not say of every point."""

    def swept(self, at: list[dict], settings: dict) -> PairJudgement:
        pair = dataclasses.replace(PAIR, sweep=tuple(at), settings=settings)
        records = []
        for number, (point, member) in enumerate(itertools.product(at, MEMBERS)):
            ranks = point["ranks"] if member == "method" else 1
            one = record(
                pair,
                "step",
                member,
                seconds=(1.2 / ranks,),
                processes=ranks,
                point=pair.part_of(member, point),
            )
            records.append(dataclasses.replace(one, block=f"pair/step@{number}/m/seed0/round0"))
        return judged(checks(pair) + records, pairs=(pair, AA), probes=CORES).pairs[0]

    def test_the_tasks_of_a_step_may_be_the_pair_s_own(self):
        found = scaling_in(self.swept([{"ranks": 1}, {"ranks": 2}], {"meta_batch": 32}))
        assert [each.point for each in found.strong] == [Point(1, 32), Point(2, 32)]
        assert found.strong[1].speedup.estimate == pytest.approx(2)
        assert found.strong[1].efficiency.estimate == pytest.approx(1)

    def test_without_one_rank_no_efficiency_is_known(self):
        at = [{"ranks": 2, "meta_batch": 32}, {"ranks": 4, "meta_batch": 32}]
        found = scaling_in(self.swept(at, {}))
        assert [each.efficiency for each in found.strong] == [None, None]
        assert [each.speedup.estimate for each in found.strong] == [
            pytest.approx(2),
            pytest.approx(4),
        ]

    def test_a_sweep_that_does_not_say_how_many_tasks_a_step_has_is_told_to(self):
        found = scaling_in(self.swept([{"ranks": 1}, {"ranks": 2}], {}))
        assert (found.strong, found.weak) == ((), ())
        assert "no point of the sweep has steps of 32 tasks: set meta_batch" in found.reason


class TestModel:
    def test_recovers_the_coefficients_that_made_the_times(self):
        found = prediction(scaling())
        assert found.misfit < 1e-9
        for term in found.terms:
            assert term.seconds.estimate == pytest.approx(KNOWN[term.name], rel=1e-6)

    def test_covers_the_coefficients_where_rounds_are_noisy(self):
        covered = [
            term.seconds.low <= KNOWN[term.name] <= term.seconds.high
            for draw in range(0, 60, 3)
            for term in prediction(scaling(noise=0.02, seeds=range(draw, draw + 3))).terms
        ]
        assert sum(covered) / len(covered) > 0.85

    @pytest.mark.parametrize("name", list(TERMS))
    def test_a_term_that_costs_nothing_is_found_to(self, name):
        terms = KNOWN | {name: 1e-12}
        found = prediction(scaling(lambda p: seconds(p, terms), terms=terms))
        assert {t.name: t.seconds.estimate for t in found.terms}[name] == pytest.approx(0, abs=1e-9)

    def test_holds_on_what_was_held_out_where_it_is_right(self):
        found = prediction(scaling(noise=0.02))
        assert found.reason is None
        assert [each.point for each in found.held_out] == [Point(3, 32), Point(3, 24)]
        assert all(each.holds for each in found.held_out)

    def test_fails_on_what_was_held_out_where_it_is_wrong_and_then_predicts_nothing(self):
        def odd_ones_stumble(point: Point) -> float:
            return seconds(point) * (1.3 if point.ranks == 3 else 1.0)

        found = prediction(scaling(odd_ones_stumble, noise=0.02))
        assert not any(each.holds for each in found.held_out)
        assert "missed the held-out steps of 3 ranks with 32 tasks" in found.reason
        assert (found.predicted, found.needed) == ((), ())

    def test_a_misfit_widens_what_it_says_and_a_large_one_silences_it(self):
        def restless(point: Point, by: float) -> float:
            return seconds(point) * (1 + by if point == Point(2, 16) else 1)

        little = prediction(scaling(lambda p: restless(p, 0.1)))
        assert 0.01 < little.misfit < 0.1
        two = little.predicted[1].seconds
        assert two.low <= two.estimate * (1 - little.misfit)
        assert two.high >= two.estimate * (1 + little.misfit)
        much = prediction(scaling(lambda p: restless(p, 2.0)))
        assert much.misfit > MOST_MISFIT
        assert "misses a step that it was fitted to" in much.reason

    def test_the_held_out_ranks_play_no_part_in_the_fit(self):
        def shifted(point: Point) -> float:
            return seconds(point) * (1.02 if point.ranks == 3 else 1.0)

        plain, moved = prediction(scaling()), prediction(scaling(shifted))
        assert plain.terms == moved.terms

    def test_is_the_same_whenever_it_is_asked_and_in_whatever_order(self):
        records = scaling(noise=0.05)
        assert of(records) == of(records[::-1])


class TestPrediction:
    def test_ranks_with_cores_of_their_own_take_no_turns(self):
        """Here four ranks share two cores; in a cluster they would be nearly twice as fast."""
        found = prediction(scaling())
        at_4 = found.predicted[3]
        owed = KNOWN["fixed"] + 8 * (KNOWN["compute"] + KNOWN["contention"])
        wire = 2 * KNOWN["latency"] + KNOWN["transfer"] * BYTES / 2**20 * 1.5
        assert at_4.ranks == 4
        assert at_4.seconds.estimate == pytest.approx(owed + wire)
        assert at_4.speedup.estimate == pytest.approx(0.33 / (owed + wire))

    def test_goes_no_further_than_one_task_a_rank(self):
        assert [each.ranks for each in prediction(scaling()).predicted] == list(range(1, 33))

    def test_says_how_many_ranks_a_claim_takes(self):
        [needed] = prediction(scaling(noise=0.02)).needed
        # Two ranks of 16 tasks, each slowed by its neighbour, miss twice the speed by little.
        assert needed.published == 2.0
        assert needed.fewest <= needed.ranks <= needed.most
        assert needed.ranks == 3

    def test_says_that_no_number_of_ranks_is_enough(self):
        heavy = KNOWN | {"fixed": 0.5}
        found = prediction(scaling(lambda p: seconds(p, heavy), baseline=0.8))
        [needed] = found.needed
        assert (needed.ranks, needed.fewest, needed.most) == (None, None, None)


class TestNoModel:
    @pytest.mark.parametrize(
        ("records", "probes", "why"),
        [
            (scaling(seeds=(0,)), CORES, "4 rounds hold every point, but the model needs 8"),
            (scaling(), {"gpus": 0}, "the number of cores is unknown"),
            (
                without(scaling(), member="baseline"),
                CORES,
                "step of the baseline at meta_batch=32: not in",
            ),
            (without(scaling(), processes=4), CORES, "0 rounds hold every point"),
        ],
    )
    def test_it_is_said_why(self, records, probes, why):
        found = of(records, probes=probes)
        assert found.prediction is None
        assert why in found.reason
        assert found.strong

    def test_without_the_held_out_ranks_it_is_unchecked_and_predicts_nothing(self):
        found = prediction(without(scaling(), processes=3))
        assert "unchecked" in found.reason
        assert found.predicted == ()


class TestVerdicts:
    def test_do_not_look_at_scaling_and_least_of_all_at_what_is_predicted(self):
        """Whatever was measured of more ranks, or is predicted of them, the words stay."""
        pair = swept_in_ranks(OTHER)
        plain = whole(pair)
        tiny = {name: term / 100 for name, term in KNOWN.items()}
        swift = scaling(lambda p: seconds(p, tiny), pair=pair, terms=tiny)
        broken = scaling(lambda p: math.sqrt(p.ranks), pair=pair)
        about = {"pairs": (pair, AA), "probes": CORES}
        words = [
            judged(records, **about).pairs[0] for records in (plain, plain + swift, plain + broken)
        ]
        assert scaling_in(words[1]).prediction.predicted[31].speedup.estimate > 100
        own = [[ratio for ratio in each.ratios if not ratio.point] for each in words]
        assert len({str((each.verdicts, r)) for each, r in zip(words, own, strict=True)}) == 1
        assert {ratio.point["ranks"] for ratio in words[1].ratios if ratio.point} == {1, 2, 3, 4}

    def test_a_method_whose_check_failed_shows_no_scaling(self):
        pair = swept_in_ranks(OTHER)
        records = whole(pair) + scaling(pair=pair)
        wrong = changed(records, {"passed": False}, measured="check")
        about = {"pairs": (pair, AA), "probes": CORES}
        assert scaling_in(judged(records, **about).pairs[0]) is not None
        assert scaling_in(judged(wrong, **about).pairs[0]) is None

    def test_what_no_run_can_hold_is_left_out(self):
        records = checks(PAIR) + scaling() + timed(AA)
        flawed = changed(records, {"seconds": (0.0,)}, measured="step", processes=2)
        found = judge(manifest(flawed, pairs=(PAIR, AA), probes=CORES), flawed).pairs[0]
        assert [each.point.ranks for each in scaling_in(found).strong] == [1, 3, 4]
        assert any("no clock gives" in failure.reason for failure in found.failures)

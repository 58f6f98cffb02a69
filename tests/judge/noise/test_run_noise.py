"""Every pair's noise is its own twin's; runs without twins go by their A/A pairs."""

from __future__ import annotations

import dataclasses
from random import Random
from typing import Any

import pytest

from harness.builtin import builtin_passes, builtin_studies
from harness.declare.pair import Pair
from harness.declare.passes import Seen
from harness.judge.block_values import Taken, ratio_of
from harness.judge.judgement import Judgement
from harness.judge.noise.stopping import decides_by, narrow, settled
from harness.judge.statistics import Interval
from harness.records.record import Record
from tests.judge.builders import (
    AA,
    PAIR,
    checks,
    inheriting,
    judged,
    manifest,
    record,
    timed,
    trajectories,
    warnings_of,
)

STEP = dataclasses.replace(PAIR, passes=("check", "trajectory", "step", "curve"))
TURNS = 5


def rounds(
    pair: Pair = STEP,
    ratio: float = 2.5,
    count: int = 12,
    noise: float = 0.01,
    twin: float = 1.0,
    seed: int = 0,
    seeds: int = 3,
    **about: Any,
) -> list[Record[Seen]]:
    """Time a pair and its twin in turns, each of which draws what it was disturbed by."""
    random, found = Random(seed), []
    for number in range(count):
        round_, of_seed = divmod(number, seeds)
        drift = random.uniform(0.5, 2.0)  # of the machine, which all of a round share
        for member, seconds in (("baseline", 1.0), ("method", 1 / ratio), ("twin", twin)):
            taken = tuple(drift * seconds * (1 + random.gauss(0, noise)) for _ in range(TURNS))
            found.append(
                record(
                    pair,
                    "step",
                    member,
                    of_seed,
                    round_,
                    seconds=taken,
                    wall_seconds=taken,
                    **{"together": f"round {number}", "in_turns": True} | about,
                )
            )
    return found


def proven(pair: Pair = STEP) -> list[Record[Seen]]:
    """Return what shows that the method is right, and as accurate as the baseline."""
    right = [*checks(pair), *trajectories(pair)]
    return [*right, *inheriting(pair, right)]


def run(*pairs: tuple[Pair, list[Record[Seen]]], **about: Any) -> Judgement:
    records = [each for pair, of_pair in pairs for each in [*proven(pair), *of_pair]]
    return judged(records, pairs=[pair for pair, _ in pairs], **about)


class TestATurn:
    def test_is_compared_with_the_one_beside_it(self) -> None:
        baseline = Taken((1.0, 4.0, 2.0), "a", True)
        method = Taken((0.5, 2.0, 1.0), "a", True)
        assert baseline.over(method) == pytest.approx(2.0)

    def test_of_another_round_is_not(self) -> None:
        baseline, method = Taken((1.0, 9.0, 2.0), "a", True), Taken((1.0, 0.5, 0.1), "b", True)
        assert baseline.over(method) == pytest.approx(2.0 / 0.5)

    def test_that_was_none_is_not(self) -> None:
        baseline, method = Taken((1.0, 9.0, 2.0), "a"), Taken((1.0, 0.5, 0.1), "a")
        assert baseline.over(method) == pytest.approx(2.0 / 0.5)

    def test_gives_the_inverse_the_other_way_round(self) -> None:
        one, other = Taken((1.0, 3.0, 2.0, 7.0), "a", True), Taken((5.0, 1.0, 4.0, 2.0), "a", True)
        assert one.over(other) * other.over(one) == pytest.approx(1.0)


class TestTheTwin:
    def test_gives_a_pair_its_noise_floor(self) -> None:
        judgement = run((STEP, rounds()))
        (judged_pair,) = judgement.pairs
        assert judgement.aa_ok is True
        assert judgement.noise_floor is not None
        assert 0 < judgement.noise_floor < 0.03
        assert [v.word for v in judged_pair.verdicts] == ["met"], judged_pair.verdicts[0].reason
        (ratio,) = judged_pair.ratios
        assert ratio.interval is not None
        assert 2.4 < ratio.interval.low < 2.5 < ratio.interval.high < 2.6

    def test_is_the_noise_of_its_own_pair_alone(self) -> None:
        loud = dataclasses.replace(STEP, name="loud")
        judgement = run((STEP, rounds(ratio=1.2)), (loud, rounds(loud, ratio=1.2, noise=0.5)))
        quiet_word, loud_word = (each.verdicts[0].word for each in judgement.pairs)
        assert (quiet_word, loud_word) == ("smaller", "none")

    def test_that_fails_leaves_the_other_pairs_verdicts(self) -> None:
        broken = dataclasses.replace(STEP, name="broken")
        judgement = run((STEP, rounds()), (broken, rounds(broken, twin=1.2)))
        assert [each.verdicts[0].word for each in judgement.pairs] == ["met", "inconclusive"]
        assert judgement.aa_ok is False
        assert "the twin of pair broken, step_time, has" in warnings_of(judgement)[0]
        assert "the pair's verdicts on time are inconclusive" in warnings_of(judgement)[0]

    def test_goes_before_an_a_a_pair(self) -> None:
        records = [*rounds(), *proven(), *timed(AA, 0.25, 0.3)]
        judgement = judged(records, pairs=(STEP, AA))
        assert judgement.pairs[0].verdicts[0].word == "met"

    def test_of_too_few_rounds_tells_nothing(self) -> None:
        judgement = run((STEP, rounds(count=7)))
        assert judgement.pairs[0].verdicts[0].word == "inconclusive"
        assert "7 of the 8 rounds" in " ".join(warnings_of(judgement))

    def test_is_no_member_whose_failure_withholds_a_ratio(self) -> None:
        records = [
            dataclasses.replace(each, status="failed", reason="it fell", seen=None)
            if each.member == "twin"
            else each
            for each in rounds()
        ]
        (found,) = run((STEP, records)).pairs
        assert found.ratios[0].interval is not None
        assert found.verdicts[0].word == "inconclusive"

    def test_stands_in_the_noise_table_under_its_pair(self) -> None:
        judgement = run((STEP, rounds()))
        (twins,) = judgement.twins
        assert (twins.pair, twins.measure, twins.own) == ("pair", "step_time", True)


def test_a_run_without_twins_is_judged_by_its_a_a_pairs() -> None:
    records = [*proven(), *timed(STEP), *timed(AA, 0.25, 0.25)]
    judgement = judged(records, pairs=(STEP, AA))
    assert judgement.pairs[0].verdicts[0].word == "met"
    assert [twins.own for twins in judgement.twins] == [False]
    assert judgement.pairs[0].ratios[0].interval is not None
    assert judgement.pairs[0].ratios[0].interval.method == "BCa bootstrap"


def test_what_was_left_out_since_all_was_decided_is_not_missing() -> None:
    over = [
        record(STEP, "step", member, 0, 9, status="skipped", skip="decided", reason="enough")
        for member in ("baseline", "method", "twin")
    ]
    judgement = run((STEP, [*rounds(), *over]))
    assert judgement.pairs[0].failures == ()
    assert judgement.pairs[0].missing_blocks == 0
    assert judgement.pairs[0].verdicts[0].word == "met"
    assert warnings_of(judgement) == ()


class TestRoundsEnd:
    decides = staticmethod(decides_by(manifest([], (STEP,)), builtin_passes(), builtin_studies()))

    def test_at_a_look_that_decides(self) -> None:
        for count in range(8):
            assert self.decides(STEP, rounds(count=count)) is None
        assert self.decides(STEP, rounds(count=8)) == "decided by 8 rounds"
        assert self.decides(STEP, rounds(count=9)) is None  # no look

    @pytest.mark.parametrize("ratio", [2.5, 1.3, 0.8])
    def test_by_any_word(self, ratio: float) -> None:
        assert self.decides(STEP, rounds(ratio=ratio, count=10)) is not None

    def test_not_by_rounds_that_choose(self) -> None:
        passes = builtin_passes()
        choosing = {**passes, "step": dataclasses.replace(passes["step"], chooses=True)}
        decides = decides_by(manifest([], (STEP,)), choosing)
        assert decides(STEP, rounds(count=10)) is None
        assert decides(STEP, rounds(count=11)) is not None

    def test_not_while_the_published_ratio_may_be_reached_or_not(self) -> None:
        assert self.decides(STEP, rounds(ratio=2.0, count=8, noise=0.2)) is None
        assert self.decides(STEP, rounds(ratio=2.0, count=10, noise=0.005)) is not None

    def test_not_while_the_twin_differs(self) -> None:
        assert self.decides(STEP, rounds(count=28, twin=1.3)) is None

    def test_without_a_claim_when_all_is_known_closely(self) -> None:
        free = dataclasses.replace(STEP, claims=())
        assert self.decides(free, rounds(free, count=10, noise=0.3)) is None
        assert self.decides(free, rounds(free, count=10, noise=0.01)) is not None

    def test_not_where_a_pass_has_fewer_rounds_than_another(self) -> None:
        both = dataclasses.replace(STEP, passes=("step", "adaptation"))
        assert self.decides(both, rounds(both, count=10)) is None


@pytest.mark.parametrize(
    ("low", "high", "known"),
    [
        pytest.param(2.1, 3.0, True, id="met"),
        pytest.param(1.2, 1.9, True, id="smaller"),
        pytest.param(0.5, 0.8, True, id="reversed"),
        pytest.param(1.05, 1.9, False, id="within the noise"),
        pytest.param(0.95, 1.6, False, id="it may be none"),
        pytest.param(1.8, 2.2, False, id="it may be met"),
        pytest.param(1.95, 2.05, True, id="as narrow as asked"),
        pytest.param(0.97, 1.03, True, id="as narrow, and none"),
    ],
)
def test_a_word_is_settled_when_rounds_could_hardly_change_it(
    low: float, high: float, known: bool
) -> None:
    interval = Interval((low + high) / 2, low, high, 10, "made")
    assert settled(interval, published=2.0, floor=0.1, precision=0.05) is known


def test_five_percent_is_up_and_down() -> None:
    assert narrow(Interval(1.0, 0.953, 1.05, 9, "made"), 0.05)
    assert not narrow(Interval(1.0, 0.94, 1.05, 9, "made"), 0.05)


class TestErrorRates:
    """Of 2000 simulated runs each, with heavy tails and drift, looked at as often as the rule does.

    The bounds are those of 2.5 % and three standard errors of so many runs.
    """

    RUNS = 2000
    MOST = 0.025 + 3 * (0.025 * 0.975 / RUNS) ** 0.5

    def stopped(self, truth: float, seed: int, published: float = 2.0) -> Interval:
        """Return the interval at which a run of at most 35 rounds ends."""
        random, ratios = Random(seed), {}
        baseline: dict[Any, Taken] = {}
        method: dict[Any, Taken] = {}
        interval = None
        for number in range(35):
            shock = random.gauss(0, 0.1) * (4 if random.random() < 0.2 else 1)
            key = ("pair", 0, number)
            baseline[key] = Taken((truth * 2.718281828**shock,), f"{number}", True)
            method[key] = Taken((1.0,), f"{number}", True)
            if number + 1 in (8, 10, 13, 17, 22, 28, 35):
                interval = ratio_of(baseline, method)
                if settled(interval, published, floor=0.02, precision=0.05):
                    return interval
        assert interval is not None, ratios
        return interval

    def test_what_is_less_than_published_is_seldom_met(self) -> None:
        met = sum(self.stopped(1.99999, seed).low >= 2.0 for seed in range(self.RUNS))
        assert 0 < met / self.RUNS <= self.MOST

    def test_what_is_published_is_seldom_smaller(self) -> None:
        smaller = sum(self.stopped(2.0, seed).high < 2.0 for seed in range(self.RUNS))
        assert 0 < smaller / self.RUNS <= self.MOST

    def test_what_is_no_slower_is_seldom_reversed(self) -> None:
        reversed_ = sum(self.stopped(1.0, seed).high < 1 - 0.02 for seed in range(self.RUNS))
        assert reversed_ / self.RUNS <= self.MOST

"""The noise floor hides what is smaller; a noise test that fails opens every verdict on time."""

from __future__ import annotations

import dataclasses

import pytest

from tests.judge.builders import (
    AA,
    PAIR,
    checks,
    claim,
    counts,
    judged,
    only_verdict,
    timed,
    warnings_of,
    whole,
)


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

    def test_of_too_few_rounds_is_told_once_for_all_twins(self) -> None:
        others = [dataclasses.replace(AA, name=name) for name in ("one", "two")]
        records = [r for r in whole() if r.pair != "aa"]
        for pair, rounds in zip(others, (1, 2), strict=True):
            records += timed(pair, 0.25, 0.25, rounds=rounds)
        told = warnings_of(judged(records, pairs=(PAIR, *others)))
        few = [line for line in told if "that a noise floor needs" in line]
        assert len(few) == 1
        assert few[0].startswith("2 twins have ")

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
        assert "no baseline was measured against itself" in warnings_of(judgement)[0]

    @pytest.mark.parametrize("measure", ["peak_bytes", "backward_passes"])
    def test_does_not_touch_what_no_clock_measured(self, measure: str) -> None:
        records = [r for r in whole() if r.pair != "aa"] + timed(AA, 0.25, 0.3)
        verdict = only_verdict(records, claims=(claim(measure, 3.9),))
        assert verdict.word == "met", verdict.reason

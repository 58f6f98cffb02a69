from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import pytest

from harness.judge.statistics import MIN_ROUNDS, Interval
from harness.judge.verdicts import Decision, Rule, Word, decide


def judge(
    low: float | None, high: float | None = None, published: float = 2.0, **known: Any
) -> Decision:
    """Decide with everything in order but what the test changes."""
    ratio = None
    if low is not None:
        high = low if high is None else high
        ratio = Interval((low + high) / 2, low, high, 12, "made up")
    facts: dict[str, Any] = {
        "noise_floor": 0.02,
        "aa_ok": True,
        "rounds": 12,
        "equivalence_ok": True,
        "quality_ok": True,
        "missing": None,
    }
    return decide(ratio, published, **{**facts, **known})


def test_the_words_are_those_of_the_protocol() -> None:
    assert [str(word) for word in Word] == [
        "met",
        "consistent",
        "smaller",
        "none",
        "reversed",
        "inconclusive",
        "not measured here",
        "not testable here",
        "invalid",
    ]


class TestTable:
    @pytest.mark.parametrize(
        ("low", "high", "word"),
        [
            (2.1, 2.3, Word.MET),
            (2.0, 2.3, Word.MET),  # the end on the published value reaches it
            (1.5, 2.5, Word.CONSISTENT),
            (1.5, 2.0, Word.CONSISTENT),
            (1.5, 1.9, Word.SMALLER),
            (0.9, 1.9, Word.NONE),
            (0.9, 1.1, Word.NONE),
            (0.9, 2.5, Word.INCONCLUSIVE),
            (1.0, 2.0, Word.INCONCLUSIVE),
            (0.5, 0.9, Word.REVERSED),  # fits "none" as well, and is more
        ],
    )
    def test_reads_the_interval(self, low: float, high: float, word: Word) -> None:
        assert judge(low, high).word is word

    @pytest.mark.parametrize(
        ("low", "high", "without_floor", "within_floor"),
        [
            (1.04, 1.5, Word.SMALLER, Word.NONE),
            (1.04, 2.5, Word.CONSISTENT, Word.INCONCLUSIVE),
            (0.8, 0.96, Word.REVERSED, Word.NONE),
        ],
    )
    def test_calls_no_effect_within_the_noise_floor_real(
        self, low: float, high: float, without_floor: Word, within_floor: Word
    ) -> None:
        assert judge(low, high, noise_floor=0.0).word is without_floor
        assert judge(low, high, noise_floor=0.05).word is within_floor

    def test_does_not_meet_a_claim_that_is_smaller_than_the_noise(self) -> None:
        assert judge(1.03, 1.04, published=1.02, noise_floor=0.0).word is Word.MET
        assert judge(1.03, 1.04, published=1.02, noise_floor=0.05).word is Word.INCONCLUSIVE
        assert judge(1.06, 1.07, published=1.02, noise_floor=0.05).word is Word.MET

    def test_takes_an_end_on_the_noise_floor_for_noise(self) -> None:
        assert judge(1.25, 1.5, noise_floor=0.25).word is Word.NONE
        assert judge(0.5, 0.75, noise_floor=0.25).word is Word.NONE


class TestPrecedence:
    def test_what_cannot_be_tested_is_judged_in_no_other_way(self) -> None:
        decision = judge(
            None, missing="4 GPUs", equivalence_ok=False, quality_ok=False, aa_ok=False, rounds=0
        )
        assert decision.word is Word.NOT_TESTABLE
        assert "4 GPUs" in decision.reason

    @pytest.mark.parametrize(
        ("known", "fault"),
        [
            ({"equivalence_ok": False}, "gradient"),
            ({"quality_ok": False}, "Accuracy"),
            ({"equivalence_ok": False, "quality_ok": False}, "accuracy"),
            ({"equivalence_ok": None, "quality_ok": False}, "Accuracy"),
        ],
    )
    @pytest.mark.parametrize("doubt", [{}, {"aa_ok": False}, {"noise_floor": None}, {"rounds": 0}])
    def test_a_failed_condition_outweighs_any_ratio_and_any_doubt(
        self, known: dict[str, Any], fault: str, doubt: dict[str, Any]
    ) -> None:
        for low in (None, 0.5, 3.0):
            decision = judge(low, **known, **doubt)
            assert decision.word is Word.INVALID
            assert fault in decision.reason

    @pytest.mark.parametrize(
        ("known", "doubt"),
        [
            ({"aa_ok": False}, "noise test failed"),
            ({"aa_ok": None}, "no baseline was timed beside itself"),
            ({"noise_floor": None}, "no baseline was timed beside itself"),
            ({"rounds": MIN_ROUNDS - 1}, f"at least {MIN_ROUNDS} rounds"),
            ({"rounds": MIN_ROUNDS - 1, "aa_ok": None, "noise_floor": None}, "at least"),
            ({"equivalence_ok": None}, "gradient check gave no result"),
        ],
    )
    @pytest.mark.parametrize("low", [0.5, 1.0, 1.5, 3.0])
    def test_a_doubt_outweighs_every_word_of_the_table(
        self, low: float, known: dict[str, Any], doubt: str
    ) -> None:
        decision = judge(low, **known)
        assert decision.word is Word.INCONCLUSIVE
        assert doubt in decision.reason

    def test_just_enough_rounds_are_enough(self) -> None:
        assert judge(3.0, rounds=MIN_ROUNDS).word is Word.MET

    def test_nothing_measured_is_inconclusive(self) -> None:
        decision = judge(None)
        assert decision == Decision(
            Word.INCONCLUSIVE, "Nothing comparable was measured.", Rule.NOTHING
        )


class TestUndecidedAccuracy:
    @pytest.mark.parametrize(("low", "high"), [(2.5, 3), (1.5, 2.5), (1.5, 1.8)])
    def test_grants_no_gain(self, low: float, high: float) -> None:
        granted = judge(low, high).word
        decision = judge(low, high, quality_ok=None)
        assert decision.word is Word.INCONCLUSIVE
        assert f"would be {granted}" in decision.reason

    @pytest.mark.parametrize(
        ("low", "high", "word"), [(0.9, 1.5, Word.NONE), (0.5, 0.9, Word.REVERSED)]
    )
    def test_does_not_excuse_a_gain_that_is_absent(
        self, low: float, high: float, word: Word
    ) -> None:
        assert judge(low, high, quality_ok=None).word is word


class TestCounts:
    def test_that_repeat_exactly_need_neither_rounds_nor_quiet(self) -> None:
        noisy: dict[str, Any] = {"noise_floor": None, "aa_ok": None, "rounds": 1}
        assert judge(2.5, counted=True, **noisy).word is Word.MET
        assert judge(1.001, counted=True, **noisy).word is Word.SMALLER
        assert judge(0.999, counted=True, **noisy).word is Word.REVERSED
        assert judge(1.0, counted=True, **noisy).word is Word.NONE
        assert judge(1.5, counted=True, noise_floor=0.9).word is Word.SMALLER

    def test_that_do_not_repeat_are_treated_as_noise(self) -> None:
        assert judge(2.4, 2.5, counted=True, rounds=1).word is Word.INCONCLUSIVE
        assert judge(1.01, 1.5, counted=True, noise_floor=0.1).word is Word.NONE

    def test_are_invalid_with_a_wrong_gradient_all_the_same(self) -> None:
        assert judge(2.5, counted=True, equivalence_ok=False).word is Word.INVALID
        assert judge(2.5, counted=True, quality_ok=None).word is Word.INCONCLUSIVE


class TestReasons:
    @pytest.mark.parametrize(
        ("decision", "reason"),
        [
            (
                judge(2.1, 2.3),
                "Measured 2.200 (2.100 to 2.300, 12 rounds): even the lower end reaches the "
                "published 2.000.",
            ),
            (
                judge(1.5, 1.9),
                "Measured 1.700 (1.500 to 1.900, 12 rounds): a real gain, beyond the noise floor "
                "of 2 %, but less than the published 2.000.",
            ),
            (
                judge(0.9, 2.5),
                "Measured 1.700 (0.900 to 2.500, 12 rounds): the interval reaches the published "
                "2.000 but does not clear the noise floor of 2 %; about 19 rounds as noisy as "
                "these would tell.",
            ),
            (
                judge(1.9, 2.1, published=2.001, noise_floor=0.999),
                "Measured 2.000 (1.900 to 2.100, 12 rounds): the interval reaches the published "
                "2.001 but does not clear the noise floor of 1e+02 %; even 50 times as many rounds "
                "would hardly tell.",
            ),
            (
                judge(2.0, counted=True, rounds=1),
                "Measured 2.000 (2.000 to 2.000, 1 round): even the lower end reaches the "
                "published 2.000.",
            ),
        ],
    )
    def test_give_the_figures_in_one_sentence(self, decision: Decision, reason: str) -> None:
        assert decision.reason == reason


class TestRefusals:
    @pytest.mark.parametrize(
        "call",
        [
            lambda: judge(2.0, published=1.0),
            lambda: judge(2.0, published=0.5),
            lambda: judge(2.0, published=math.nan),
            lambda: judge(2.0, published=math.inf),
            lambda: judge(2.0, noise_floor=-0.1),
            lambda: judge(2.0, noise_floor=math.nan),
            lambda: judge(0.0, 1.0),
            lambda: judge(2.0, missing=" "),
        ],
    )
    def test_what_makes_no_sense_gets_no_word(self, call: Callable[[], Decision]) -> None:
        with pytest.raises(ValueError, match="."):
            call()

"""Every reading of a claim gets a verdict, and says on how much it rests."""

from __future__ import annotations

import dataclasses

import pytest

from harness.errors import StoreError
from tests.judge.builders import (
    AA,
    PAIR,
    checks,
    claim,
    judged,
    only_verdict,
    pair_of,
    timed,
    trajectories,
    warnings_of,
    whole,
)


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


def test_a_trajectory_alone_is_enough_for_quality_that_is_not_worse() -> None:
    pair = dataclasses.replace(PAIR, passes=("check", "trajectory", "step"))
    records = checks(pair) + trajectories(pair) + timed(pair) + timed(AA, 0.25, 0.25)
    assert only_verdict(records, pairs=(pair, AA)).word == "met"

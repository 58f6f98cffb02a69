"""Without a gradient check that passed, a pair shows no speed-up."""

from __future__ import annotations

import dataclasses

from tests.judge.builders import (
    AA,
    PAIR,
    changed,
    checks,
    curves,
    judged,
    only_verdict,
    pair_of,
    timed,
    warnings_of,
    whole,
    without,
)


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
        assert [check.passed for check in found.checks] == [True, True]
        assert found.verdicts[0].word == "met", found.verdicts[0].reason

    def test_of_the_same_learner_with_other_settings_say_nothing(self) -> None:
        tuned = dataclasses.replace(PAIR, method_settings={"chunk": 4})
        records = checks(PAIR) + timed(tuned) + timed(AA)
        found = pair_of(records, pairs=(tuned, AA))
        assert [check.passed for check in found.checks] == [True, None]
        assert found.verdicts[0].word == "inconclusive"
        assert "Fast: not in the records" in found.verdicts[0].reason

    def test_that_could_not_run_leave_the_word_open_and_say_why(self) -> None:
        hung = {"status": "timeout", "reason": "ended at its limit", "passed": None}
        verdict = only_verdict(changed(whole(), hung, measured="check", member="method"))
        assert verdict.word == "inconclusive"
        assert "Fast: timeout, ended at its limit." in verdict.reason

    def test_that_are_still_to_be_run_are_unknown(self) -> None:
        found = pair_of(without(whole(), measured="check"))
        assert [(check.passed, check.reason) for check in found.checks] == [
            (None, "not in the records")
        ] * 2
        assert found.verdicts[0].word == "inconclusive"

    def test_that_nobody_asked_for_leave_the_word_open(self) -> None:
        unchecked = dataclasses.replace(PAIR, passes=("step", "curve"))
        records = timed(AA, 0.25, 0.25) + timed(unchecked) + curves(unchecked)
        found = pair_of(records, pairs=(unchecked, AA))
        assert found.checks == ()
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
        assert [check.passed for check in found["pair"].checks] == [True, True]
        assert [check.passed for check in found["three"].checks] == [True, False]

    def test_are_those_over_the_same_communicator(self) -> None:
        other = dataclasses.replace(self.PAIR, communicator="horovod")
        (judgement, _) = judged(whole(self.PAIR), pairs=(other, AA), threads=4).pairs
        assert [check.passed for check in judgement.checks] == [True, None]

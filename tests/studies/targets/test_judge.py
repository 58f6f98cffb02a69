"""Steps and seconds to a target, and the verdicts that rest on them."""

from __future__ import annotations

from collections.abc import Sequence

import pytest

from harness.declare.passes import Seen
from harness.judge.judgement import PairJudgement
from harness.records.record import Record
from harness.records.seen import Curve
from harness.studies.targets.judge import TargetTime
from tests.judge.builders import (
    AA,
    PAIR,
    changed,
    checks,
    claim,
    curve,
    judged,
    record,
    timed,
    trajectories,
    whole,
    without,
)

SEEDS = tuple(range(10))
STEPS, TIME = claim("steps_to_target", 1.5), claim("time_to_target", 2.0)


def rising(at: int, last: int = 10, top: float = 0.8) -> tuple[float, ...]:
    """Return a curve that is at its top from its at-th evaluation on; beyond the last, never."""
    return tuple(top if number >= at else 0.01 * number for number in range(1, last + 1))


def raced(
    baseline: Sequence[int], method: Sequence[int], step_times: tuple[float, float] = (0.25, 0.25)
) -> list[Record[Seen]]:
    """Train both with each seed at its top from the given evaluation on, ten steps apart."""
    found = checks(PAIR) + trajectories(PAIR, apart=0.1)
    found += timed(AA, 0.25, 0.25) + timed(PAIR, *step_times, noise=0.0)
    for member, ats in (("baseline", baseline), ("method", method)):
        tests = [[0.8 + 0.001 * (task + seed) for task in range(9)] for seed in range(len(ats))]
        found += [curve(PAIR, member, rising(at), tests[seed], seed) for seed, at in enumerate(ats)]
    return found


def pair_of(records: list[Record[Seen]], **about: object) -> PairJudgement:
    return judged(records, **about).pairs[0]


def times_of(found: PairJudgement) -> tuple[TargetTime, ...]:
    return found.studies.get("targets", ())


class TestTimes:
    def test_count_steps_and_price_them_with_each_members_own(self) -> None:
        found = pair_of(raced([8, 8, 8], [4, 4, 4], (0.5, 0.1)))
        rule = next(target for target in times_of(found) if target.by_rule)
        assert rule.target == 0.8
        assert (rule.baseline_steps, rule.method_steps) == (80, 40)
        assert (rule.baseline_seconds, rule.method_seconds) == (pytest.approx(40), pytest.approx(4))

    def test_span_a_range_of_targets_of_which_one_is_the_rules(self) -> None:
        found = times_of(pair_of(whole()))
        assert len(found) > 3
        assert [target.by_rule for target in found].count(True) == 1
        assert [target.target for target in found] == sorted(target.target for target in found)

    def test_own_up_to_seeds_that_never_got_there(self) -> None:
        found = pair_of(raced([5, 5, 5], [9, 99, 99]))
        rule = next(target for target in times_of(found) if target.by_rule)
        assert (rule.baseline_reached, rule.method_reached) == ("3 of 3", "1 of 3")
        assert (rule.method_steps, rule.method_seconds) == (None, None)

    def test_own_up_to_trainings_that_came_to_no_number(self) -> None:
        records = without(raced([5, 5, 5], [3, 3, 3]), measured="curve", member="method", seed=0)
        failed = {"status": "not finite", "reason": "the result holds NaN"}
        found = pair_of([*records, record(PAIR, "curve", "method", 0, **failed)])
        rule = next(target for target in times_of(found) if target.by_rule)
        assert (rule.baseline_reached, rule.method_reached) == ("3 of 3", "2 of 3")

    def test_are_without_seconds_where_no_step_was_timed(self) -> None:
        records = without(raced([8, 8, 8], [4, 4, 4]), measured="step", pair="pair")
        rule = next(target for target in times_of(pair_of(records)) if target.by_rule)
        assert (rule.baseline_steps, rule.baseline_seconds) == (80, None)

    def test_go_downwards_where_lower_is_better(self) -> None:
        records = raced([8, 8, 8], [4, 4, 4])
        down = [
            changed(
                [r],
                {
                    "higher_is_better": False,
                    "curve_quality": tuple(1 - q for q in r.seen.curve_quality),
                },
            )[0]
            if isinstance(r.seen, Curve)
            else r
            for r in records
        ]
        rule = next(target for target in times_of(pair_of(down)) if target.by_rule)
        assert rule.target == pytest.approx(0.2)
        assert (rule.baseline_steps, rule.method_steps) == (80, 40)

    def test_are_none_without_a_curve_of_the_baseline(self) -> None:
        records = without(raced([5], [5]), measured="curve", member="baseline")
        assert times_of(pair_of(records)) == ()

    def test_are_none_where_a_curve_is_too_short_for_a_target(self) -> None:
        records = [*checks(PAIR), curve(PAIR, "baseline", (0.8,)), curve(PAIR, "method", (0.8,))]
        found = pair_of(records, claims=(STEPS,))
        assert times_of(found) == ()
        assert "has the 2 evaluations that a target needs" in found.verdicts[0].reason


class TestRatios:
    def test_are_given_only_where_a_claim_asks(self) -> None:
        records = raced([8] * 10, [4] * 10)
        assert pair_of(records).ratio("steps_to_target") is None
        ratio = pair_of(records, claims=(STEPS,)).ratio("steps_to_target")
        assert ratio is not None
        assert ratio.interval is not None
        assert (ratio.unit, ratio.interval.estimate, ratio.rounds) == ("steps", 2.0, 10)

    def test_of_time_multiply_steps_and_seconds(self) -> None:
        found = pair_of(raced([8] * 10, [4] * 10, (0.3, 0.1)), claims=(TIME,))
        ratio = found.ratio("time_to_target")
        assert ratio is not None
        assert ratio.interval is not None
        assert ratio.interval.estimate == pytest.approx(6.0)
        assert found.verdicts[0].word == "met", found.verdicts[0].reason

    def test_are_paired_by_seed(self) -> None:
        found = pair_of(raced([2, 4, 6, 8], [1, 2, 3, 4]), claims=(STEPS,))
        ratio = found.ratio("steps_to_target")
        assert ratio is not None
        assert ratio.interval is not None
        assert (ratio.interval.low, ratio.interval.high) == (2.0, 2.0)

    def test_of_time_need_the_time_of_a_step(self) -> None:
        records = without(raced([8] * 9, [4] * 9), measured="step", pair="pair")
        (verdict,) = pair_of(records, claims=(TIME,)).verdicts
        assert "The step time of the baseline is unknown." in verdict.reason

    def test_are_refused_to_a_seed_that_was_there_before_its_first_step(self) -> None:
        records = changed(
            raced([1, 1], [1, 1]), {"curve_steps": tuple(range(0, 100, 10))}, measured="curve"
        )
        (verdict,) = pair_of(records, claims=(STEPS,)).verdicts
        assert "before its first step" in verdict.reason

    def test_of_an_inherited_curve_are_one_in_steps_and_the_steps_own_in_time(self) -> None:
        steps = pair_of(whole(), claims=(STEPS,))
        time = pair_of(whole(), claims=(TIME,))
        ratio = steps.ratio("steps_to_target")
        assert ratio is not None
        assert ratio.interval is not None
        assert (ratio.interval.low, ratio.interval.high) == (1, 1)
        assert steps.verdicts[0].word == "none"
        assert time.verdicts[0].ratio == time.ratio("step_time").interval  # type: ignore[union-attr]
        assert time.verdicts[0].word == "met"


class TestNoise:
    def test_of_the_clock_is_no_matter_to_steps(self) -> None:
        silent = without(raced([8] * 10, [4] * 10), pair="aa")
        loud = silent + timed(AA, 0.25, 0.3)
        assert [pair_of(r, claims=(STEPS,)).verdicts[0].word for r in (silent, loud)] == ["met"] * 2

    def test_of_the_clock_is_allowed_for_in_seconds(self) -> None:
        loud = without(raced([8] * 10, [2] * 10), pair="aa") + timed(AA, 0.25, 0.3)
        assert pair_of(loud, claims=(TIME,)).verdicts[0].word == "inconclusive"


class TestLateSeeds:
    """A seed that never got there bounds the ratio on one side, and no word may lean on it."""

    def word(self, baseline: Sequence[int], method: Sequence[int], published: float) -> str:
        claims = (claim("steps_to_target", published),)
        return pair_of(raced(baseline, method), claims=claims).verdicts[0].word

    def test_of_the_baseline_still_let_a_gain_be_shown(self) -> None:
        late = [8] * 7 + [99] * 3
        assert self.word([8] * 10, [4] * 10, 1.5) == "met"
        assert self.word(late, [4] * 10, 1.5) == "met"

    def test_of_the_baseline_do_not_let_a_published_gain_be_denied(self) -> None:
        late = [8] * 7 + [99] * 3
        assert self.word([8] * 10, [4] * 10, 4.0) == "smaller"
        assert self.word(late, [4] * 10, 4.0) == "inconclusive"

    def test_of_the_method_do_not_let_a_gain_be_shown(self) -> None:
        assert self.word([8] * 10, [4] * 9 + [99], 1.5) == "inconclusive"

    def test_of_the_method_still_let_a_loss_be_shown(self) -> None:
        assert self.word([4] * 10, [9] * 8 + [99] * 2, 1.5) == "reversed"

    def test_say_why_the_word_is_open(self) -> None:
        found = pair_of(raced([8] * 10, [4] * 9 + [99]), claims=(STEPS,))
        assert "seeds of the method never reached the target" in found.verdicts[0].reason


def test_a_few_seeds_that_agree_are_still_too_few() -> None:
    (verdict,) = pair_of(raced([8] * 3, [4] * 3), claims=(STEPS,)).verdicts
    assert verdict.word == "inconclusive"
    assert "at least 8" in verdict.reason

"""A waterfall says what each rung gives: it adds up, and what is missing is told and not filled."""

from __future__ import annotations

import math

import pytest

from harness.judge.statistics import quotient
from tests.judge.builders import changed, checks, without
from tests.studies.ladder import runs
from tests.studies.ladder.runs import PAIRS, SECONDS, SHORT, ladder, own, rung, swept, whole


@pytest.mark.parametrize("noise", [0.0, 0.05, 0.6])
def test_what_the_rungs_give_multiplies_to_the_product(noise: float) -> None:
    steps = own(ladder(whole(noise=noise)))
    given = [step.gives.estimate for step in steps.values() if step.gives is not None]
    last = steps["together"].so_far
    assert last is not None
    assert math.prod(given) == pytest.approx(last.estimate, rel=1e-12)
    for step in steps.values():
        for found in (step.alone, step.so_far, step.gives):
            assert found is None or found.low <= found.estimate <= found.high


def test_each_rung_is_told_alone_and_on_top_of_those_before() -> None:
    steps = own(ladder(whole()))
    found = {
        name: tuple(
            None if each is None else round(each.estimate, 9)
            for each in (step.alone, step.so_far, step.gives)
        )
        for name, step in steps.items()
    }
    assert found == {
        "reuse": (2.0, 2.0, 2.0),  # the first has none before it
        "rows": (2.5, 4.0, 2.0),
        "together": (0.8, 10.0, 2.5),  # slower alone, and still a gain on top
        "compiled": (12.5, None, None),
    }
    assert [step.since for step in steps.values()] == [None, "reuse", "rows", "together"]
    assert steps["compiled"].reason == "no pair adds it to the rungs before"


def test_the_factor_s_interval_holds_what_is_true_of_it() -> None:
    step = own(ladder(whole(noise=0.2)))["together"].gives
    assert step is not None
    assert step.n == 12
    assert step.low < 2.5 < step.high
    assert step.high - step.low > 0.01


def test_a_missing_rung_is_given_together_with_the_next() -> None:
    pairs = tuple(pair for pair in PAIRS if pair.name != "reuse-rows")
    steps = own(ladder(whole(pairs), pairs))
    assert steps["rows"].so_far is steps["rows"].gives is None
    assert steps["rows"].alone is not None
    assert steps["rows"].reason == "no pair adds it to the rungs before"
    together = steps["together"]
    assert together.gives is not None
    assert (together.since, together.gives.estimate) == ("reuse", pytest.approx(5.0))


def test_a_rung_whose_check_failed_gives_nothing_and_says_why() -> None:
    bad = next(pair for pair in PAIRS if pair.name == "reuse-rows")
    records = without(whole(), pair=bad.name, measured="check") + checks(bad, (True, False))
    found = ladder(records)
    step = own(found)["rows"]
    assert step.so_far is step.gives is None
    assert step.reason == "the gradient check of learner_reuse-rows failed"
    assert own(found)["together"].since == "reuse"
    told = {(each.rung, each.added) for each in (*found.rates, *found.costs, *found.lengths)}
    assert ("rows", True) not in told
    assert ("rows", False) in told


def test_a_rung_that_was_not_timed_says_what_became_of_it() -> None:
    died = {"status": "died", "reason": "out of eggs"}
    found = own(ladder(changed(whole(), died, pair="rows", measured="step", member="method")))
    assert found["rows"].alone is None
    assert "out of eggs" in found["rows"].reason


def test_points_of_a_sweep_have_waterfalls_of_their_own() -> None:
    pairs = swept()
    found = ladder(whole(pairs), pairs)
    assert [dict(each.point) for each in found.waterfalls] == [{}, SHORT]
    short = {step.rung: step for step in found.waterfalls[1].steps}
    assert short["together"].so_far is not None
    assert short["together"].so_far.estimate == pytest.approx(10.0)
    (along,) = found.along
    assert along.setting == "steps"
    lines = {(line.rung, line.added): [r.value for r in line.readings] for line in along.lines}
    assert lines["together", True] == [5.0, 20.0]  # the pair's own value among them


def test_a_point_at_which_one_rung_alone_was_timed_is_no_waterfall() -> None:
    pairs = (*swept(PAIRS[:1]), *PAIRS[1:])
    assert [each.point for each in ladder(whole(pairs), pairs).waterfalls] == [{}]


def test_pairs_on_another_workload_are_another_ladder() -> None:
    other = rung("other", "rows", baseline_settings={"slow": True})
    pairs = (*PAIRS, other)
    found = runs.judged(whole(pairs, seconds={**SECONDS, "other": 0.2}), pairs).studies["ladder"]
    assert [each.baseline for each in found] == ["plain", "plain (slow=True)"]


def test_a_run_without_rungs_has_no_ladder() -> None:
    assert "ladder" not in runs.judged(whole(()), ()).studies


def test_few_rounds_span_the_quotients_that_were_seen() -> None:
    above, below = (own(ladder(whole()))[name].so_far for name in ("together", "rows"))
    assert above is not None
    assert below is not None
    found = quotient(above, below, [(10.0, 4.0), (9.0, 4.5), (12.0, 3.0)], seed=0)
    assert (found.low, found.high, found.n) == (2.0, 4.0, 3)
    assert "too few" in found.method
    with pytest.raises(ValueError, match="at least one pair"):
        quotient(above, below, [], seed=0)

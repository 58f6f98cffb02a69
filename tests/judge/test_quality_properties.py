from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from harness.judge.quality import (
    Crossing,
    Standing,
    accuracy,
    logrank,
    non_inferior,
    survival,
    target_by_rule,
    target_range,
    time_to_target,
)

qualities = st.floats(0, 1)
crossings = st.lists(
    st.builds(Crossing, st.integers(1, 20).map(float), st.booleans()), min_size=1, max_size=12
)


@st.composite
def curves(draw: st.DrawFn, least: int = 1) -> list[tuple[float, float]]:
    steps = sorted(draw(st.sets(st.integers(0, 1000), min_size=least, max_size=12)))
    return [(step, draw(qualities)) for step in steps]


@st.composite
def pairs(draw: st.DrawFn) -> tuple[dict[int, list[float]], dict[int, list[float]]]:
    tasks = draw(st.integers(1, 6))
    row = st.lists(qualities, min_size=tasks, max_size=tasks)
    seeds = st.dictionaries(st.integers(0, 4), row, min_size=1)
    baseline = draw(seeds)
    return baseline, {seed: draw(row) for seed in baseline}


@given(pairs())
def test_both_accuracy_intervals_are_about_the_mean(
    pair: tuple[dict[int, list[float]], dict[int, list[float]]],
) -> None:
    result = accuracy(pair[0])
    for interval in (result.over_tasks, result.over_seeds):
        if interval is not None:
            assert interval.estimate == pytest.approx(result.mean)
    assert (result.over_seeds is None) == (len(pair[0]) == 1)


@given(pairs(), st.floats(0.001, 1))
def test_the_standing_is_what_the_bounds_say(
    pair: tuple[dict[int, list[float]], dict[int, list[float]]], margin: float
) -> None:
    result = non_inferior(*pair, margin)
    if result.gain is None:
        assert result.standing is Standing.UNDECIDED
    elif result.standing is Standing.NOT_WORSE:
        assert result.gain.low > -margin
    elif result.standing is Standing.WORSE:
        assert result.gain.high < -margin
    else:
        assert result.gain.low <= -margin <= result.gain.high


@given(pairs(), st.floats(0.001, 1), st.floats(1, 10))
def test_a_wider_margin_never_turns_against_the_method(
    pair: tuple[dict[int, list[float]], dict[int, list[float]]], margin: float, factor: float
) -> None:
    order = [Standing.WORSE, Standing.UNDECIDED, Standing.NOT_WORSE]
    strict = non_inferior(*pair, margin).standing
    lenient = non_inferior(*pair, margin * factor).standing
    assert order.index(lenient) >= order.index(strict)


@given(pairs(), st.floats(0.001, 1))
def test_losses_are_judged_as_the_gains_that_they_mirror(
    pair: tuple[dict[int, list[float]], dict[int, list[float]]], margin: float
) -> None:
    baseline, method = pair
    below, above = (
        {seed: [-value for value in values] for seed, values in member.items()} for member in pair
    )
    assert non_inferior(baseline, method, margin) == non_inferior(
        below, above, margin, higher_is_better=False
    )


@given(curves(), qualities, qualities, st.integers(1, 3))
def test_a_harder_target_is_never_reached_sooner(
    curve: list[tuple[float, float]], one: float, other: float, sustained: int
) -> None:
    easy = time_to_target(curve, min(one, other), sustained=sustained)
    hard = time_to_target(curve, max(one, other), sustained=sustained)
    assert easy.at <= hard.at
    assert easy.reached or not hard.reached


@given(curves(), qualities, st.integers(1, 3))
def test_a_longer_hold_is_never_reached_sooner(
    curve: list[tuple[float, float]], target: float, sustained: int
) -> None:
    short = time_to_target(curve, target, sustained=sustained)
    long = time_to_target(curve, target, sustained=sustained + 1)
    assert short.at <= long.at
    assert short.reached or not long.reached


@given(curves(), qualities)
def test_seen_upside_down_a_curve_crosses_at_the_same_step(
    curve: list[tuple[float, float]], target: float
) -> None:
    mirrored = [(step, -quality) for step, quality in curve]
    assert time_to_target(curve, target) == time_to_target(
        mirrored, -target, higher_is_better=False
    )


@given(crossings)
def test_the_share_of_runs_that_arrived_never_falls(runs: list[Crossing]) -> None:
    curve = survival(runs)
    assert list(curve.shares) == sorted(curve.shares)
    assert curve.shares[-1] >= curve.share_reached - 1e-9
    if 2 * curve.reached >= curve.runs:
        assert curve.median is not None
        assert any(run.reached and run.at == curve.median for run in runs)


@settings(deadline=None)
@given(crossings, crossings)
def test_the_order_of_groups_and_runs_means_nothing(
    first: list[Crossing], second: list[Crossing]
) -> None:
    forth, back = logrank(first, second), logrank(second[::-1], first[::-1])
    assert (forth is None) == (back is None)
    if forth is not None:
        assert 0 <= forth <= 1
        assert back == pytest.approx(forth, abs=1e-9)


@given(st.lists(curves(least=3), min_size=1, max_size=5), st.integers(1, 3), st.booleans())
def test_at_least_half_of_the_baselines_own_runs_reach_its_target(
    runs: list[list[tuple[float, float]]], sustained: int, higher: bool
) -> None:
    target = target_by_rule(runs, higher_is_better=higher, sustained=sustained)
    times = survival(
        [time_to_target(run, target, higher_is_better=higher, sustained=sustained) for run in runs]
    )
    assert 2 * times.reached >= times.runs
    assert times.median is not None


@given(st.lists(curves(least=2), min_size=1, max_size=5), st.booleans())
def test_targets_get_harder_about_the_one_by_rule(
    runs: list[list[tuple[float, float]]], higher: bool
) -> None:
    targets = target_range(runs, higher_is_better=higher)
    assert target_by_rule(runs, higher_is_better=higher) in targets
    assert list(targets) == sorted(set(targets), reverse=not higher)

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from harness.judge.quality.crossing import (
    Crossing,
    logrank,
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

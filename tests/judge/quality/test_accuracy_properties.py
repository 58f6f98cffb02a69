from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.judge.quality.accuracy import Standing, accuracy, non_inferior

qualities = st.floats(0, 1)


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

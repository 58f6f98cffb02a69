"""Changes are found where they are, as narrowly as the data can tell, and seldom where none is."""

from __future__ import annotations

import math
from collections.abc import Mapping

import numpy as np
import pytest

from harness.history.changepoints import ALPHA, Change, Step, find_changes, scatter, threshold

NOISE = 0.015
"""The standard error of a step in logarithms: an interval of 3 % to either side."""


def steps(
    rng: np.random.Generator,
    number: int,
    true: Mapping[int, float] | None = None,
    *,
    jobs: float = 0.0,
    rounds: int | None = None,
) -> list[Step]:
    """Draw steps; `jobs` is what their errors leave out, `rounds` what these are estimated from."""
    errors = NOISE * np.exp(0.25 * rng.standard_normal(number))
    values = errors * rng.standard_normal(number) + jobs * rng.standard_normal(number)
    for place, ratio in (true or {}).items():
        values[place] += math.log(ratio)
    if rounds is not None:
        errors = errors * np.sqrt(rng.chisquare(rounds - 1, number) / (rounds - 1))
    return [Step(float(value), float(error)) for value, error in zip(values, errors, strict=True)]


def found(chain: list[Step]) -> tuple[Change, ...]:
    return find_changes([chain])[0]


def exact(*ratios: float, error: float = 0.01) -> list[Step]:
    return [Step(math.log(ratio), error) for ratio in ratios]


@pytest.mark.parametrize("number", [5, 12, 50])
@pytest.mark.parametrize(
    ("noise", "most"),
    [({}, ALPHA), ({"rounds": 8}, 0.04), ({"jobs": NOISE}, 0.04), ({"jobs": 5 * NOISE}, 0.1)],
    ids=["as stated", "errors of 8 rounds", "jobs differ", "jobs differ widely"],
)
def test_a_series_without_changes_seldom_has_one(number: int, noise: dict, most: float):
    rng = np.random.default_rng(number)
    alarms = [bool(found(steps(rng, number, **noise))) for _ in range(500)]
    assert sum(alarms) <= 500 * most + 3 * math.sqrt(500 * most)


def test_a_lasting_step_of_a_tenth_is_found_at_its_commit():
    rng = np.random.default_rng(3)
    drawn = [found(steps(rng, 20, {9: 1.1})) for _ in range(300)]
    hits = [any((each.first, each.last) == (9, 9) for each in changes) for changes in drawn]
    wrong = [any(not each.first <= 9 <= each.last for each in changes) for changes in drawn]
    assert sum(hits) >= 0.9 * 300
    assert sum(wrong) <= 0.01 * 300 + 3


def test_the_simulations_would_notice_a_detector_that_cries_wolf():
    rng = np.random.default_rng(4)
    alarms = [bool(find_changes([steps(rng, 20)], alpha=0.5)[0]) for _ in range(100)]
    assert sum(alarms) > 10


def test_the_ratio_of_a_change_stands_in_an_interval_without_1():
    (change,) = found(exact(1, 1.001, 0.999, 1.2, 1, 1.001, 0.999))
    assert (change.first, change.last) == (3, 3)
    assert change.ratio == pytest.approx(1.2)
    assert 1 < change.low < 1.2 < change.high


def test_what_gets_faster_is_a_change_too():
    (change,) = found(exact(1, 1.001, 0.8, 1, 0.999))
    assert change.high < 1


def test_what_creeps_is_found_though_no_commit_shows_it():
    (change,) = found(exact(*[1.0] * 12, *[1.02] * 8, *[1.0] * 12))
    assert change.first < change.last
    assert change.first in range(12, 20)
    assert change.last in range(12, 20)
    assert not found(exact(*[1.0] * 12, 1.02, 1.02, *[1.0] * 12))


def test_two_changes_side_by_side_are_two():
    changes = found(exact(1, 1.001, 1.3, 1.3, 0.999, 1, 1))
    assert [(each.first, each.last) for each in changes] == [(2, 2), (3, 3)]


def test_what_is_undone_at_once_is_two_changes():
    changes = found(exact(1, 1.001, 1.3, 1 / 1.3, 0.999, 1, 1))
    assert [each.ratio for each in changes] == pytest.approx([1.3, 1 / 1.3])


def test_no_change_reaches_over_a_gap():
    creeping = exact(*[1.02] * 4)
    quiet = exact(*[1.0] * 12)
    assert find_changes([creeping + creeping, quiet])[0]
    assert find_changes([creeping, creeping, quiet]) == ((), (), ())


def test_pieces_of_a_series_share_its_error_rate():
    chain = exact(1, 1.001, math.exp(0.039), 0.999, 1)
    assert find_changes([chain])[0]
    assert not any(find_changes([chain] + [exact(1, 0.999)] * 100))


def test_errors_that_are_too_small_to_be_true_are_not_believed():
    rng = np.random.default_rng(5)
    wild = [Step(float(value), 0.001) for value in 0.02 * rng.standard_normal(30)]
    assert found(wild) == ()
    assert scatter(wild) == pytest.approx(0.02, rel=0.4)


def test_few_steps_have_no_scatter_of_their_own():
    assert scatter(exact(1.5, 1.5, 1.5, 1.5)) == 0
    assert found(exact(1.5))


def test_nothing_measured_is_nothing_found():
    assert find_changes([]) == ()
    assert find_changes([[], []]) == ((), ())


def test_longer_stretches_and_longer_series_need_more():
    assert threshold(1, 50) < threshold(2, 50) < threshold(8, 50)
    assert threshold(1, 50) < threshold(1, 500)
    assert threshold(1, 1) > 2.57


@pytest.mark.parametrize(("value", "error"), [(math.nan, 1), (0, 0), (0, -1), (0, math.inf)])
def test_a_step_without_noise_or_value_is_none(value: float, error: float):
    with pytest.raises(ValueError, match="a step needs"):
        Step(value, error)

"""Numbers are written with sensible digits, and what is unknown is never written as 0."""

from __future__ import annotations

import math

import pytest

from harness.judge.statistics import Interval
from harness.report.units import (
    UNKNOWN,
    estimate,
    known,
    percent,
    quantity,
    ratio,
    ratio_interval,
    scientific,
    significant,
    with_bounds,
)


def plain(text: str) -> str:
    return text.replace("\u00a0", " ")


def interval(low: float, estimate: float, high: float, n: int = 12) -> Interval:
    return Interval(estimate, low, high, n, "BCa bootstrap")


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (2.0, "2.00"),
        (0.99951, "1.00"),
        (0.098765, "0.0988"),
        (9.996, "10.0"),
        (128.4, "128"),
        (5124.7, "5125"),
        (51247.0, "51 247"),
        (-0.5, "-0.500"),
        (0, "0"),
        (3.14e-9, "3.14 × 10⁻⁹"),
    ],
)
def test_three_significant_digits_are_kept_with_their_zeros(value: float, text: str) -> None:
    assert plain(significant(value)) == text


def test_a_power_of_ten_stands_without_a_factor() -> None:
    assert plain(scientific(1e-9, 1)) == "10⁻⁹"


@pytest.mark.parametrize(
    ("value", "unit", "text"),
    [
        (0.0369, "s", "36.9 ms"),
        (0.99951, "s", "1.00 s"),
        (2.5e-7, "s", "250 ns"),
        (90, "s", "90.0 s"),
        (600, "s", "10.0 min"),
        (9000, "s", "2.50 h"),
        (31_400_000, "bytes", "29.9 MiB"),
        (512, "bytes", "512 B"),
        (1024, "bytes", "1.00 KiB"),
        (2.41e9, "operations", "2.41 GFLOP"),
        (160, "steps", "160 steps"),
        (12.5, "steps", "12.5 steps"),
        (64, "calls", "64 calls"),
        (0, "s", "0 s"),
        (3.2, "furlongs", "3.20 furlongs"),
    ],
)
def test_a_quantity_is_written_in_the_unit_that_suits_it(
    value: float, unit: str, text: str
) -> None:
    assert plain(quantity(value, unit)) == text


@pytest.mark.parametrize("unknown", [None, math.nan, math.inf])
def test_what_is_unknown_is_a_dash_in_every_form(unknown: float | None) -> None:
    written = {
        significant(unknown),
        scientific(unknown),
        quantity(unknown, "s"),
        ratio(unknown),
        percent(unknown),
        ratio_interval(None),
        with_bounds(None),
    }
    assert written == {UNKNOWN}
    assert not known(unknown)


def test_a_ratio_stands_with_its_bounds() -> None:
    assert plain(ratio_interval(interval(2.05, 2.31, 2.58))) == "2.31× [2.05, 2.58]"


def test_bounds_have_digits_enough_to_differ() -> None:
    assert plain(with_bounds(interval(2.3802, 2.3832, 2.3882))) == "2.383 [2.380, 2.388]"


def test_what_rounds_to_nothing_has_no_sign_and_no_power_of_ten() -> None:
    nothing = interval(-0.0073, -9.7e-19, 0.0073)
    assert plain(with_bounds(nothing)) == "0.00000 [-0.00730, 0.00730]"
    assert estimate(nothing) == "0.00000"


def test_an_end_beside_one_is_not_printed_as_one() -> None:
    assert plain(with_bounds(interval(0.9981, 1.31, 1.62))) == "1.310 [0.998, 1.620]"


def test_an_end_at_one_is_printed_as_one() -> None:
    assert plain(with_bounds(interval(1.0, 1.31, 1.62))) == "1.31 [1.00, 1.62]"


def test_a_single_number_pretends_to_no_bounds() -> None:
    assert plain(with_bounds(interval(32.0, 32.0, 32.0, n=1))) == "32.0"


def test_a_share_is_a_percentage() -> None:
    assert plain(percent(0.0056)) == "0.56 %"

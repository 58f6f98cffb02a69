"""A spread knows its middle half as it would from all of its values at once."""

from __future__ import annotations

from statistics import quantiles

import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.measure.spread import Spread


@given(st.lists(st.floats(0, 1e6), min_size=1, max_size=40))
def test_the_middle_half_lies_between_the_quartiles_and_of_few_it_is_all(values: list[float]):
    spread = Spread()
    for value in values:
        spread.add(value)
    if len(values) < 4:
        assert spread.middle_half == (min(values), max(values))
        return
    low, _, high = quantiles(values, n=4, method="inclusive")
    assert spread.middle_half == pytest.approx((low, high))
    assert spread.middle_half == Spread(values).middle_half

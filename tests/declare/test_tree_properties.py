"""The relative error of trees is a scaled distance, wherever an error stands."""

from __future__ import annotations

import math

import pytest
import torch
from hypothesis import assume, given
from hypothesis import strategies as st

from harness.declare.tree import identical, relative_error

NUMBERS = st.floats(-1e6, 1e6, allow_subnormal=False)
SIZES = st.lists(st.integers(1, 4), min_size=1, max_size=4)


@st.composite
def trees(draw):
    return {
        f"p{n}": torch.tensor(
            draw(st.lists(NUMBERS, min_size=size, max_size=size)), dtype=torch.float64
        )
        for n, size in enumerate(draw(SIZES))
    }


@given(trees(), st.data(), NUMBERS)
def test_an_error_of_one_entry_counts_by_the_largest_entry(owed, data, error):
    name = data.draw(st.sampled_from(sorted(owed)))
    entry = data.draw(st.integers(0, len(owed[name]) - 1))
    found = {key: value.clone() for key, value in owed.items()}
    found[name][entry] += error
    scale = max(float(value.abs().max()) for value in owed.values())
    assume(scale > 1e-3)
    moved = abs(float(found[name][entry] - owed[name][entry]))
    assert relative_error(found, owed) == pytest.approx(moved / scale)


@given(trees(), st.data(), st.sampled_from([math.nan, math.inf, -math.inf]))
def test_no_entry_that_is_not_finite_goes_unseen(owed, data, bad):
    name = data.draw(st.sampled_from(sorted(owed)))
    found = {key: value.clone() for key, value in owed.items()}
    found[name][data.draw(st.integers(0, len(owed[name]) - 1))] = bad
    assert not math.isfinite(relative_error(found, owed))
    assert not identical(found, owed)
    assert identical(found, {key: value.clone() for key, value in found.items()})

"""A budget leaves rounds their part, however long the rest may be thought to take."""

from __future__ import annotations

import time

import pytest

from harness.measure.budget import MOST_RESERVED, Budget


@pytest.mark.parametrize(
    ("afterwards", "left"), [(0.0, 900.0), (100.0, 800.0), (1e6, 1000.0 * MOST_RESERVED - 100.0)]
)
def test_what_is_left_for_rounds(afterwards: float, left: float) -> None:
    budget = Budget(1000.0, began=time.monotonic() - 100.0)
    assert budget.for_rounds(afterwards) == pytest.approx(left, abs=5.0)


def test_a_budget_that_is_spent_leaves_nothing() -> None:
    assert Budget(10.0, began=time.monotonic() - 11.0).for_rounds(0.0) == 0

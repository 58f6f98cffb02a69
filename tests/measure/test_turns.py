"""What counts of a turn: a neighbour's share of the core does not, one's own threads' does."""

from __future__ import annotations

import pytest

from harness.measure.turns import counted


@pytest.mark.parametrize(
    ("aside", "others", "left"),
    [
        pytest.param(0, 0, 1000, id="alone"),
        pytest.param(400, 0, 600, id="a neighbour"),
        pytest.param(400, 400, 1000, id="its own threads"),
        pytest.param(400, 300, 900, id="its own threads and a neighbour"),
        pytest.param(100, 900, 1000, id="its own threads on other cores"),
        pytest.param(400, 9, 600, id="the clocks' own error"),
    ],
)
def test_only_what_strangers_took_is_left_out(aside: int, others: int, left: int):
    assert counted(1000, aside, others) == left

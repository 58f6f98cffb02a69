"""A block's record is used if it holds what a measurement can give, and told of otherwise."""

from __future__ import annotations

from typing import Any

import pytest

from harness.judge.blocks import flaw, trouble, usable
from tests.judge.builders import PAIR, record


def growth(steps: Any = (1, 2, 4), peaks: Any = (10, 20, 40)) -> Any:
    return record(PAIR, "growth", "method", growth_steps=steps, growth_bytes=peaks)


def test_growth_of_memory_is_used_as_it_was_counted() -> None:
    good = growth()
    assert flaw(good) is None
    assert usable([good], PAIR, "growth", "method") == [good]


def test_growth_may_shrink_and_stand_at_a_single_number_of_steps() -> None:
    assert flaw(growth(peaks=(40, 20, 10))) is None
    assert flaw(growth((3,), (10,))) is None


@pytest.mark.parametrize(
    ("steps", "peaks", "words"),
    [
        (None, None, "does not hold the peak bytes"),
        ((), (), "does not hold the peak bytes"),
        ((1, 2), (10,), "does not hold the peak bytes"),
        ((1, 2), None, "does not hold the peak bytes"),
        ((2, 1), (10, 20), "do not go upwards"),
        ((1, 1), (10, 20), "do not go upwards"),
        ((0, 1), (10, 20), "do not go upwards"),
        ((1, 2), (0, 20), "which nothing counts"),
        ((1, 2), (10, -20), "which nothing counts"),
        ((1, 2), (10, 10**101), "which nothing counts"),
        ((1, 10**101), (10, 20), "which nothing counts"),
    ],
)
def test_growth_that_nothing_counts_is_not_used(steps: Any, peaks: Any, words: str) -> None:
    bad = growth(steps, peaks)
    found = trouble(bad)
    assert found is not None
    assert found[0] == "unusable"
    assert words in found[1]
    assert usable([bad], PAIR, "growth", "method") == []


@pytest.mark.parametrize("name", ["flops", "adaptation_flops", "rank_flops", "allreduce_bytes"])
def test_no_count_below_nothing_is_used(name: str) -> None:
    good, bad = (record(PAIR, "operations", "method", **{name: n}) for n in (0, -1))
    assert flaw(good) is None
    assert f"{name} = -1" in (flaw(bad) or "")

"""A gradient that was right at base and is not at head is a mismatch; rounding is none."""

from __future__ import annotations

from typing import Any

import pytest

from harness.gate.gradient import gradient
from harness.records.record import Record
from tests.gate.made import record

SKETCH: dict[str, Any] = {
    "loss": 1.0,
    "norm": 2.0,
    "projections": [0.5, -0.5],
    "shapes": {"a": [2]},
}


def check(passed: bool, equivalence: str = "Exact") -> Record:
    return record(
        "check", passed=passed, equivalence=equivalence, worst=0.1, worst_error=1.0, tolerance=2.0
    )


@pytest.mark.parametrize(
    ("base", "head", "word"),
    [
        (None, check(True), "same"),
        (check(True), check(False), "mismatch"),
        (check(False), check(False), "not compared"),
        (None, check(False), "not compared"),
    ],
)
def test_a_check_that_passed_before_and_fails_now_is_a_mismatch(
    base: Record | None, head: Record, word: str
):
    assert gradient("s", base, head, (SKETCH, SKETCH)).word == word


@pytest.mark.parametrize(
    "change",
    [
        {"loss": 1.001},
        {"projections": [0.5, -0.501]},
        {"projections": [0.5, float("nan")]},
        {"shapes": {"a": [3]}},
    ],
)
def test_an_exact_gradient_that_is_not_bases_is_a_mismatch(change: dict[str, Any]):
    sketches = (SKETCH, SKETCH | change)
    assert gradient("s", None, check(True), sketches).word == "mismatch"
    # What an approximation owes is its own definition, which may have been mended.
    assert gradient("s", None, check(True, "Approximate"), sketches).word == "same"


def test_rounding_is_no_mismatch():
    close = SKETCH | {"projections": [0.5 + 1e-12, -0.5]}
    assert gradient("s", None, check(True), (SKETCH, close)).word == "same"

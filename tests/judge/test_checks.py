"""What a check held to its tolerance stands in its record."""

from __future__ import annotations

from typing import Any

import pytest

from harness.judge.checks import check_results
from tests.judge.builders import PAIR, evidence, record

CHECKED: dict[str, Any] = {"passed": True, "equivalence": "InTheLimit", "worst_error": 0.5}


@pytest.mark.parametrize(
    ("told", "held"),
    [
        ({"held": "factor", "worst_case": "terms=16: ways=2"}, "factor"),
        ({"held": "error", "worst_case": "factor of ways=2"}, "error"),
        ({}, "error"),
    ],
)
def test_what_was_held_is_read_of_the_record(told: dict[str, Any], held: str) -> None:
    check = record(PAIR, "check", "method", **CHECKED | told)
    assert check_results(evidence([check]), PAIR)[1].held == held

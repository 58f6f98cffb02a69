"""What a check held to its tolerance stands in its record, or in the words of an old one."""

from __future__ import annotations

from typing import Any

import pytest

from harness.judge.checks import debts
from tests.judge.builders import PAIR, evidence, record

CHECKED: dict[str, Any] = {"passed": True, "equivalence": "InTheLimit", "worst_error": 0.5}


@pytest.mark.parametrize(
    ("told", "held"),
    [
        ({"held": "factor", "worst_case": "terms=16: ways=2"}, "factor"),
        ({"held": "error", "worst_case": "factor of ways=2"}, "error"),
        ({"worst_case": "factor 0.5 a unit of terms: ways=2"}, "factor"),
        ({"worst_case": "order 1.80 of 2: ways=2"}, "missing order"),
        ({"worst_case": "float64: ways=2"}, "error"),
        ({}, "error"),
    ],
)
def test_what_was_held_is_read_of_new_and_old_records(told: dict[str, Any], held: str) -> None:
    check = record(PAIR, "check", "method", **CHECKED | told)
    assert debts(evidence([check]), PAIR)[1].held == held

"""What a debt was held to is called by its name: an error, a factor or an order."""

from __future__ import annotations

import pytest

from harness.judge.judgement import Debt
from harness.report.gradient import debt_cell


@pytest.mark.parametrize(
    ("worst_case", "said"),
    [
        ("factor 0.6 a unit of terms: ways=2", "worst factor a unit of its knob 0.600, allowed"),
        ("order 1.8 of 2: ways=2", "worst missing order 0.600, allowed 0.650"),
        ("terms=16: ways=2", "worst error 6.0"),
        (None, "worst error 6.0"),
    ],
)
def test_the_worst_of_a_check_is_called_by_its_name(worst_case: str | None, said: str) -> None:
    debt = Debt("series", "InTheLimit", True, 0.6, 0.65, worst_case, 0.9, 0.1)
    assert said in debt_cell(debt).note.replace("\u00a0", " ")

"""What a debt was held to is called by its name: an error, a factor or an order."""

from __future__ import annotations

import pytest

from harness.declare.equivalence import Held
from harness.judge.judgement import Debt
from harness.report.gradient import debt_cell


@pytest.mark.parametrize(
    ("held", "said"),
    [
        ("factor", "worst factor a unit of its knob 0.600, allowed"),
        ("missing order", "worst missing order 0.600, allowed 0.650"),
        ("error", "worst error 6.0"),
    ],
)
def test_the_worst_of_a_check_is_called_by_its_name(held: Held, said: str) -> None:
    debt = Debt("series", "InTheLimit", True, 0.6, 0.65, "factor of ways=2", 0.9, 0.1, held=held)
    assert said in debt_cell(debt).note.replace("\u00a0", " ")

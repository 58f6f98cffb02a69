"""What a check reached is called by its name, and every approximation stands by its distance."""

from __future__ import annotations

import dataclasses

import pytest

from harness.declare.equivalence import Held
from harness.judge.judgement import CheckResult
from harness.report.tables.gradient_tables import check_cell, distance_table
from tests.report.composing import compose
from tests.report.example import Run


@pytest.mark.parametrize(
    ("held", "said"),
    [
        ("factor", "worst factor per unit of its setting 0.600, allowed"),
        ("missing order", "worst missing order 0.600, allowed 0.650"),
        ("error", "worst error 6.0"),
    ],
)
def test_the_worst_of_a_check_is_called_by_its_name(held: Held, said: str) -> None:
    check = CheckResult(
        "series", "InTheLimit", True, 0.6, 0.65, "factor of ways=2", 0.9, 0.1, held=held
    )
    assert said in check_cell(check).note.replace("\u00a0", " ")


def check(
    learner: str, cosine: float | None, distance: float | None, **changes: object
) -> CheckResult:
    whole = CheckResult(learner, "Approximate", True, 1e-12, 1e-9, "seed=1", cosine, distance)
    return dataclasses.replace(whole, **changes)  # type: ignore[arg-type]


def with_debts(run: Run, *checks: CheckResult) -> Run:
    """Return the run with these checks, one pair after another, and no others."""
    by_pair = (checks[2 * place : 2 * place + 2] for place in range(len(run.judgement.pairs)))
    pairs = zip(run.judgement.pairs, by_pair, strict=True)
    return run.judged(pairs=tuple(dataclasses.replace(pair, checks=d) for pair, d in pairs))


def rows(run: Run) -> list[list[str]]:
    table = distance_table(run.judgement)
    return [] if table is None else [[c.text for c in row] for row in table.groups[0].rows]


def test_approximations_stand_by_distance_and_once_each(run: Run) -> None:
    far, near = check("far", 0.5, 1.25), check("near", 0.98765, 0.1)
    limit = check("limit", 0.9, 0.35, equivalence="InTheLimit")
    wrong = check("wrong", None, None, passed=False)
    found = rows(with_debts(run, far, near, limit, near, wrong, far))
    assert [row[0] for row in found] == ["near", "limit", "far", "wrong"]
    assert found[0] == ["near", "0.988", "0.10", "Approximate: holds"]
    assert found[1][3] == "InTheLimit: holds"
    assert found[3] == ["wrong", "–", "–", "Approximate: FAILED"]


def test_what_owes_the_exact_gradient_or_was_not_checked_has_no_row(run: Run) -> None:
    exact = check("exact", 1.0, 0.0, equivalence="Exact")
    unknown = check("unknown", None, None, passed=None)
    assert rows(with_debts(run, exact, unknown)) == []
    without = with_debts(run)
    titles = [part.title for part in compose(run.manifest, run.records, without.judgement).sections]
    assert "Gradients" not in titles


def test_settings_and_ranks_tell_rows_apart(run: Run) -> None:
    first, *rest = with_debts(run, check("a", 0.9, 1.0), check("b", 0.9, 2.0)).judgement.pairs
    pair = dataclasses.replace(first.pair, method_settings={"radius": 0.1}, ranks=2)
    found = rows(run.judged(pairs=(dataclasses.replace(first, pair=pair), *rest)))
    assert [row[0] for row in found] == ["a", "b (radius=0.1), 2\u00a0ranks"]


def test_the_report_has_the_table(run: Run) -> None:
    there = with_debts(run, check("far", 0.5, 1.25), check("near", 0.99, 0.1))
    content = compose(there.manifest, there.records, there.judgement)
    assert content.table("distances") is not None

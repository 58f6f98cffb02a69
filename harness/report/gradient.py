"""What a pair's gradient checks say, and whether they let a speed-up be printed."""

from __future__ import annotations

from harness.judge.judgement import Debt, PairJudgement
from harness.report.table import Cell
from harness.report.units import known, scientific, significant


def withheld(judged: PairJudgement) -> str | None:
    """Say why the pair may show no speed-up, or return None where it may.

    A check that was planned and has no outcome withholds as well: nobody knows yet what the
    speed was paid with.
    """
    for debt in judged.debts:
        if debt.passed is False:
            return f"gradient check of {debt.learner} failed ({_reached(debt)})"
    if "check" not in judged.pair.passes:
        return None
    if not judged.debts:
        return "gradient not checked (no record of the check)"
    for debt in judged.debts:
        if debt.passed is None:
            return f"gradient of {debt.learner} not checked ({debt.reason or 'reason unknown'})"
    return None


def debt_cell(debt: Debt | None) -> Cell:
    """Write what a learner owed and whether it paid."""
    if debt is None:
        return Cell("not checked", "no check among the pair's passes", "open")
    if debt.passed is None:
        return Cell(f"{debt.equivalence}: not checked", debt.reason or "", "open")
    outcome = "holds" if debt.passed else "FAILED"
    return Cell(f"{debt.equivalence}: {outcome}", _reached(debt), "good" if debt.passed else "bad")


def pair_cell(judged: PairJudgement) -> Cell:
    """Write the worst of the pair's debts: a failed one, an open one, else the method's."""
    for outcome in (False, None):
        for debt in judged.debts:
            if debt.passed is outcome:
                cell = debt_cell(debt)
                return Cell(cell.text, f"{debt.learner}: {cell.note}", cell.tone)
    return debt_cell(judged.debts[-1] if judged.debts else None)


def _reached(debt: Debt) -> str:
    parts = [f"worst error {scientific(debt.worst_error)}"]
    if known(debt.tolerance):
        parts.append(f"allowed {scientific(debt.tolerance)}")
    if debt.equivalence != "Exact":
        if known(debt.cosine):
            parts.append(f"cosine to exact ≥ {significant(debt.cosine)}")
        if known(debt.distance):
            parts.append(f"relative distance ≤ {significant(debt.distance, 2)}")
    if debt.passed is False and debt.worst_case:
        parts.append(f"at {debt.worst_case}")
    if debt.passed is False and debt.reason:
        parts.append(debt.reason)
    return ", ".join(parts)

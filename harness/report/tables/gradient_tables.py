"""What a pair's gradient checks say, and whether they let a speed-up be printed."""

from __future__ import annotations

from dataclasses import replace

from harness.declare.pair import MEMBERS, Member, Pair, with_settings
from harness.judge.judgement import Debt, Judgement, PairJudgement
from harness.report.tables.table import Cell, Column, Table, simple_table
from harness.report.units import count, known, scientific, significant
from harness.report.words import capital, full_stop

NO_SPEED_UP = "no speed-up shown"
NOT_MEASURED = "not measured"
NOTHING_TIMED = Cell(NOT_MEASURED, "No timed pass.", "open")


def withheld(judged: PairJudgement) -> str | None:
    """Say in a sentence why the pair may show no speed-up, or return None where it may."""
    return None if judged.withheld is None else full_stop(capital(judged.withheld))


def no_ratio(judged: PairJudgement) -> Cell | None:
    """Return what stands where the pair's ratios would, or None where they may be printed."""
    reason = withheld(judged)
    if reason is not None and any(debt.passed is False for debt in judged.debts):
        return Cell(NO_SPEED_UP, reason, "bad")
    if not any(found.interval for found in judged.ratios):
        reasons = dict.fromkeys(failure.reason for failure in judged.failures)
        if reasons:
            return Cell(
                NOT_MEASURED, full_stop("; ".join(each.rstrip(". ") for each in reasons)), "open"
            )
        if judged.missing_blocks:
            blocks = count(judged.missing_blocks, "planned block")
            return Cell(NOT_MEASURED, f"{blocks} missing in the records.", "open")
        if not judged.ratios:
            return NOTHING_TIMED
    return None if reason is None else Cell(NO_SPEED_UP, reason, "bad")


def debt_cell(debt: Debt | None) -> Cell:
    """Write what a learner owed and whether it paid."""
    if debt is None:
        return Cell("not checked", "the pair has no pass check", "open")
    if debt.passed is None:
        known_class = "" if debt.equivalence == "unknown" else f"{debt.equivalence}: "
        return Cell(f"{known_class}not checked", debt.reason or "", "open")
    outcome = "holds" if debt.passed else "FAILED"
    return Cell(f"{debt.equivalence}: {outcome}", _reached(debt), "good" if debt.passed else "bad")


def gradients(judged: PairJudgement) -> Cell:
    """Write in one line what both members' gradients owed and reached, the method's first."""
    if not judged.debts:
        return Cell("gradient not checked", tone="open")
    told = dict.fromkeys(
        f"{with_settings(debt.learner, dict(settings))} {_outcome(debt)}"
        for member, debt in reversed(list(zip(MEMBERS, judged.debts, strict=True)))
        for settings in [judged.pair.learner_settings(member)]
    )
    return Cell(f"gradients: {'; '.join(told)}")


def pair_cell(judged: PairJudgement) -> Cell:
    """Write the worst of the pair's debts: a failed one, an open one, else the method's."""
    for outcome in (False, None):
        for debt in judged.debts:
            if debt.passed is outcome:
                cell = debt_cell(debt)
                return Cell(cell.text, f"{debt.learner}: {cell.note}", cell.tone)
    return debt_cell(judged.debts[-1] if judged.debts else None)


def distance_table(judgement: Judgement) -> Table | None:
    """Return the least cosine and the largest distance of each learner that owes no exact one."""
    found: dict[str, Debt] = {}
    for judged in judgement.pairs:
        for member, debt in zip(MEMBERS, judged.debts, strict=False):
            if debt.passed is not None and debt.equivalence != "Exact":
                found.setdefault(_name(judged.pair, member, debt), debt)
    nearest = sorted(found.items(), key=lambda item: _distance(item[1]))
    return simple_table(
        "distances",
        "Distance to the exact gradient",
        "Each learner's gradient against the exact one of its family, on the random problems of "
        "its check: the lowest cosine of the angle between them, and the largest relative error. "
        "The closest comes first.",
        (
            Column("Learner", 1.6),
            Column("Lowest cosine", 0.9, numeric=True),
            Column("Largest error", 0.9, numeric=True),
            Column("Declared as", 1.4),
        ),
        [
            (
                Cell(learner),
                Cell(significant(debt.cosine)),
                Cell(significant(debt.distance, 2)),
                replace(debt_cell(debt), note=""),
            )
            for learner, debt in nearest
        ],
    )


def _outcome(debt: Debt) -> str:
    cell = debt_cell(debt)
    if debt.passed is None:
        return cell.text
    return f"{cell.text}, {', '.join(_figures(debt))}"


def _reached(debt: Debt) -> str:
    parts = _figures(debt)
    if known(debt.tolerance):
        parts.insert(1, f"allowed {_size(debt, debt.tolerance)}")
    if debt.passed is False and debt.worst_case:
        parts.append(f"at {debt.worst_case}")
    if debt.passed is False and debt.reason:
        parts.append(debt.reason)
    return ", ".join(parts)


def _figures(debt: Debt) -> list[str]:
    figures = [f"worst {_kind(debt)} {_size(debt, debt.worst_error)}"]
    if debt.equivalence != "Exact":
        if known(debt.cosine):
            figures.append(f"cosine to exact ≥ {significant(debt.cosine)}")
        if known(debt.distance):
            figures.append(f"relative distance ≤ {significant(debt.distance, 2)}")
    return figures


def _kind(debt: Debt) -> str:
    """Say what was compared with the tolerance: an error, or how fast errors fall."""
    return "factor per unit of its setting" if debt.held == "factor" else debt.held


def _size(debt: Debt, value: float | None) -> str:
    return scientific(value) if debt.held == "error" else significant(value)


def _name(pair: Pair, member: Member, debt: Debt) -> str:
    name = with_settings(debt.learner, dict(pair.learner_settings(member)))
    ranks = pair.processes(member)
    return name if ranks == 1 else f"{name}, {count(ranks, 'rank')}"


def _distance(debt: Debt) -> float:
    return float("inf") if debt.distance is None else debt.distance

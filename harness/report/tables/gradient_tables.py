"""What a pair's gradient checks say, and whether they let a speed-up be printed."""

from __future__ import annotations

from dataclasses import replace

from harness.declare.pair import MEMBERS, Member, Pair, with_settings
from harness.judge.judgement import CheckResult, Judgement, PairJudgement
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
    if reason is not None and any(check.passed is False for check in judged.checks):
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


def check_cell(check: CheckResult | None) -> Cell:
    """Write what a learner's check gave."""
    if check is None:
        return Cell("not checked", "the pair has no pass check", "open")
    if check.passed is None:
        known_class = "" if check.equivalence == "unknown" else f"{check.equivalence}: "
        return Cell(f"{known_class}not checked", check.reason or "", "open")
    outcome = "holds" if check.passed else "FAILED"
    return Cell(
        f"{check.equivalence}: {outcome}", _reached(check), "good" if check.passed else "bad"
    )


def gradients(judged: PairJudgement) -> Cell:
    """Write in one line what both members' checks gave, the method's first."""
    if not judged.checks:
        return Cell("gradient not checked", tone="open")
    told = dict.fromkeys(
        f"{with_settings(check.learner, dict(settings))} {_outcome(check)}"
        for member, check in reversed(list(zip(MEMBERS, judged.checks, strict=True)))
        for settings in [judged.pair.learner_settings(member)]
    )
    return Cell(f"gradients: {'; '.join(told)}")


def pair_cell(judged: PairJudgement) -> Cell:
    """Write the worst of the pair's checks: a failed one, an open one, else the method's."""
    for outcome in (False, None):
        for check in judged.checks:
            if check.passed is outcome:
                cell = check_cell(check)
                return Cell(cell.text, f"{check.learner}: {cell.note}", cell.tone)
    return check_cell(judged.checks[-1] if judged.checks else None)


def distance_table(judgement: Judgement) -> Table | None:
    """Return the least cosine and the largest distance of each learner that owes no exact one."""
    found: dict[str, CheckResult] = {}
    for judged in judgement.pairs:
        for member, check in zip(MEMBERS, judged.checks, strict=False):
            if check.passed is not None and check.equivalence != "Exact":
                found.setdefault(_name(judged.pair, member, check), check)
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
                Cell(significant(check.cosine)),
                Cell(significant(check.distance, 2)),
                replace(check_cell(check), note=""),
            )
            for learner, check in nearest
        ],
    )


def _outcome(check: CheckResult) -> str:
    cell = check_cell(check)
    if check.passed is None:
        return cell.text
    return f"{cell.text}, {', '.join(_figures(check))}"


def _reached(check: CheckResult) -> str:
    parts = _figures(check)
    if known(check.tolerance):
        parts.insert(1, f"allowed {_size(check, check.tolerance)}")
    if check.passed is False and check.worst_case:
        parts.append(f"at {check.worst_case}")
    if check.passed is False and check.reason:
        parts.append(check.reason)
    return ", ".join(parts)


def _figures(check: CheckResult) -> list[str]:
    figures = [f"worst {_kind(check)} {_size(check, check.worst_error)}"]
    if check.equivalence != "Exact":
        if known(check.cosine):
            figures.append(f"cosine to exact ≥ {significant(check.cosine)}")
        if known(check.distance):
            figures.append(f"relative distance ≤ {significant(check.distance, 2)}")
    return figures


def _kind(check: CheckResult) -> str:
    """Say what was compared with the tolerance: an error, or how fast errors fall."""
    return "factor per unit of its setting" if check.held == "factor" else check.held


def _size(check: CheckResult, value: float | None) -> str:
    return scientific(value) if check.held == "error" else significant(value)


def _name(pair: Pair, member: Member, check: CheckResult) -> str:
    name = with_settings(check.learner, dict(pair.learner_settings(member)))
    ranks = pair.processes(member)
    return name if ranks == 1 else f"{name}, {count(ranks, 'rank')}"


def _distance(check: CheckResult) -> float:
    return float("inf") if check.distance is None else check.distance

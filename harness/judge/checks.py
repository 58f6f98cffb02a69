"""What the gradient checks of a run say about the members of a pair."""

from __future__ import annotations

from collections.abc import Sequence

from harness.declare.equivalence import Held
from harness.declare.suite import MEMBERS, Member, Pair, settings_words
from harness.judge.blocks import latest, told
from harness.judge.judgement import Debt
from harness.records.record import Record


def debts(records: Sequence[Record], pair: Pair) -> tuple[Debt, ...]:
    """Return what baseline and method owed and paid; nothing where no check was asked for or made.

    A learner is checked once a run, and the record stands under the first pair that needed it. So
    it is found by the learner, its settings and its team.
    """
    found = [_check_of(records, pair, member) for member in MEMBERS]
    if "check" not in pair.passes and found == [None, None]:
        return ()
    return tuple(_debt(pair, member, check) for member, check in zip(MEMBERS, found, strict=True))


def all_paid(owed: Sequence[Debt]) -> bool | None:
    """Tell whether both members passed their checks; None if that is unknown."""
    outcomes = [debt.passed for debt in owed]
    if False in outcomes:
        return False
    return True if outcomes and None not in outcomes else None


def failed(owed: Sequence[Debt]) -> str | None:
    """Say whose check failed."""
    names = list(dict.fromkeys(debt.learner for debt in owed if debt.passed is False))
    return f"the gradient check of {' and '.join(names)} failed" if names else None


def unknown(owed: Sequence[Debt]) -> str:
    """Say why it is unknown whether both members paid."""
    if not owed:
        return "check is not among the pair's passes"
    reasons = [f"{debt.learner}: {debt.reason}" for debt in owed if debt.passed is None]
    return "; ".join(dict.fromkeys(reasons))


def _check_of(records: Sequence[Record], pair: Pair, member: Member) -> Record | None:
    learner = (
        pair.learner(member),
        settings_words(dict(pair.learner_settings(member))),
        pair.processes(member),
        pair.communication(member),
    )
    return next(
        (
            record
            for record in latest(records).values()
            if record.measured == "check" and _checked(record) == learner
        ),
        None,
    )


def _checked(record: Record) -> tuple[str, str, int, str | None]:
    # Records from before teams do not say that they are of one process.
    ranks = record.processes or 1
    return record.learner, record.learner_settings, ranks, record.communicator


def _debt(pair: Pair, member: Member, check: Record | None) -> Debt:
    return Debt(
        learner=pair.learner(member),
        equivalence=(check.equivalence if check else None) or "unknown",
        passed=check.passed if check is not None and check.status == "ok" else None,
        worst_error=check.worst_error if check else None,
        tolerance=check.tolerance if check else None,
        worst_case=check.worst_case if check else None,
        cosine=check.cosine if check else None,
        distance=check.distance if check else None,
        reason=_reason(pair, check),
        held=_held(check) if check else "error",
    )


def _held(check: Record) -> Held:
    """Return what was held to the tolerance.

    Records from before they had a field for it tell it by the first word of their worst case.
    """
    told_by: dict[str, Held] = {"factor": "factor", "order": "missing order"}
    return check.held or told_by.get((check.worst_case or "").partition(" ")[0], "error")


def _reason(pair: Pair, check: Record | None) -> str | None:
    if check is None:
        planned = "check" in pair.passes
        return "not in the records" if planned else "check is not among the pair's passes"
    if check.status != "ok":
        return f"{check.status}, {told(check.reason) or 'no reason was recorded'}"
    return "the check gave no outcome" if check.passed is None else None

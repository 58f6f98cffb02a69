"""What the gradient checks of a run say about the members of a pair."""

from __future__ import annotations

from collections.abc import Sequence

from harness.declare.pair import MEMBERS, Member, Pair, settings_words
from harness.declare.passes import Seen
from harness.judge.evidence import Evidence, told
from harness.judge.judgement import Debt
from harness.records.record import Record
from harness.records.seen import Check

GRAVEST = (False, None, True)
"""Outcomes of checks: failed, unknown, passed."""


def debts(evidence: Evidence, pair: Pair) -> tuple[Debt, ...]:
    """Return what baseline and method owed and paid; nothing where no check was asked for or made.

    A learner is checked once a run, and the record stands under the first pair that needed it. So
    it is found by the learner, its settings and its team. Of a pair that is checked at the points
    of a sweep, the gravest outcome counts for all of them.
    """
    places = [pair.at(point) for point in pair.points_of("check")] or [pair]
    found = {member: [_check_of(evidence, at, member) for at in places] for member in MEMBERS}
    if "check" not in pair.every_pass and not any(any(checks) for checks in found.values()):
        return ()
    owed = {
        member: [_debt(at, member, check) for at, check in zip(places, checks, strict=True)]
        for member, checks in found.items()
    }
    return tuple(min(each, key=lambda debt: GRAVEST.index(debt.passed)) for each in owed.values())


def all_paid(owed: Sequence[Debt]) -> bool | None:
    """Tell whether both members passed their checks; None if that is unknown."""
    outcomes = [debt.passed for debt in owed]
    if False in outcomes:
        return False
    return True if outcomes and None not in outcomes else None


def withheld(pair: Pair, owed: Sequence[Debt]) -> str | None:
    """Say why a pair may show no ratio, time or count as a result, or None where it may.

    A check that was planned and has no outcome withholds as well: nobody knows yet what the speed
    was paid with. A pair of a baseline with itself shows no speed-up but the noise, whatever it
    computes.
    """
    if pair.is_aa:
        return None
    if (reason := failed(owed)) is not None:
        return reason
    if "check" not in pair.every_pass:
        return None
    for debt in owed:
        if debt.passed is None:
            return f"the gradient of {debt.learner} was not checked"
    return None if owed else "the gradient was not checked"


def failed(owed: Sequence[Debt]) -> str | None:
    """Say whose check failed."""
    names = list(dict.fromkeys(debt.learner for debt in owed if debt.passed is False))
    return f"the gradient check of {' and '.join(names)} failed" if names else None


def unknown(owed: Sequence[Debt]) -> str:
    """Say why it is unknown whether both members paid."""
    if not owed:
        return "the pair has no pass check"
    reasons = [f"{debt.learner}: {debt.reason}" for debt in owed if debt.passed is None]
    return "; ".join(dict.fromkeys(reasons))


def _check_of(evidence: Evidence, pair: Pair, member: Member) -> Record[Seen] | None:
    settings = settings_words(dict(pair.learner_settings(member)))
    team = pair.processes(member), pair.communication(member)
    return evidence.checks.get((pair.learner(member), settings, *team))


def _debt(pair: Pair, member: Member, record: Record[Seen] | None) -> Debt:
    check = record.seen if record is not None and isinstance(record.seen, Check) else Check()
    return Debt(
        learner=pair.learner(member),
        equivalence=check.equivalence or "unknown",
        passed=check.passed if record is not None and record.status == "ok" else None,
        worst_error=check.worst_error,
        tolerance=check.tolerance,
        worst_case=check.worst_case,
        cosine=check.cosine,
        distance=check.distance,
        reason=_reason(pair, record, check),
        held=check.held or "error",
    )


def _reason(pair: Pair, record: Record[Seen] | None, check: Check) -> str | None:
    if record is None:
        planned = "check" in pair.every_pass
        return "not in the records" if planned else "check is not among the pair's passes"
    if record.status != "ok":
        return f"{record.status}, {told(record.reason) or 'no reason was recorded'}"
    return "the check gave no outcome" if check.passed is None else None

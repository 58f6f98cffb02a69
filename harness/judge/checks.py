"""What the gradient checks of a run say about the members of a pair."""

from __future__ import annotations

from collections.abc import Sequence

from harness.declare.pair import MEMBERS, Member, Pair, settings_words
from harness.declare.passes import Seen
from harness.judge.evidence import Evidence, told
from harness.judge.judgement import CheckResult
from harness.records.record import Record
from harness.records.seen import Check

GRAVEST = (False, None, True)
"""Outcomes of checks: failed, unknown, passed."""


def check_results(evidence: Evidence, pair: Pair) -> tuple[CheckResult, ...]:
    """Return what the checks of baseline and method gave; nothing where none was asked for or made.

    A learner is checked once a run, and the record stands under the first pair that needed it. So
    it is found by the learner, its settings and its team. Of a pair that is checked at the points
    of a sweep, the gravest outcome counts for all of them.
    """
    places = [pair.at(point) for point in pair.points_of("check")] or [pair]
    found = {member: [_check_of(evidence, at, member) for at in places] for member in MEMBERS}
    if "check" not in pair.every_pass and not any(any(checks) for checks in found.values()):
        return ()
    results = (
        [_result(at, member, record) for at, record in zip(places, checks, strict=True)]
        for member, checks in found.items()
    )
    return tuple(min(each, key=lambda one: GRAVEST.index(one.passed)) for each in results)


def all_passed(checks: Sequence[CheckResult]) -> bool | None:
    """Tell whether both members passed their checks; None if that is unknown."""
    outcomes = [check.passed for check in checks]
    if False in outcomes:
        return False
    return True if outcomes and None not in outcomes else None


def withheld(pair: Pair, checks: Sequence[CheckResult]) -> str | None:
    """Say why a pair may show no ratio, time or count as a result, or None where it may.

    A check that was planned and has no outcome withholds as well: nobody knows yet what the speed
    costs. A pair of a baseline with itself shows no speed-up but the noise, whatever it
    computes.
    """
    if pair.is_aa:
        return None
    if (reason := failed(checks)) is not None:
        return reason
    if "check" not in pair.every_pass:
        return None
    for check in checks:
        if check.passed is None:
            return f"the gradient of {check.learner} was not checked"
    return None if checks else "the gradient was not checked"


def failed(checks: Sequence[CheckResult]) -> str | None:
    """Say whose check failed."""
    names = list(dict.fromkeys(check.learner for check in checks if check.passed is False))
    return f"the gradient check of {' and '.join(names)} failed" if names else None


def unknown(checks: Sequence[CheckResult]) -> str:
    """Say why it is unknown whether both members passed."""
    if not checks:
        return "the pair has no pass check"
    reasons = [f"{check.learner}: {check.reason}" for check in checks if check.passed is None]
    return "; ".join(dict.fromkeys(reasons))


def _check_of(evidence: Evidence, pair: Pair, member: Member) -> Record[Seen] | None:
    settings = settings_words(dict(pair.learner_settings(member)))
    team = pair.processes(member), pair.communication(member)
    return evidence.checks.get((pair.learner(member), settings, *team))


def _result(pair: Pair, member: Member, record: Record[Seen] | None) -> CheckResult:
    check = record.seen if record is not None and isinstance(record.seen, Check) else Check()
    return CheckResult(
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

"""Whether training still goes as well: the same trajectory, or quality that is not worse."""

from __future__ import annotations

from collections.abc import Sequence

from harness.declare.claims import Claim
from harness.declare.pair import Pair
from harness.declare.passes import Seen
from harness.gate.findings import ACCURACY, Finding
from harness.judge.evidence import Evidence
from harness.judge.quality.inheritance import curves_equal
from harness.judge.quality.pair_quality import pair_quality
from harness.records.record import Record


def accuracy(subject: Pair, records: Sequence[Record[Seen]]) -> Finding:
    """Judge what training gives, of base as the subject's baseline and of head as its method."""
    evidence = Evidence(None, records)
    curves = curves_equal(evidence, subject)
    if curves.equal:
        return Finding(subject.name, ACCURACY, word="same", reason=curves.reason)
    quality = pair_quality(evidence, subject, None, Claim.margin, method="head")
    if quality is None or quality.not_worse is None:
        why = quality.reason if quality else curves.reason
        return Finding(subject.name, ACCURACY, word="inconclusive", reason=why)
    return Finding(
        subject.name,
        ACCURACY,
        quality.metric,
        quality.baseline,
        quality.method,
        word="same" if quality.not_worse else "regressed",
        reason=quality.reason,
    )

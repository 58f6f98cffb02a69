"""Training is judged by its trajectory first, and by its quality where that differs."""

from __future__ import annotations

import pytest

from harness.gate.accuracy import accuracy
from harness.records.record import Record
from tests.gate.made import SUBJECT, record


def training(head_print: float, head_quality: float) -> list[Record]:
    curves = {"curve_steps": (1, 2), "metric": "accuracy", "higher_is_better": True}
    found = []
    for member, fingerprint, quality in (
        ("baseline", 1.0, 0.9),
        ("method", head_print, head_quality),
    ):
        found.append(record("trajectory", member, losses=(1.0,), fingerprint=(fingerprint,)))
        for seed in range(3):
            tests = tuple(quality + 0.001 * (task + seed) for task in range(5))
            values = {"curve_quality": (0.5, quality), "test_quality": tests}
            found.append(record("curve", member, seed, **curves, **values))
    return found


@pytest.mark.parametrize(
    ("fingerprint", "quality", "word"),
    [(1.0, 0.1, "same"), (2.0, 0.9, "same"), (2.0, 0.5, "regressed")],
)
def test_the_same_training_need_not_be_judged_by_its_quality_and_another_must(
    fingerprint: float, quality: float, word: str
):
    assert accuracy(SUBJECT, training(fingerprint, quality)).word == word


def test_another_training_without_curves_is_open():
    records = [each for each in training(2.0, 0.9) if each.measured == "trajectory"]
    assert accuracy(SUBJECT, records).word == "inconclusive"


def test_what_training_gives_is_told_of_head_and_not_of_a_method():
    reason = accuracy(SUBJECT, training(2.0, 0.5)).reason or ""
    assert ": head gains -0.4" in reason
    assert "method" not in reason

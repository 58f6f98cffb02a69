"""What a gate holds to equality: counts, gradients, and training."""

from __future__ import annotations

import dataclasses
from typing import Any

import pytest

from harness.declare.measures import MEASURES, Measure
from harness.gate.exact import accuracy, counts, differ, gradient, unable
from harness.gate.subjects import Subject
from harness.records.record import Record

SUBJECT = Subject("m", "w", passes=("check", "trajectory", "curve"))
SKETCH: dict[str, Any] = {
    "loss": 1.0,
    "norm": 2.0,
    "projections": [0.5, -0.5],
    "shapes": {"a": [2]},
}


def record(measured: Any, member: Any = "method", seed: int = 0, **seen: Any) -> Record:
    about: dict[str, Any] = {
        "block": f"{SUBJECT.name}/{measured}/{member}/seed{seed}/round0",
        "pair": SUBJECT.name,
        "measured": measured,
        "member": member,
        "learner": "m",
        "workload": "w",
        "settings": "",
        "learner_settings": "",
        "seed": seed,
        "round": 0,
        "status": "ok",
    }
    return Record(**about | seen)


def check(passed: bool, equivalence: str = "Exact") -> Record:
    return record(
        "check", passed=passed, equivalence=equivalence, worst=0.1, worst_error=1.0, tolerance=2.0
    )


FAILED = record("memory", status="failed", reason="out of ideas")
COUNTED = record("memory", peak_bytes=100)


@pytest.mark.parametrize(("head", "word"), [(100, "same"), (101, "regressed"), (99, "improved")])
def test_one_byte_is_enough(head: int, word: str):
    after = record("memory", peak_bytes=head)
    assert differ("memory", COUNTED, after) == (word != "same")
    (found,) = counts("s", "memory", COUNTED, after, None)
    assert (found.word, found.base, found.head) == (word, 100, head)


def test_a_count_that_base_itself_does_not_repeat_decides_nothing():
    after, again = record("memory", peak_bytes=101), record("memory", peak_bytes=102)
    (found,) = counts("s", "memory", COUNTED, after, again)
    assert found.word == "inconclusive"
    assert "100, then 102" in (found.reason or "")


@pytest.mark.parametrize(
    "measure",
    [each for each in MEASURES if each.gated and each.nature == "count"],
    ids=lambda each: each.name,
)
def test_every_count_of_the_table_that_a_gate_holds_is_compared(measure: Measure):
    base, head = (record(measure.measured, **{str(measure.field): n}) for n in (1000, 1001))
    assert differ(measure.measured, base, head)
    found = {each.measure: each.word for each in counts("s", measure.measured, base, head, None)}
    assert found == {measure.name: "regressed"}


def test_only_what_was_counted_at_both_is_compared():
    base = record("operations", flops=10, backward_passes=0)
    head = record("operations", flops=10, backward_passes=0, allreduce_calls=3)
    found = counts("s", "operations", base, head, None)
    assert [(each.measure, each.word) for each in found] == [
        ("flops", "same"),
        ("backward_passes", "same"),
    ]
    assert found[1].ratio is None  # nothing is a multiple of nothing


@pytest.mark.parametrize(
    ("base", "head", "word"),
    [
        (COUNTED, FAILED, "regressed"),
        (FAILED, COUNTED, "not compared"),
        (FAILED, FAILED, "not compared"),
        (COUNTED, record("memory", status="skipped", reason="no peer"), "inconclusive"),
    ],
)
def test_what_one_tree_cannot_measure_has_a_word_of_its_own(base: Record, head: Record, word: str):
    found = unable(base, head)
    assert found is not None
    assert found[0] == word
    assert unable(COUNTED, COUNTED) is None


@pytest.mark.parametrize(
    ("base", "head", "word"),
    [
        (None, check(True), "same"),
        (check(True), check(False), "mismatch"),
        (check(False), check(False), "not compared"),
        (None, check(False), "not compared"),
    ],
)
def test_a_check_that_passed_before_and_fails_now_is_a_mismatch(
    base: Record | None, head: Record, word: str
):
    assert gradient("s", base, head, (SKETCH, SKETCH)).word == word


@pytest.mark.parametrize(
    "change",
    [
        {"loss": 1.001},
        {"projections": [0.5, -0.501]},
        {"projections": [0.5, float("nan")]},
        {"shapes": {"a": [3]}},
    ],
)
def test_an_exact_gradient_that_is_not_bases_is_a_mismatch(change: dict[str, Any]):
    sketches = (SKETCH, SKETCH | change)
    assert gradient("s", None, check(True), sketches).word == "mismatch"
    # What an approximation owes is its own definition, which may have been mended.
    assert gradient("s", None, check(True, "Approximate"), sketches).word == "same"


def test_rounding_is_no_mismatch():
    close = SKETCH | {"projections": [0.5 + 1e-12, -0.5]}
    assert gradient("s", None, check(True), (SKETCH, close)).word == "same"


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
    assert accuracy("s", SUBJECT.pair(), training(fingerprint, quality)).word == word


def test_another_training_without_curves_is_open():
    records = [each for each in training(2.0, 0.9) if each.measured == "trajectory"]
    assert accuracy("s", SUBJECT.pair(), records).word == "inconclusive"


def test_a_subject_is_itself_on_either_side():
    pair = dataclasses.replace(SUBJECT, settings={"a": 1}).pair()
    assert pair.is_aa
    assert pair.name == "m on w (a=1)"

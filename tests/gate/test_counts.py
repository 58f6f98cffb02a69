"""What a gate counts is held to equality, and what one tree cannot count has a word."""

from __future__ import annotations

import pytest

from harness.declare.measures import MEASURES, Measure
from harness.gate.counts import counts, differ, unable
from harness.records.record import Record
from tests.gate.made import record

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

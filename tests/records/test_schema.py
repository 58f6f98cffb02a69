"""Files that a run of schema 1 left are read today as what they would be.

They were written by `run` on a suite of every pass; of what the machine was, the names of most
packages and the commit were taken out. Whoever changes what a record or a manifest holds keeps
them readable: a new field needs a default, a field that is taken away or changes its meaning a new
schema and a new folder.
"""

from __future__ import annotations

import json
import re

import pytest

from harness.errors import StoreError
from harness.records.manifest import manifest_from
from harness.records.record import record_from, records_from
from harness.records.store import MANIFEST, RECORDS, Store
from tests.records.made import FIXTURE, PASSES

LINES = (FIXTURE / RECORDS).read_text().splitlines()


@pytest.fixture(scope="module")
def store() -> Store:
    return Store.open(FIXTURE)


def test_they_are_read_whole_and_without_a_word(store):
    assert store.notes == ()
    blocks = dict.fromkeys(record.block for record in store.records())
    assert list(blocks) == list(store.manifest.plan)
    assert len(LINES) == len(store.manifest.plan) == 26


def test_they_hold_every_pass_and_more_than_one_outcome(store):
    known = set(PASSES) - {"variant_operations", "distance", "one_off"}  # which came later
    assert {record.measured for record in store.records()} == known
    assert {record.status for record in store.records()} == {"ok", "failed", "skipped"}


@pytest.mark.parametrize("line", LINES, ids=lambda line: json.loads(line)["block"])
def test_every_value_of_a_record_is_read_as_it_was_written(line):
    """Numbers stand where they stood, or as points of a sweep: none is lost, and none is new."""
    gone = {"schema", "train_seconds", "variant_trained_at"}
    then = numbers({k: v for k, v in json.loads(line).items() if k not in gone})
    now: set[float] = set()
    for record in records_from(line, "here", PASSES):
        now |= numbers(json.loads(record.to_line()))
    assert then <= now


def numbers(value: object) -> set[float]:
    if isinstance(value, dict):
        return set().union(*map(numbers, value.values()))
    if isinstance(value, list):
        return set().union(*map(numbers, value))
    return {value} if isinstance(value, int | float) and not isinstance(value, bool) else set()


@pytest.mark.parametrize(
    ("worst_case", "held"),
    [
        ("factor 0.5 a unit of terms: ways=2", "factor"),
        ("order 1.80 of 2: ways=2", "missing order"),
        ("float64: ways=2", "error"),
    ],
)
def test_what_a_check_held_is_told_by_its_worst_case(worst_case, held):
    line = next(line for line in LINES if json.loads(line)["measured"] == "check")
    old = json.loads(line) | {"worst_case": worst_case}
    assert record_from(json.dumps(old), "here", PASSES).seen.held == held


@pytest.mark.parametrize("line", LINES, ids=lambda line: json.loads(line)["block"])
def test_what_was_read_is_written_in_todays_schema_and_read_again(line):
    for record in records_from(line, "here", PASSES):
        assert record.schema == 2
        assert record_from(record.to_line(), "again", PASSES) == record


def test_skips_are_known_by_a_field_and_not_by_their_reason(store):
    skips = {(record.status, record.skip) for record in store.records()}
    assert ("skipped", "inherited") in skips or ("skipped", "absent") in skips
    assert not [record for record in store.records() if record.status == "ok" and record.skip]


def test_settings_of_studies_stand_by_the_study(store):
    assert store.manifest.suite.study["variants"]["inner_steps"] == [1, 2]
    assert not {"growth", "scaling"} & {
        p for pair in store.manifest.suite.pair for p in pair.passes
    }


def test_every_pass_left_what_it_measures(store):
    found: dict[tuple[str, str], list] = {}
    for record in store.records():
        if record.status == "ok":
            found.setdefault((record.pair, record.measured), []).append(record)

    def seen(measured, pair="batched", member="method"):
        return next(r.seen for r in found[pair, measured] if r.member == member and not r.point)

    assert seen("check").passed is True
    assert seen("check").equivalence == "Exact"
    assert (len(seen("trajectory").losses), len(seen("trajectory").fingerprint)) == (2, 2)
    assert seen("operations").flops == 796_800
    assert seen("memory").peak_bytes == 114_640
    grown = [r for r in found["batched", "memory"] if r.member == "method" and r.point]
    assert [(dict(r.point), r.seen.peak_bytes) for r in grown] == [
        ({"inner_steps": 1}, 114_640),
        ({"inner_steps": 2}, 160_296),
    ]
    assert seen("step").seconds == (0.003946085, 0.003845995)
    assert seen("adaptation").steps_per_interval == 1
    assert seen("curve", member="baseline").curve_steps == (2, 4)
    assert len(seen("curve", member="baseline").test_quality) == 7
    (judged,) = found["variants", "variants"]
    assert len(judged.several) == 14
    point, quality = judged.several[-1]
    assert (dict(point), quality.full) == ({"variant": "111", "inner_steps": 2}, True)
    assert len(quality.test) == 7
    timed = next(r for r in found["variants", "variant_times"] if r.member == "method")
    assert [len(times.seconds) for _, times in timed.several] == [2] * 14
    assert timed.several[0][1].batch == 2
    ranked = {"ranks": 2, "meta_batch": 4}
    step = next(r for r in found["shared", "step"] if r.point == ranked)
    assert (step.processes, step.communicator) == (2, "torch")
    wire = next(r for r in found["shared", "wire"] if r.point == ranked)
    assert (wire.seen.allreduce_calls, wire.seen.allreduce_bytes) == (1, 7048)
    assert wire.seen.wire_bytes == (4, 7048)
    assert len(wire.seen.wire_seconds) == len(step.seen.allreduce_seconds) == 2


def test_tables_that_do_not_fit_are_no_measurement():
    table = next(json.loads(x) for x in LINES if '"variants", "member": "method"' in x)
    for spoilt in ({"variant_valid": [[1.0]]}, {"variant_test": None}, {"variants": 3}):
        (record,) = records_from(json.dumps(table | spoilt), "here", PASSES)
        assert record.flaw() == "its record holds nothing that was seen"


@pytest.mark.parametrize("name", [MANIFEST, RECORDS])
def test_a_newer_schema_is_refused_with_a_word_about_upgrading(name, tmp_path):
    for file in (MANIFEST, RECORDS):
        text = (FIXTURE / file).read_text()
        newer = re.sub(r'"schema": 1\b', '"schema": 4', text) if file == name else text
        assert (newer != text) == (file == name)
        (tmp_path / file).write_text(newer)
    with pytest.raises(StoreError, match="schema 4 is not the schema 3 .*Upgrade the harness"):
        Store.open(tmp_path).records()


def test_they_tell_nothing_of_the_machines_owner():
    for file in (MANIFEST, RECORDS):
        assert not re.search(r'[" ](/|~|[A-Z]:\\)\w', (FIXTURE / file).read_text())


@pytest.mark.parametrize(
    "damage",
    [
        {"suite": "x"},
        {"suite": {"protocol": "x"}},
        {"suite": {"pair": {"name": "x"}}},
        {"suite": {"pair": ["x"]}},
        {"suite": {"pair": [{"passes": "step"}]}},
        {"suite": {"pair": [{"passes": [["step"]]}]}},
    ],
)
def test_a_suite_of_another_shape_is_damage_and_no_traceback(damage):
    table = json.loads((FIXTURE / MANIFEST).read_text()) | damage
    with pytest.raises(StoreError, match="The file is damaged"):
        manifest_from(json.dumps(table), "here")

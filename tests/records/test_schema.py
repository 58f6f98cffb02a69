"""Files that a run of schema 1 left are read today as they were read then.

They were written by `run` on a suite of every pass; of what the machine was, the names of most
packages and the commit were taken out. Whoever changes what a record or a manifest holds keeps
them readable: a new field needs a default, a field that is taken away or changes its meaning a new
schema and a new folder.
"""

from __future__ import annotations

import json
import re
import typing

import pytest

from harness.declare.settings import matches
from harness.declare.suite import Pass
from harness.errors import StoreError
from harness.records.manifest import Manifest
from harness.records.record import Record
from harness.records.store import MANIFEST, RECORDS, Store
from tests.records.made import FIXTURE

LINES = (FIXTURE / RECORDS).read_text().splitlines()


@pytest.fixture(scope="module")
def store() -> Store:
    return Store.open(FIXTURE)


def test_they_are_read_whole_and_without_a_word(store):
    assert len(store.records()) == len(LINES) == len(store.manifest.plan) == 26
    assert store.notes == ()
    assert [record.block for record in store.records()] == list(store.manifest.plan)


def test_they_hold_every_pass_and_more_than_one_outcome(store):
    assert {record.measured for record in store.records()} == set(typing.get_args(Pass))
    assert {record.status for record in store.records()} == {"ok", "failed", "skipped"}


@pytest.mark.parametrize("line", LINES, ids=lambda line: json.loads(line)["block"])
def test_every_value_of_a_record_is_read_as_it_was_written(store, line):
    then = json.loads(line)
    record = next(record for record in store.records() if record.block == then["block"])
    assert then.items() <= json.loads(record.to_line()).items()


def test_every_value_of_the_manifest_is_read_as_it_was_written(store):
    then = json.loads((FIXTURE / MANIFEST).read_text())
    now = json.loads(store.manifest.to_json())
    assert holds(now, then)


def holds(now: object, then: object) -> bool:
    """Say whether all that was written is still there; fields may have come since, at any depth."""
    if isinstance(then, dict):
        return isinstance(now, dict) and all(k in now and holds(now[k], then[k]) for k in then)
    if isinstance(then, list):
        return isinstance(now, list) and len(now) == len(then) and all(map(holds, now, then))
    return now == then


def test_every_field_has_its_declared_type(store):
    hints = typing.get_type_hints(Record)
    for record in store.records():
        for name, hint in hints.items():
            assert matches(getattr(record, name), hint), (record.block, name)
            assert not isinstance(getattr(record, name), list)
    for name, hint in typing.get_type_hints(Manifest).items():
        assert matches(getattr(store.manifest, name), hint), name


def test_every_pass_left_what_it_measures(store):
    seen = {
        record.measured: record
        for record in store.records()
        if record.status == "ok" and record.pair == "batched"
    }
    assert seen["check"].passed is True
    assert seen["check"].equivalence == "Exact"
    assert (len(seen["trajectory"].losses), len(seen["trajectory"].fingerprint)) == (2, 2)
    assert seen["operations"].flops == 796_800
    assert seen["memory"].peak_bytes == 114_640
    assert seen["growth"].growth_steps == (1, 2)
    assert seen["growth"].growth_bytes == (114_640, 160_296)
    assert seen["step"].seconds == (0.003946085, 0.003845995)
    assert seen["adaptation"].steps_per_interval == 1
    assert seen["curve"].curve_steps == (2, 4)
    assert len(seen["curve"].test_quality) == 7
    study = {r.measured: r for r in store.records() if (r.pair, r.member) == ("variants", "method")}
    assert study["variants"].variants[-1] == study["variants"].variant_full == "111"
    assert [len(row) for row in study["variants"].variant_valid] == [2] * 7
    assert [len(tasks) for tasks in study["variants"].variant_test[0]] == [7, 7]
    assert [len(calls) for calls in study["variant_times"].variant_seconds[0]] == [2, 2]
    assert study["variant_times"].variant_batch == 2
    shared = next(r for r in store.records() if r.block.startswith("shared/scaling-2x4/method/"))
    assert (shared.processes, shared.tasks, shared.communicator) == (2, 4, "torch")
    assert (shared.allreduce_calls, shared.allreduce_bytes) == (1, 7048)
    assert shared.wire_bytes == (4, 7048)
    assert len(shared.wire_seconds) == len(shared.allreduce_seconds) == 2


@pytest.mark.parametrize("name", [MANIFEST, RECORDS])
def test_a_newer_schema_is_refused_with_a_word_about_upgrading(name, tmp_path):
    for file in (MANIFEST, RECORDS):
        text = (FIXTURE / file).read_text()
        newer = re.sub(r'"schema": 1\b', '"schema": 2', text) if file == name else text
        assert (newer != text) == (file == name)
        (tmp_path / file).write_text(newer)
    with pytest.raises(StoreError, match="schema 2 is not the schema 1 .*Upgrade the harness"):
        Store.open(tmp_path).records()


def test_they_tell_nothing_of_the_machines_owner():
    for file in (MANIFEST, RECORDS):
        assert not re.search(r'[" ](/|~|[A-Z]:\\)\w', (FIXTURE / file).read_text())

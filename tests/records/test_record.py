"""A record is one flat line of JSON, read back as it was or refused by name and place."""

from __future__ import annotations

import dataclasses
import json
import math
import typing

import pytest

from harness.errors import StoreError
from harness.records.record import SCHEMA, Record, record_from, unit_of
from tests.records.made import make_record

RECORD = make_record()


def changed(**changes):
    """Return the record's line with other values, or without those that are left out."""
    table = json.loads(RECORD.to_line()) | changes
    return json.dumps({key: value for key, value in table.items() if value is not ...})


def test_a_line_is_flat_whole_and_ends():
    line = RECORD.to_line()
    assert line.endswith("}\n")
    assert line.count("\n") == 1
    table = json.loads(line)
    assert set(table) == {field.name for field in dataclasses.fields(Record)}
    assert not any(isinstance(value, dict) for value in table.values())
    assert "töys" in line


def test_what_was_not_seen_is_null():
    table = json.loads(RECORD.to_line())
    assert table["peak_bytes"] is None
    assert table["passed"] is None


def test_a_record_comes_back_from_its_line():
    assert record_from(RECORD.to_line(), "here") == RECORD
    assert record_from(RECORD.to_line().encode(), "here") == RECORD


@pytest.mark.parametrize("value", [math.nan, math.inf, -math.inf])
def test_what_is_no_number_cannot_be_written(value):
    with pytest.raises(ValueError, match="JSON"):
        make_record(load=value).to_line()
    with pytest.raises(ValueError, match="JSON"):
        make_record(seconds=(1.0, value)).to_line()


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ("", "here: not valid JSON"),
        ("{", "here: not valid JSON"),
        (b'{"block": "\xff"}', "here: not valid JSON"),
        (b"\0" * 64, "here: not valid JSON"),
        ("[]", "here: a record must be an object, not list"),
        ("null", "here: a record must be an object, not NoneType"),
        (changed(block=...), r"here: missing block\."),
        (changed(blok="x"), r"unknown setting of here 'blok' \(did you mean 'block'\?\)"),
        (changed(seed="0"), "here: setting seed = '0' is a str, but must be a whole number"),
        (changed(seed=True), "here: setting seed = True is a bool"),
        (changed(status="great"), "here: setting status = 'great' .* 'ok' or 'failed' or"),
        (changed(measured="stp"), "here: setting measured = 'stp' is a str, but must be 'check'"),
        (changed(member="rival"), "here: setting member = 'rival' .* 'baseline' or 'method'"),
        (changed(seconds=[1.0, "x"]), "here: setting seconds = .* a list of a finite number or"),
        (changed(seconds=[math.nan]), "here: setting seconds = .*nan.* a finite number"),
        (changed(passed=1), "here: setting passed = 1 is a int, but must be true or false or null"),
    ],
)
def test_a_damaged_line_is_refused_with_its_place(line, message):
    with pytest.raises(StoreError, match=message) as refused:
        record_from(line, "here")
    assert str(refused.value).endswith("It is damaged: restore it, or measure anew.")


@pytest.mark.parametrize("schema", [SCHEMA + 1, SCHEMA + 40])
def test_a_newer_schema_asks_for_a_newer_harness(schema):
    with pytest.raises(StoreError) as refused:
        record_from(changed(schema=schema, something_new=1), "here")
    assert f"here: schema {schema} is not the schema {SCHEMA} that this version" in str(
        refused.value
    )
    assert str(refused.value).endswith("Upgrade the harness to read it.")


@pytest.mark.parametrize("schema", [..., 0, -1, None, True, "1", 1.5])
def test_a_schema_that_never_was_is_damage(schema):
    with pytest.raises(StoreError, match="schema .* is not the schema 1 .*It is damaged"):
        record_from(changed(schema=schema), "here")


def test_a_field_has_its_unit_or_none():
    assert unit_of("seconds") == "s"
    assert unit_of("peak_bytes") == "bytes"
    assert unit_of("flops") == "operations"
    assert unit_of("curve_quality") is None


def test_seconds_and_bytes_say_their_unit_by_name_and_by_metadata():
    for name in typing.get_type_hints(Record):
        if name.endswith(("_s", "seconds")):
            assert unit_of(name) == "s", name
        if name.endswith("_bytes"):
            assert unit_of(name) == "bytes", name

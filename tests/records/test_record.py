"""A record is one line of JSON, read back as it was or refused by name and place."""

from __future__ import annotations

import dataclasses
import json
import math

import pytest

from harness.errors import StoreError
from harness.records.record import SCHEMA, Record, record_from
from harness.records.seen import METRIC, Memory, Times
from tests.records.made import PASSES, make_record

RECORD = make_record()


def changed(**changes):
    """Return the record's line with other values, or without those that are left out."""
    table = json.loads(RECORD.to_line())
    for name, value in changes.items():
        within = table["seen"] if name in table["seen"] else table
        within[name] = value
    for within in (table, table["seen"] if isinstance(table["seen"], dict) else {}):
        for name in [name for name, value in within.items() if value is ...]:
            del within[name]
    return json.dumps(table)


def test_a_line_is_whole_and_ends():
    line = RECORD.to_line()
    assert line.endswith("}\n")
    assert line.count("\n") == 1
    table = json.loads(line)
    assert set(table) == {field.name for field in dataclasses.fields(Record)} - {"several"}
    assert set(table["seen"]) == {field.name for field in dataclasses.fields(Times)}
    assert "töys" in line


def test_what_was_not_seen_is_null():
    table = json.loads(RECORD.to_line())
    assert table["load"] is None
    assert table["seen"]["compile_s"] is None
    assert json.loads(make_record(status="failed", reason="no").to_line())["seen"] is None


def test_a_look_at_several_points_is_one_line():
    looks = tuple(({"inner_steps": n}, Memory(peak_bytes=10 * n)) for n in (1, 2))
    record = dataclasses.replace(RECORD, measured="memory", seen=None, several=looks)
    assert record_from(record.to_line(), "here", PASSES) == record
    spread = list(record.spread())
    assert [dict(each.point) for each in spread] == [{"inner_steps": 1}, {"inner_steps": 2}]
    assert [each.seen.peak_bytes for each in spread] == [10, 20]


def test_a_pass_that_nobody_here_knows_names_the_way_out():
    with pytest.raises(StoreError, match=r"unknown pass 'mine'.*plugin="):
        record_from(changed(measured="mine"), "here", PASSES)


def test_brackets_without_end_are_damage():
    with pytest.raises(StoreError, match="not valid JSON"):
        record_from("[" * 100_000, "here", PASSES)


def test_a_record_comes_back_from_its_line():
    assert record_from(RECORD.to_line(), "here", PASSES) == RECORD
    assert record_from(RECORD.to_line().encode(), "here", PASSES) == RECORD


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
        (changed(blok="x"), r"here: unknown setting 'blok' \(did you mean 'block'\?\)"),
        (changed(seed="0"), "here: setting seed = '0' must be a whole number"),
        (changed(seed=True), "here: setting seed = True must be a whole number"),
        (changed(status="great"), "here: setting status = 'great' .* 'ok' or 'failed' or"),
        (changed(seen=3), "here: 'seen' must be an object, not int"),
        (changed(several=5), "here: 'several' must be a list, not int"),
        (changed(several=[5], seen=None), "here: each entry of 'several' must have a 'point'"),
        (changed(member="rival"), "here: setting member = 'rival' .* 'baseline' or 'method'"),
        (changed(seconds=[1.0, "x"]), "setting seconds = .* a list of finite numbers"),
        (changed(seconds=[math.nan]), "setting seconds = .*nan.* finite numbers"),
        (changed(warmup_steady=1), "setting warmup_steady = 1 must be true or false"),
    ],
)
def test_a_damaged_line_is_refused_with_its_place(line, message):
    with pytest.raises(StoreError, match=message) as refused:
        record_from(line, "here", PASSES)
    assert str(refused.value).endswith("The file is damaged: restore it, or measure again.")


@pytest.mark.parametrize("schema", [SCHEMA + 1, SCHEMA + 40])
def test_a_newer_schema_asks_for_a_newer_harness(schema):
    with pytest.raises(StoreError) as refused:
        record_from(changed(schema=schema, something_new=1), "here", PASSES)
    assert f"here: schema {schema} is not the schema {SCHEMA} that this version" in str(
        refused.value
    )
    assert str(refused.value).endswith("Upgrade the harness to read it.")


@pytest.mark.parametrize("schema", [..., 0, -1, None, True, "1", 1.5])
def test_a_schema_that_never_was_is_damage(schema):
    with pytest.raises(StoreError, match="schema .* is not the schema 3 .*The file is damaged"):
        record_from(changed(schema=schema), "here", PASSES)


UNITS = {
    field.name: field.metadata.get("unit")
    for cls in (Record, *(known.seen for known in PASSES.values()))
    for field in dataclasses.fields(cls)
}


def test_a_field_has_its_unit_or_none():
    assert UNITS["seconds"] == "s"
    assert UNITS["peak_bytes"] == "bytes"
    assert UNITS["flops"] == "operations"
    assert UNITS["curve_quality"] == METRIC
    assert UNITS["seed"] is None


@pytest.mark.parametrize("name", UNITS)
def test_seconds_and_bytes_say_their_unit_by_name_and_by_metadata(name):
    if name.endswith(("_s", "seconds")):
        assert UNITS[name] == "s"
    if name.endswith("_bytes"):
        assert UNITS[name] == "bytes"


@pytest.mark.parametrize("name", ["seed", "round"])
@pytest.mark.parametrize("value", [-(2**63) - 1, 2**63])
def test_a_seed_or_a_round_that_no_run_has_is_damage(name: str, value: int) -> None:
    table = json.loads(RECORD.to_line()) | {name: value}
    with pytest.raises(StoreError, match=f"{name} = {value} must be from"):
        record_from(json.dumps(table), "here", PASSES)


@pytest.mark.parametrize("name", ["samples", "parameters"])
def test_a_count_that_no_step_or_model_has_spoils_the_record(name: str) -> None:
    assert make_record(**{name: 1}).flaw() is None
    for wrong in (-3, 10**400):
        assert make_record(**{name: wrong}).flaw() == f"its record says {name} = {wrong}"

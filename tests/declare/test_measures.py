"""The table of measures: its rows fit what is recorded, and nobody keeps a list beside it."""

from __future__ import annotations

import ast
import dataclasses
import typing
from collections.abc import Iterator
from pathlib import Path

import pytest

from harness.declare.measures import MEASURES, Measure, Measures, Timing, named
from harness.errors import UnknownName, UsageError
from harness.registry import Registry
from tests.command import ROOT

ROOMS = ("declare", "judge", "gate", "history", "report", "studies")
TABLE = ROOT / "harness" / "declare" / "measures.py"


def row(name: str = "kept_share", **changes: typing.Any) -> Measure:
    return Measure(name, "kept share", "", "count", "memory", **changes)


@pytest.mark.parametrize("measure", [*MEASURES], ids=lambda measure: measure.name)
def test_what_a_row_says_is_in_the_record(measure: Measure):
    seen = Registry().passes[measure.measured].seen
    if measure.field is not None:
        units = {field.name: field.metadata.get("unit") for field in dataclasses.fields(seen)}
        assert units[measure.field] == measure.unit


def test_a_gate_compares_what_each_record_holds_by_itself():
    gated = [measure for measure in MEASURES if measure.gated]
    assert {measure.nature for measure in gated} == {"clock", "count"}
    assert all(measure.field is not None for measure in gated)


def test_a_table_is_asked_by_what_its_rows_are():
    table = Measures([row("a", gated=True), row("b"), dataclasses.replace(row("c"), nature="gain")])
    assert [each.name for each in table.where(nature="count")] == ["a", "b"]
    assert [each.name for each in table.where(gated=False, measured="memory")] == ["b", "c"]
    assert [each.better for each in table] == ["less", "less", "more"]


def test_an_unknown_measure_is_told_with_the_nearest_name():
    with pytest.raises(UnknownName, match=r"unknown measure 'flop' \(did you mean 'flops'\?\)"):
        MEASURES["flop"]


def test_two_measures_of_one_name_are_refused():
    with pytest.raises(UsageError, match="two measures are named 'kept_share'"):
        Measures([row(), row(gated=True)])
    assert len([*Measures([row(), row()])]) == 1  # a study may be read twice


def test_the_number_of_inner_steps_is_read_as_it_is_written():
    for measure in MEASURES:
        steps = 5 if measure.at_steps else None
        assert MEASURES.read(named(measure.name, steps)) == (measure, steps)
    assert MEASURES.read("step_time_5") == (None, None)  # it has no number of inner steps
    assert MEASURES.read("chosen_time_x") == (None, None)
    assert MEASURES.of("from another version") is None


def test_only_what_rounds_repeat_is_held_to_the_noise_of_rounds():
    clocks = {each.name: each for each in MEASURES.where(nature="clock")}
    assert {name for name, each in clocks.items() if not each.in_rounds} == {"time_to_target"}
    assert {name for name, each in clocks.items() if each.timing is Timing.CALLS} == {
        "full_time",
        "chosen_time",
    }


def listed(file: Path) -> Iterator[tuple[int, set[str]]]:
    """Yield the line and the measures of every literal in which more than one is named."""
    names = {measure.name for measure in MEASURES}
    for node in ast.walk(ast.parse(file.read_text())):
        items: list[ast.expr | None] = []
        if isinstance(node, ast.Tuple | ast.List | ast.Set):
            items = [*node.elts]
        elif isinstance(node, ast.Dict):
            items = [*node.keys, *node.values]
        found = {each.value for each in items if isinstance(each, ast.Constant)} & names
        if len(found) > 1:
            yield node.lineno, found


def test_a_list_of_measures_is_found(tmp_path: Path):
    file = tmp_path / "lists.py"
    file.write_text('A = "flops"\nB = ("flops", "x")\nC = ["flops", "step_time"]\n')
    assert list(listed(file)) == [(3, {"flops", "step_time"})]


@pytest.mark.parametrize("room", ROOMS)
def test_nobody_lists_measures_beside_the_table(room: str):
    files = {*(ROOT / "harness" / room).rglob("*.py")} - {TABLE}
    assert files
    assert not {file.name: found for file in files if (found := list(listed(file)))}

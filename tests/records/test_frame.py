"""The frame has a row for every measured value, and for nothing else."""

from __future__ import annotations

import io

import pandas as pd

import harness
from harness.records.frame import frame, to_csv
from tests.records.made import FIXTURE, make_record

COLUMNS = ["pair", "member", "pass", "seed", "round", "point", "measure", "value", "unit"]


def test_every_value_of_a_field_with_a_unit_is_a_row():
    table = frame([make_record(3, peak_bytes=7, losses=(1.0,))])
    assert list(table.columns) == COLUMNS
    rows = [(row.measure, row.value, row.unit) for row in table.itertuples() if row.pair == "pair"]
    assert rows == [
        ("seconds", 0.25, "s"),
        ("seconds", 0.5, "s"),
        ("steps_per_interval", 4.0, "steps"),
        ("warmup_seconds", 1.0, "s"),
        ("peak_bytes", 7.0, "bytes"),
    ]
    assert set(table["pass"]) == {"step"}
    assert set(table["round"]) == {3}
    assert table["point"].isna().all()


def test_values_within_values_are_rows_in_their_order():
    table = frame([make_record(variant_seconds=(((1.0, 2.0), (3.0,)), ((4.0,),)))])
    assert list(table[table["measure"] == "variant_seconds"]["value"]) == [1.0, 2.0, 3.0, 4.0]


def test_what_measured_nothing_has_no_rows():
    bare = make_record(1, status="failed", **dict.fromkeys(("seconds", "warmup_seconds"), None))
    bare = frame([bare, make_record(2)])
    assert set(bare[bare["round"] == 1]["measure"]) == {"steps_per_interval"}
    assert list(frame([]).columns) == COLUMNS
    assert frame([]).empty


def test_a_file_holds_the_same_rows_and_is_the_same_twice():
    run = harness.open_run(FIXTURE)
    text = to_csv(run.records)
    assert text == to_csv(list(run.records))
    read = pd.read_csv(io.BytesIO(text))
    table = run.frame()
    assert list(read["value"]) == list(table["value"])
    assert list(read["unit"]) == list(table["unit"])
    assert len(read) > len(run.records)


def test_a_run_is_judged_when_it_is_asked_for_and_once():
    run = harness.open_run(str(FIXTURE))
    assert run.judgement is run.judgement
    assert [judged.pair for judged in run.judgement.pairs] == list(run.manifest.suite.pair)

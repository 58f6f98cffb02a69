"""The frame has a row for every measured value, and for nothing else."""

from __future__ import annotations

import dataclasses
import io
import pickle

import pandas as pd

import harness
from harness.records.frame import frame, to_csv
from harness.records.seen import Curve, Memory
from harness.records.store import Store
from tests.judge.builders import manifest, whole
from tests.records.made import FIXTURE, altered, make_record

COLUMNS = ["pair", "member", "pass", "seed", "round", "point", "measure", "value", "unit"]
COLUMNS += ["same_as"]


def test_every_value_of_a_field_with_a_unit_is_a_row():
    table = frame([make_record(3, load=7.0, data="toys")])
    assert list(table.columns) == COLUMNS
    rows = [(row.measure, row.value, row.unit) for row in table.itertuples() if row.pair == "pair"]
    assert rows == [
        ("warmup_seconds", 1.0, "s"),
        ("seconds", 0.25, "s"),
        ("seconds", 0.5, "s"),
        ("steps_per_interval", 4.0, "steps"),
    ]
    assert set(table["pass"]) == {"step"}
    assert set(table["round"]) == {3}
    assert set(table["point"]) == {""}


def test_a_quality_is_a_row_whose_unit_is_its_metric_and_what_is_watched_has_its_name():
    curve = Curve((1, 2), (0.25, 0.5), (0.75,), {"rate": (3.0, 4.0)})
    one = make_record(measured="curve", seen=curve, metric="accuracy", warmup_seconds=None)
    rows = [(row.measure, row.value, row.unit) for row in frame([one]).itertuples()]
    assert rows == [
        ("curve_steps", 1.0, "steps"),
        ("curve_steps", 2.0, "steps"),
        ("curve_quality", 0.25, "accuracy"),
        ("curve_quality", 0.5, "accuracy"),
        ("test_quality", 0.75, "accuracy"),
        ("watched.rate", 3.0, ""),
        ("watched.rate", 4.0, ""),
    ]


def test_a_look_at_several_points_has_the_rows_of_each():
    looks = tuple(({"inner_steps": n}, Memory(peak_bytes=10 * n)) for n in (1, 2))
    one = make_record(measured="memory", seen=None, warmup_seconds=None)
    table = frame([dataclasses.replace(one, several=looks)])
    rows = [(row.point, row.measure, row.value, row.unit) for row in table.itertuples()]
    assert rows == [
        ("inner_steps=1", "peak_bytes", 10.0, "bytes"),
        ("inner_steps=2", "peak_bytes", 20.0, "bytes"),
    ]


def test_what_measured_nothing_has_no_rows():
    bare = make_record(1, status="failed", warmup_seconds=None)
    bare = frame([bare, make_record(2)])
    assert not set(bare[bare["round"] == 1]["measure"])
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


def test_a_run_can_be_pickled_with_what_was_judged_of_it():
    run = harness.open_run(FIXTURE)
    again = pickle.loads(pickle.dumps(run))
    assert again.judgement == run.judgement
    assert again.frame().equals(run.frame())


def test_a_pair_that_is_withheld_has_no_rows_though_its_records_keep_all(tmp_path):
    records = [
        altered(each, passed=False) if each.measured == "check" else each for each in whole()
    ]
    names = {each.pair for each in records}
    store = Store.create(tmp_path / "run", manifest(records))
    with store.writing() as writer:
        for each in records:
            writer.append(each)
    run = harness.open_run(store.folder)
    assert {judged.pair.name for judged in run.judgement.pairs if judged.withheld} == {"pair"}
    assert "pair" in names
    seen = run.frame().query("pair == 'pair'")
    assert not set(seen["measure"]) & {"seconds", "flops", "peak_bytes", "curve_steps"}
    assert any(each.seen is not None for each in run.records if each.measured == "step")


def test_a_run_is_judged_when_it_is_asked_for_and_once():
    run = harness.open_run(str(FIXTURE))
    assert run.judgement is run.judgement
    assert [judged.pair for judged in run.judgement.pairs] == list(run.manifest.suite.pair)

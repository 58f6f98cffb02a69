"""Timed records can be read by pyperf's own commands."""

from __future__ import annotations

import math
import statistics

import pyperf
import pytest

from harness.declare.point import words_of
from harness.records.pyperf_export import FILE, export
from harness.records.seen import Times
from harness.records.store import Store
from tests.command import python
from tests.records.made import FIXTURE, make_record

TIMED = [make_record(n, seconds=(0.5 + n, 0.25), load=1.5) for n in range(3)]
OTHER = make_record(measured="adaptation", member="method", seconds=(2.0,), warmup_seconds=None)


def test_there_is_one_benchmark_a_pair_pass_and_member_and_one_run_a_block(tmp_path):
    path = export(tmp_path, [*TIMED, OTHER])
    assert path == tmp_path / FILE
    suite = pyperf.BenchmarkSuite.load(str(path))
    assert suite.get_benchmark_names() == ["pair/step/baseline", "pair/adaptation/method"]
    benchmark = suite.get_benchmark("pair/step/baseline")
    assert benchmark.get_nrun() == 3
    assert benchmark.get_values() == (0.5, 0.25, 1.5, 0.25, 2.5, 0.25)


def test_a_run_keeps_its_warm_up_and_what_it_ran_on(tmp_path):
    export(tmp_path, TIMED[:1])
    (benchmark,) = pyperf.BenchmarkSuite.load(str(tmp_path / FILE)).get_benchmarks()
    (run,) = benchmark.get_runs()
    assert run.warmups == ((1, 1.0),)
    metadata = run.get_metadata()
    assert metadata["learner"] == "plain"
    assert metadata["loops"] == 4
    assert metadata["data"] == "töys (made up)"
    assert metadata["load_avg_1min"] == 1.5
    assert str(metadata["date"]) == "2026-01-02T03:04:05"
    assert "device" not in metadata  # unknown is left out


@pytest.mark.parametrize(
    "record",
    [
        make_record(status="failed", reason="it fell"),
        make_record(status="died", reason="killed"),
        make_record(seconds=()),
    ],
    ids=["failed", "untimed", "empty"],
)
def test_what_was_not_timed_is_left_out(tmp_path, record):
    assert export(tmp_path, [record]) is None
    assert list(tmp_path.iterdir()) == []
    export(tmp_path, [record, OTHER])
    suite = pyperf.BenchmarkSuite.load(str(tmp_path / FILE))
    assert suite.get_benchmark_names() == ["pair/adaptation/method"]


def test_words_that_pyperf_does_not_take_as_they_are_still_arrive(tmp_path):
    export(tmp_path, [make_record(data=" padded\nlines ", device=" ", steps_per_interval=None)])
    (benchmark,) = pyperf.BenchmarkSuite.load(str(tmp_path / FILE)).get_benchmarks()
    assert benchmark.get_metadata()["data"] == "padded lines"


def test_it_is_written_anew_to_the_same_bytes(tmp_path):
    first = export(tmp_path, TIMED).read_bytes()
    export(tmp_path, TIMED[:1])
    assert export(tmp_path, TIMED).read_bytes() == first
    assert [path.name for path in tmp_path.iterdir()] == [FILE]


@pytest.mark.parametrize("command", ["stats", "hist", "check", "show", "metadata"])
def test_pyperfs_commands_read_a_real_run(tmp_path, command):
    records = Store.open(FIXTURE).records()
    path = export(tmp_path, records)
    done = python("-m", "pyperf", command, str(path))
    assert done.returncode == 0, done.stderr
    timed = [record for record in records if isinstance(record.seen, Times)]
    assert timed
    if command == "stats":
        for record in timed:
            at = f"@{words_of(record.point)}" if record.point else ""
            assert f"{record.pair}/{record.measured}{at}/{record.member}" in done.stdout


def test_the_mean_is_that_of_the_record(tmp_path):
    export(tmp_path, [make_record(seconds=(0.1, 0.2, 0.4))])
    (benchmark,) = pyperf.BenchmarkSuite.load(str(tmp_path / FILE)).get_benchmarks()
    assert math.isclose(benchmark.mean(), statistics.mean((0.1, 0.2, 0.4)))

"""What reads finished runs: `report`, of a run or a history, and `compare`."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest

from harness.cli import main
from harness.history.entries import append
from harness.records.store import RECORDS
from tests.history.made import timed
from tests.records.made import FIXTURE


def test_a_report_tells_of_a_torn_record(here, capsys):
    shutil.copytree(FIXTURE, here / "run")
    with (here / "run" / RECORDS).open("a") as file:
        file.write('{"block": "torn')
    assert main(["report", "run"]) == 0
    shown = capsys.readouterr()
    assert shown.err == "note: run/records.jsonl: the last record is incomplete and was left out.\n"
    assert shown.out.endswith("report: run/report.pdf and report.html beside it\n")
    assert (here / "run" / "report.pdf").read_bytes().startswith(b"%PDF")


@pytest.mark.parametrize("linked", ["figures", "figures/dark"])
def test_no_figure_is_written_behind_a_link(here, capsys, linked):
    shutil.copytree(FIXTURE, here / "run")
    (here / "theirs").mkdir()
    (here / "run" / linked).parent.mkdir(exist_ok=True)
    (here / "run" / linked).symlink_to(here / "theirs")
    assert main(["report", "run"]) == 2
    assert f"run/{linked}: a link, behind which nothing is written" in capsys.readouterr().err
    assert not list((here / "theirs").iterdir())


class TestAHistory:
    @pytest.fixture
    def history(self, here) -> Path:
        found = [timed(number, 1.1 if number == 5 else 1.0) for number in range(1, 11)]
        append(here / "history.jsonl", found)
        return here / "history.jsonl"

    def test_is_drawn_into_a_folder_beside_it(self, history, said):
        shown = said("report", "history.jsonl")
        assert "slower" in shown
        assert shown.endswith("report: history-report/report.pdf and report.html beside it\n")
        made = {str(p.relative_to(history.parent)) for p in history.parent.glob("history-report/*")}
        assert {Path(name).name for name in made} == {
            "changes.json",
            "figures",
            "report.html",
            "report.pdf",
        }

    def test_is_told_to_machines(self, history, said):
        told = json.loads(said("report", "history.jsonl", "--json"))
        assert [len(series["changes"]) for series in told["series"]] == [1]

    def test_that_was_torn_is_drawn_without_its_last_line(self, history, capsys):
        with history.open("ab") as file:
            file.write(b'{"commit": "to')
        assert main(["report", "history.jsonl"]) == 0
        expected = "note: history.jsonl: the last line is incomplete and was left out.\n"
        assert capsys.readouterr().err == expected

    @pytest.mark.parametrize(
        ("content", "words"),
        [
            (None, "history.jsonl: No such file or directory"),
            (b"", "history.jsonl: no lines written by a gate"),
            (b"\x00\xff\n", "history.jsonl, line 1: not valid JSON"),
            (b'{"block": "a", "schema": 1}\n', "history.jsonl, line 1"),
            (b'{"schema": 99}\n', "line 1: schema 99 is not the schema 1"),
        ],
    )
    def test_that_is_none_is_refused(self, here, refused, content, words):
        if content is not None:
            (here / "history.jsonl").write_bytes(content)
        assert words in refused("report", "history.jsonl")
        assert not (here / "history-report").exists()

    def test_is_not_taken_for_a_run_nor_a_run_for_one(self, here, refused):
        shutil.copytree(FIXTURE, here / "run")
        assert "Name a run folder" in refused("report", ".")
        assert "records.jsonl, line 1" in refused("report", "run/records.jsonl")


def test_a_runs_verdicts_are_told_to_machines(here, said):
    shutil.copytree(FIXTURE, here / "run")
    told = json.loads(said("report", "run", "--json"))
    assert told == json.loads((here / "run" / "claims.json").read_text())


class TestComparing:
    @pytest.fixture
    def runs(self, here) -> Path:
        for name in ("before", "after"):
            shutil.copytree(FIXTURE, here / name)
        return here

    def test_takes_two_runs(self, runs, capsys):
        code = main(["compare", "before", "after", "--json"])
        shown = capsys.readouterr()
        assert json.loads(shown.out)["exit_code"] == code
        assert shown.err == ""

    def test_tells_of_a_torn_record(self, runs, capsys):
        with (runs / "after" / RECORDS).open("a") as file:
            file.write('{"block": "torn')
        main(["compare", "before", "after"])
        assert "note: after/records.jsonl: the last record is incomplete" in capsys.readouterr().err

    def test_never_takes_damage_for_a_regression(self, runs, refused):
        lines = len((runs / "after" / RECORDS).read_text().splitlines())
        with (runs / "after" / RECORDS).open("a") as file:
            file.write("damage\n")
        assert f"after/records.jsonl, line {lines + 1}: not valid JSON" in refused(
            "compare", "before", "after"
        )

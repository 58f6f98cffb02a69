"""A report's files are written whole, sorted, and the same from the same run."""

from __future__ import annotations

import dataclasses
import errno
import hashlib
import json
import math
import os
import pickle
import re
import subprocess
import sys
from pathlib import Path

import pytest

from harness.errors import StoreError
from harness.judge.statistics import Interval
from harness.report.content import Content
from harness.report.figures.svg import DARK, INK
from tests.report.composing import claims_json
from tests.report.composing import write_all as write

FIGURES = [
    "claim-1",
    "curves",
    "growth",
    "memory",
    "memory-ratios",
    "rounds",
    "speedups",
    "targets",
]


def hashes(folder: Path) -> dict[str, str]:
    return {
        str(path.relative_to(folder)): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in sorted(folder.rglob("*"))
        if path.is_file()
    }


def test_all_files_are_written_and_named(run, tmp_path: Path) -> None:
    paths = write(tmp_path, run.manifest, run.records, run.judgement)
    expected = {
        "claims.json",
        "report.html",
        "report.pdf",
        *(f"figures/{name}.svg" for name in FIGURES),
        *(f"figures/dark/{name}.svg" for name in FIGURES),
    }
    assert {str(path.relative_to(tmp_path)) for path in paths} == expected
    assert set(hashes(tmp_path)) == expected


def test_another_process_writes_the_same_bytes(run, tmp_path: Path) -> None:
    here, there = tmp_path / "here", tmp_path / "there"
    here.mkdir()
    there.mkdir()
    write(here, run.manifest, run.records, run.judgement)
    parts = pickle.dumps((run.manifest, run.records, run.judgement))
    (tmp_path / "run.pickle").write_bytes(parts)
    code = (
        "import pickle, sys, pathlib\n"
        "from tests.report.composing import write_all as write\n"
        "parts = pickle.loads(pathlib.Path(sys.argv[1]).read_bytes())\n"
        "write(pathlib.Path(sys.argv[2]), *parts)"
    )
    environment = os.environ | {"PYTHONHASHSEED": "7", "TZ": "Asia/Tokyo", "LC_ALL": "C"}
    subprocess.run(
        [sys.executable, "-c", code, str(tmp_path / "run.pickle"), str(there)],
        env=environment,
        check=True,
    )
    assert hashes(here) == hashes(there)


def test_claims_are_sorted_json_with_all_verdicts(run, tmp_path: Path) -> None:
    write(tmp_path, run.manifest, run.records, run.judgement)
    table = json.loads((tmp_path / "claims.json").read_text("utf-8"))
    verdicts = table["verdicts"]
    keys = [(v["claim"], v["pair"], v["reading"]) for v in verdicts]
    assert keys == sorted(keys)
    assert len(verdicts) == sum(len(judged.verdicts) for judged in run.judgement.pairs)
    met = next(v for v in verdicts if v["word"] == "met")
    assert met["ratio"]["low"] >= met["published"] == 2.0
    assert table["machine"] == "AMD EPYC 9654, 2 cores"
    assert list(table) == sorted(table)


def test_what_is_unknown_is_null(run) -> None:
    table = json.loads(claims_json(run.manifest, run.judged(noise_floor=math.nan).judgement))
    assert table["noise_floor"] is None
    assert any(verdict["ratio"] is None for verdict in table["verdicts"])


def test_a_withheld_ratio_is_not_in_the_file_either(run) -> None:
    table = json.loads(claims_json(run.manifest, run.judgement))
    invalid = [v for v in table["verdicts"] if v["word"] == "invalid"]
    assert len(invalid) == 2
    assert all(verdict["ratio"] is None for verdict in invalid)


def test_figures_of_an_earlier_report_are_taken_away_and_others_left(
    run, content: Content, tmp_path: Path
) -> None:
    figures = tmp_path / "figures"
    figures.mkdir()
    for figure in content.figures[:2]:
        earlier = dataclasses.replace(figure, name=f"{figure.name}-7")
        (figures / f"{earlier.name}.svg").write_text(earlier.svg())
    (figures / "copied.svg").write_text(earlier.svg())
    (figures / "growth-2.svg").write_text("mine")
    write(tmp_path, run.manifest, run.records, run.judgement)
    kept = {path.stem for path in figures.glob("*.svg")}
    assert kept == {*FIGURES, "copied", "growth-2"}
    assert {path.stem for path in figures.glob("dark/*")} == {*FIGURES}
    assert (figures / "growth-2.svg").read_text() == "mine"


def test_a_figure_for_a_dark_background_differs_in_its_colours_alone(run, tmp_path: Path) -> None:
    write(tmp_path, run.manifest, run.records, run.judgement)
    light, dark = (
        (tmp_path / "figures" / place / "speedups.svg").read_text() for place in (".", "dark")
    )
    assert INK in light
    assert INK not in dark
    assert DARK["ink"] in dark
    colour = re.compile(r"#[0-9a-f]{6}\b")
    assert colour.sub("", light) == colour.sub("", dark)


def test_a_full_disk_is_named_and_leaves_the_old_report_whole(
    run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write(tmp_path, run.manifest, run.records, run.judgement)
    before = hashes(tmp_path)

    def full(_: int) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    changed = run.judged(warnings=("other",))
    with pytest.raises(StoreError, match=r"claims\.json.*No space left on device"):
        write(tmp_path, changed.manifest, changed.records, changed.judgement)
    assert hashes(tmp_path) == before


def test_a_folder_that_cannot_be_made_is_named(run, tmp_path: Path) -> None:
    (tmp_path / "figures").write_text("in the way")
    with pytest.raises(StoreError, match="figures"):
        write(tmp_path, run.manifest, run.records, run.judgement)


def test_a_file_that_cannot_be_replaced_is_named(run, tmp_path: Path) -> None:
    (tmp_path / "report.html").mkdir()
    with pytest.raises(StoreError, match=r"report\.html"):
        write(tmp_path, run.manifest, run.records, run.judgement)


def test_an_interval_of_a_subclass_is_written_with_its_counts(run) -> None:
    table = json.loads(claims_json(run.manifest, run.judgement))
    assert "only_baseline" in next(v for v in table["verdicts"] if v["word"] == "met")["ratio"]
    plain = dataclasses.replace(
        run.judgement.pairs[1].verdicts[0], ratio=Interval(2.0, 1.0, 3.0, 4, "by hand")
    )
    changed = run.with_pair(1, verdicts=(plain,)).judgement
    assert '"by hand"' in claims_json(run.manifest, changed)


def test_a_ratio_that_a_study_answers_with_is_written_though_it_is_none_of_the_pair_s(run) -> None:
    judged = run.judgement.pairs[1]
    answered = dataclasses.replace(
        judged.verdicts[0], ratio=Interval(2.0, 1.5, 3.0, 9, "by hand"), reason="It is faster"
    )
    told = claims_json(run.manifest, run.with_pair(1, ratios=(), verdicts=(answered,)).judgement)
    (verdict,) = (v for v in json.loads(told)["verdicts"] if v["pair"] == judged.pair.name)
    assert verdict["ratio"]["estimate"] == 2.0
    assert verdict["reason"] == "It is faster."


def test_little_or_nothing_is_written_too(degenerate, tmp_path: Path) -> None:
    run = degenerate.run
    paths = write(tmp_path, run.manifest, run.records, run.judgement)
    assert all(path.stat().st_size > 0 for path in paths)

"""The lines that a trace prints recompute, from the records alone, what was judged."""

from __future__ import annotations

import contextlib
import functools
import io
import json
import warnings
from pathlib import Path
from unittest import mock

import pytest

import harness
from harness.judge.ratios import is_gain
from harness.judge.statistics import Bounds
from harness.judge.trace import Trace
from harness.records.store import MANIFEST, RECORDS
from harness.report.account import accounts
from tests.golden.test_golden import RUNS
from tests.judge.builders import PAIR, changed, manifest
from tests.studies.targets.test_judge import SEEDS, STEPS, TIME, raced

# A run is read once, whatever number of figures is computed from it.
opened = functools.cache(harness.open_run)


def recomputed(lines: tuple[str, ...]) -> list[float]:
    """Run the lines as somebody would who pasted them, and return what they print."""
    said, once = io.StringIO(), mock.patch("harness.open_run", opened)
    with once, contextlib.redirect_stdout(said), warnings.catch_warnings():
        warnings.simplefilter("ignore")  # a degenerate bootstrap warns, here as in the judge
        exec("\n".join(lines), {})
    return [float(word) for word in said.getvalue().split()]


def check_all(folder: Path) -> list[Trace]:
    """Recompute every figure of a run that has records of its own."""
    run, found = opened(str(folder)), []
    for account in accounts(run.evidence, run.judgement):
        interval, lines = account.trace.interval, account.recipe(str(folder))
        if lines:
            assert interval is not None
            expected = [interval.estimate, interval.low, interval.high]
            assert recomputed(lines) == pytest.approx(expected, rel=1e-9), account.title
            assert len(lines) <= 12
            found.append(account.trace)
    return found


@pytest.mark.slow
@pytest.mark.parametrize(
    ("name", "kinds"),
    [
        ("paper", {Bounds.RANKS, Bounds.BCA, Bounds.COUNTED}),  # timed in turns
        ("clusters", {Bounds.SPAN}),  # fewer seeds than an interval takes
        ("sama", {Bounds.BCA, Bounds.COUNTED}),  # and in whole blocks, as before there were turns
        ("sama_accuracy", {Bounds.OVER_SEEDS, Bounds.OVER_BOTH}),
    ],
)
def test_every_figure_of_a_committed_run_is_recomputed(name: str, kinds: set[Bounds]) -> None:
    found = check_all(RUNS[name])
    assert len(found) > 10
    assert kinds <= {each.interval.method for each in found if each.interval is not None}


def kept(folder: Path, records, pair, claims) -> Path:
    """Write a run that was made up into a folder, as a store would."""
    folder.mkdir()
    about = manifest(records, pairs=(pair,), claims=claims)
    (folder / MANIFEST).write_text(about.to_json())
    (folder / RECORDS).write_text("".join(record.to_line() for record in records))
    return folder


@pytest.mark.parametrize("lower", [False, True])
@pytest.mark.parametrize("asked", [STEPS, TIME])
def test_steps_and_seconds_to_a_target_are_recomputed(tmp_path: Path, asked, lower: bool) -> None:
    records = raced([6 + n % 3 for n in SEEDS], [3 + n % 2 for n in SEEDS], (0.5, 0.4))
    if lower:
        records = changed(records, {"higher_is_better": False}, measured="curve")
    found = check_all(kept(tmp_path / "run", records, PAIR, (asked,)))
    assert {"quality_gain", "step_time"} <= {each.measure for each in found}
    assert lower or asked.readings[0].measure in {each.measure for each in found}
    (gain,) = [each for each in found if is_gain(each.measure)]
    for each in gain.rounds:
        better = each.baseline - each.method if lower else each.method - each.baseline
        assert each.value == pytest.approx(better)


def test_the_lines_need_no_other_name_than_they_import(tmp_path: Path) -> None:
    records = raced([6, 7, 8], [3, 4, 5])
    folder = kept(tmp_path / "it's", records, PAIR, (STEPS,))
    assert check_all(folder)
    assert json.loads((folder / MANIFEST).read_text())["claims"]

"""`explain` leads from a verdict to the records, and names what it does not know."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest

from tests.records.made import FIXTURE


@pytest.fixture
def run(here: Path) -> str:
    shutil.copytree(FIXTURE, here / "run")
    return "run"


@pytest.fixture
def pair(here: Path, run: str) -> str:
    return json.loads((here / run / "manifest.json").read_text())["suite"]["pair"][0]["name"]


def test_a_run_is_told_in_lines_with_the_way_on(run, said):
    *verdicts, _, way = said("explain", run).splitlines()
    assert verdicts[0].startswith("batched step_time: inconclusive")
    assert way.endswith("python -m harness explain run batched step_time")


def test_a_measure_is_told_to_its_blocks_and_lines(run, pair, said):
    shown = said("explain", run, pair, "step_time")
    assert "median over rounds of baseline over method" in shown
    assert f"{pair}/step/baseline/seed" in shown
    assert f"open_run('{run}')" in shown


def test_machines_are_told_the_same(run, pair, said):
    told = json.loads(said("explain", run, pair, "step_time", "--json"))
    (figure,) = told["figures"]
    assert figure["pair"] == pair
    assert figure["blocks"]
    assert figure["recompute"][0] == "import numpy as np"
    assert {"seed", "round", "baseline", "method", "value", "blocks"} <= set(figure["rounds"][0])


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["nobody"], "unknown pair 'nobody'"),
        (["PAIR", "step_tim"], "did you mean 'step_time'?"),
        (["PAIR", "step_time", "more"], "unexpected argument 'more'"),
        (["plugins=x.py"], "'plugins' (did you mean 'plugin'?)"),
    ],
)
def test_what_is_not_there_is_refused(run, pair, refused, words, message):
    assert message in refused("explain", run, *(pair if word == "PAIR" else word for word in words))


def test_a_folder_that_holds_no_run_is_refused(here, refused):
    assert "not a run" in refused("explain", str(here))

"""The benchmark of scale goes through every step of a run, and ends what takes too long."""

from __future__ import annotations

import json

import pytest

from benchmarks.scale import Cost, curve, main


@pytest.mark.slow
def test_every_step_of_a_run_is_timed_in_a_process_of_its_own(capsys):
    assert main(["sizes=400", "--json"]) == 0
    shown = capsys.readouterr()
    found = {cost["step"]: cost for cost in json.loads(shown.out)}
    assert shown.err == ""
    assert set(found) == {
        *("plan", "measure", "read", "judge", "claims.json", "measures.csv"),
        *("compose", "figures", "page", "paper", "resume"),
    }
    assert {cost["records"] for cost in found.values()} == {400}
    assert all(cost["seconds"] > 0 and cost["peak_mib"] > 10 for cost in found.values())


@pytest.mark.slow
def test_a_stage_is_ended_at_the_limit(capsys):
    assert main(["sizes=100000", "limit=1"]) == 0
    shown = capsys.readouterr()
    assert "run: ended at 1 s" in shown.err
    assert "not within limit" in shown.out


def test_the_curve_tells_by_which_power_of_the_size_a_cost_grew():
    linear = [Cost(size, "read", size / 1000, 100.0) for size in (1000, 10_000, 100_000)]
    quadratic = [Cost(size, "judge", (size / 1000) ** 2, 100.0) for size in (1000, 10_000)]
    lines = curve([*linear, *quadratic, Cost(100_000, "judge", None, None)]).splitlines()
    assert lines[1].endswith("  1.00")
    assert lines[2].endswith("not within limit     2.00")


def test_wrong_words_are_told(capsys):
    assert main(["size=3"]) == 2
    assert "did you mean 'sizes'?" in capsys.readouterr().err

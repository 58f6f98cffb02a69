"""The benchmark of noise: what it tells of outcomes, and one real pair of equals."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from benchmarks import noise
from benchmarks.noise import PERCENT, main, summary

SPREAD = (0.98, 1.02, 0.99, 1.01, 0.985, 1.015, 0.995, 1.005)


def outcome(load: str, centre: float = 1.0, *, planted: bool = False) -> dict[str, Any]:
    percents = (0, *PERCENT) if planted else (0,)
    turns = {
        str(percent): [centre / (1 + percent / 100) * each for each in SPREAD]
        for percent in percents
    }
    rounds = len(SPREAD)
    blocks = [centre * each for each in SPREAD] if planted else []
    return {
        "turns": turns,
        "blocks": blocks,
        "turns_s": [2.0] * rounds,
        "blocks_s": [3.0] * len(blocks),
        "load": load,
        "load_average": 0.5,
    }


def test_intervals_that_hold_the_truth_are_counted_by_load_and_in_all():
    done = [outcome("busy"), outcome("busy", 1.5), outcome("switching", planted=True)]
    told = list(summary(done))
    assert told[0] == "busy: 2 pairs, load average 0.5"
    assert "1 of 2" in told[1]
    assert "hold 1.000" in told[1]
    (in_all,) = (n for n, line in enumerate(told) if line.startswith("all: 3 pairs"))
    assert "2 of 3" in told[in_all + 1]
    assert "1 of 1" in told[in_all + 2]
    assert "  5 % slower" in told[in_all + 2]


def test_effects_that_were_not_planted_are_not_told_of():
    told = "\n".join(summary([outcome("busy")]))
    assert "0 % slower" in told
    assert "5 % slower" not in told


def test_the_time_to_know_equals_is_that_of_as_many_rounds_as_it_takes():
    line = next(line for line in summary([outcome("busy")]) if line.endswith("by turns"))
    assert "16 s and 8 rounds" in line  # eight rounds of two seconds


@pytest.mark.slow
def test_a_real_pair_of_equals_is_measured_appended_and_gone_on_from(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(noise, "PLANTED_EVERY", 1000)
    monkeypatch.setattr(noise, "PERCENT", ())
    out = tmp_path / "deep" / "outcomes.jsonl"
    assert main(["pairs=1", f"out={out}"]) == 0
    (first,) = map(json.loads, out.read_text().splitlines())
    assert first["load"] == "as it is"
    assert len(first["turns"]["0"]) == 8
    assert all(0.2 < ratio < 5 for ratio in first["turns"]["0"])
    assert main(["pairs=1", f"out={out}"]) == 0  # nothing is left to do
    assert len(out.read_text().splitlines()) == 1
    assert "as it is: 1 pairs" in capsys.readouterr().out


def test_what_other_code_or_an_older_benchmark_gave_is_kept_and_not_counted(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "outcomes.jsonl"
    known = {"code": "abc", "machine": "of a kind"}
    each = [outcome("busy"), outcome("busy", 1.5) | known, outcome("busy") | known | {"code": "d"}]
    out.write_text("".join(json.dumps(one) + "\n" for one in each))
    assert main(["pairs=0", f"out={out}"]) == 0
    told = capsys.readouterr().out
    assert "2 outcomes of other code or another kind of machine are not counted" in told
    assert "busy: 1 pairs" in told
    assert len(out.read_text().splitlines()) == 3

"""The README's table of what was found is made of the committed runs, and of nothing else."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from harness.cli import main
from harness.declare.claims import Claim, Reading, load_claims
from harness.report.found import BEGIN, END, Found, found_table, within
from tests.test_readme import README, ROOT

RUNS = sorted((ROOT / "results" / "reference").glob("*/*/claims.json"))
READINGS = (Reading("a", "", 2.0, "step_time"),)
FASTER = Claim("faster", "Paper", "here", "it is faster", READINGS, "known")
BETTER = Claim("better", "Paper", "here", "it is better | so", READINGS, "known")


def verdict(estimate: float | None, word: str, **about: Any) -> dict[str, Any]:
    ratio = {"estimate": estimate, "low": 0.9 * (estimate or 0), "high": 1.1 * (estimate or 0)}
    known = {"claim": "faster", "measure": "step_time", "published": 2.0, "trust": "stated"}
    known |= {"word": word, "rival": False, "own_ratio": None}
    return (
        known | {"ratio": None if estimate is None else ratio | {"n": 9, "method": "BCa"}} | about
    )


def lines(*runs: Found, claims: tuple[Claim, ...] = (FASTER, BETTER)) -> list[str]:
    return found_table(runs, claims).splitlines()[2:]


def test_the_readme_has_what_the_committed_runs_found():
    claims = list(load_claims(ROOT / "suites" / "claims.toml").values())
    assert RUNS
    table = found_table([Found.of(path) for path in RUNS], claims)
    assert within(README, table, "README.md") == README
    for claim in claims:
        assert f"| {claim.sentence}" in table


def test_a_line_is_the_range_and_all_words_and_rivals_stand_apart():
    run = Found(
        "first",
        (
            verdict(3.0, "met", own_ratio={"estimate": 1.5}),
            verdict(1.0, "none"),
            verdict(1.2, "none"),
            verdict(9.0, "met", rival=True),
        ),
    )
    again = Found("again", (verdict(None, "inconclusive"),))
    assert lines(run, again) == [
        "| it is faster | 2 | 1.00× [0.90, 1.10] to 3.00× [2.70, 3.30] as fast; the method's own "
        "part 1.50× | 1 met, 2 none | `first` |",
        "| (rivals) | 2 | 9.00× [8.10, 9.90] as fast | met | `first` |",
        "|  | 2 | – | inconclusive | `again` |",
        "| it is better \\| so | – | no run of these judges it | – | – |",
    ]


def test_figures_of_another_kind_have_a_range_of_their_own():
    less = verdict(4.0, "met", measure="peak_bytes")
    gained = verdict(0.02, "met", measure="quality_gain", published=0.01, trust="ours")
    (line, _) = lines(Found("run", (verdict(2.0, "met"), less, gained)))
    assert (
        "2.00× [1.80, 2.20] as fast; 4.00× [3.60, 4.40] less memory; 0.0200 [0.0180, 0.0220] gained"
        in line
    )
    assert "| 2, no figure; 0.01 asked |" in line


def test_other_algorithms_have_a_line_that_names_those_that_were_not_measured():
    others = [
        {"claim": "faster", "other": name, "measure": "step_time", "ratio": ratio}
        for name, ratio in (
            ("cg", verdict(3.0, "")["ratio"]),
            ("unrolled", verdict(1.0, "")["ratio"]),
            ("darts", None),
        )
    ]
    run = Found("first", (verdict(3.0, "met"),), tuple(others))
    assert lines(run)[1] == (
        "| (other algorithms) | – | 1.00× [0.90, 1.10] to 3.00× [2.70, 3.30] as fast over `cg`, "
        "`unrolled`; not measured over `darts` | by costs alone | `first` |"
    )


def test_it_is_written_between_its_marks_alone(tmp_path: Path, capsys):
    page = tmp_path / "page.md"
    page.write_text(f"before\n{BEGIN}\nold\n{END}\nafter\n")
    assert main(["found", str(RUNS[0]), f"into={page}"]) == 0
    assert main(["found", str(RUNS[0].parent)]) == 0
    assert page.read_text() == f"before\n{BEGIN}\n{capsys.readouterr().out}{END}\nafter\n"


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (None, "No such file or directory. Write it with `report "),
        ("{", "not the verdicts of a run"),
        ("[]", "not the verdicts of a run"),
        (json.dumps({"verdicts": [{"claim": "a"}]}), "not the verdicts of a run (KeyError"),
    ],
)
def test_what_is_no_run_is_refused(tmp_path, capsys, content, said):
    if content is not None:
        (tmp_path / "claims.json").write_text(content)
    assert main(["found", str(tmp_path)]) == 2
    assert said in capsys.readouterr().err


def test_a_file_without_a_place_for_it_is_left_alone(tmp_path, capsys):
    page = tmp_path / "page.md"
    page.write_text("no marks\n")
    assert main(["found", str(RUNS[0]), f"into={page}"]) == 2
    assert "no place for the table. Mark it with these lines:" in capsys.readouterr().err
    assert page.read_text() == "no marks\n"

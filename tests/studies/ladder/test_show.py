"""A ladder in the report: what is measured, what is derived, and nothing of what is withheld."""

from __future__ import annotations

import json
import warnings
from xml.etree import ElementTree

import pytest

from harness.report.content import Content
from harness.report.tables.table import Table
from harness.studies.ladder.costs import BreakEven, Cost, Once
from harness.studies.ladder.figure import AlongSettings, OverLengths, Rungs
from harness.studies.ladder.judge import Ladder
from harness.studies.ladder.show import cost_table
from tests.judge.builders import checks, without
from tests.report.composing import claims_json, compose
from tests.studies.ladder.runs import (
    LEARNER,
    PAIRS,
    judged,
    learning,
    planned,
    swept,
    whole,
)

EVERY = (*swept(), LEARNER)


@pytest.fixture(scope="module")
def records():
    return whole(EVERY[:-1], noise=0.02) + learning()


@pytest.fixture(scope="module")
def content(records) -> Content:
    return compose(planned(records, EVERY), records, judged(records, EVERY))


def table(content: Content, name: str) -> Table:
    return next(t for section in content.sections for t in section.tables if t.name == name)


def texts(found: Table) -> dict[str, list[str]]:
    rows = (row for group in found.groups for row in group.rows)
    return {row[0].text: [f"{cell.text} {cell.note}".strip() for cell in row] for row in rows}


def test_every_rung_stands_in_the_table_with_what_it_adds(content: Content) -> None:
    found = table(content, "ladder")
    assert [group.title for group in found.groups] == [
        "toys (steps=20)",
        "toys (steps=20), steps=5",
    ]
    rows = texts(found)
    assert "on top of rows" in rows["together"][2]
    assert rows["compiled"][3] == "\u2013"
    assert "no pair adds it" in rows["compiled"][0]


def test_what_is_derived_says_so(content: Content) -> None:
    assert table(content, "ladder_rates").columns[-1].head.endswith("(derived)")
    assert table(content, "one_off").columns[4].head.endswith("(derived)")
    assert table(content, "run_lengths").caption.startswith("Derived")
    assert table(content, "held_out").caption.startswith("Derived")
    plot = next(f for f in content.figures if isinstance(f.shows, OverLengths))
    assert plot.caption.startswith("Derived, not measured")
    assert "derived" in plot.alternative


def test_a_compilation_is_counted_and_its_break_even_told(content: Content) -> None:
    compiled = texts(table(content, "one_off"))["compiled"]
    assert "1\u00a0made, 18.0\u00a0s" in compiled[0].replace(" made", "\u00a0made")
    assert compiled[1] == "18.0\u00a0s"
    assert "meta-updates" in compiled[4]
    assert "against together, with those before" in compiled[5]


def test_run_lengths_are_told_one_below_another(content: Content) -> None:
    titles = [group.title for group in table(content, "run_lengths").groups]
    assert titles == ["short: 10\u00a0meta-updates", "long: 2000\u00a0meta-updates"]


def test_all_figures_are_drawn_and_have_words(content: Content) -> None:
    drawn = [f for f in content.figures if isinstance(f.shows, Rungs | AlongSettings | OverLengths)]
    assert [f.name for f in drawn] == ["waterfall", "waterfall-2", "along", "run-lengths"]
    for figure in drawn:
        with warnings.catch_warnings():
            warnings.simplefilter("error")
            assert ElementTree.fromstring(figure.svg()).tag.endswith("svg")
        assert len(figure.alternative) > 60
        assert figure.caption.endswith(".")
    assert "together: 0.8" in drawn[0].alternative
    assert "9.98\u00d7" in drawn[0].alternative


@pytest.mark.parametrize("number", [1, 2, 3])
def test_a_ladder_of_few_rungs_can_be_drawn(number: int) -> None:
    pairs = PAIRS[:number]
    records = whole(pairs)
    found = compose(planned(records, pairs), records, judged(records, pairs))
    for figure in found.figures:
        assert "<svg" in figure.svg()
    rates = [t.name for section in found.sections for t in section.tables if "rates" in t.name]
    assert len(rates) == (number > 1)


def test_one_rung_against_several_baselines_earns_back_what_it_pays_from_each() -> None:
    once = Once(first_s=2.0, later_s=0.0, draws=1, made=1, made_s=1.5, warm_s=0.5)

    def against(baseline: str, even: BreakEven) -> Ladder:
        cost = Cost("plan", False, once, even, None)
        return Ladder(baseline, "toys", (), (), (), (cost,), (), None)

    slow, quick = BreakEven("the baseline", 8.0, 6.0, 12.0), BreakEven("the baseline", *[None] * 3)
    found = cost_table([against("slow_peer", slow), against("quick_peer", quick)])
    assert found is not None
    (group,) = found.groups
    assert group.title == "toys"
    rows = [
        [f"{cell.text} {cell.note}".replace("\u00a0", " ") for cell in row] for row in group.rows
    ]
    assert rows[0][0] == "plan 1 made, 1.50 s"
    assert [row[2].strip() for row in rows] == ["500 ms"] * 2
    assert [row[4] for row in rows] == [
        "8.0 meta-updates 6.0 to 12, against slow_peer",
        "never against quick_peer",
    ]


def test_what_is_withheld_stands_nowhere() -> None:
    seconds = {pair.name: 0.5 for pair in PAIRS} | {"rows": 0.31373}
    records = whole(seconds=seconds)
    bad = next(pair for pair in PAIRS if pair.name == "rows")
    sound = compose(planned(records), records, judged(records))
    assert "3.19" in str(sound)
    records = without(records, pair="rows", measured="check") + checks(bad, (True, False))
    judgement = judged(records)
    assert "3.19" not in str(compose(planned(records), records, judgement))
    said = json.dumps(json.loads(claims_json(planned(records), judgement))["ladders"])
    assert "3.187" not in said
    assert "0.31373" not in said
    assert "the gradient check of learner_rows failed" in said


def test_programs_are_told_all_of_it(records) -> None:
    said = json.loads(claims_json(planned(records, EVERY), judged(records, EVERY)))
    (ladder,) = said["ladders"]
    assert [step["rung"] for step in ladder["waterfalls"][0]["steps"]] == [
        "reuse",
        "rows",
        "together",
        "compiled",
    ]
    assert ladder["held_out"]["reached"] == "2 of 3"

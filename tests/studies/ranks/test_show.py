"""Scaling in the report: measured and predicted stand apart, and both readings side by side."""

from __future__ import annotations

import dataclasses
import io
import re

import pytest

from harness.judge.judge import judge
from harness.report.content import Content
from harness.report.page import to_page
from harness.report.pdf import to_pdf
from harness.report.tables.table import Table
from harness.report.terminal import print_summary
from harness.studies.ranks.figure import OverRanks
from tests.judge.builders import AA, PAIR, changed, checks, manifest, record, timed, without
from tests.report.composing import compose
from tests.studies.ranks.runs import BASELINE_AT, CORES, KNOWN, scaling, seconds, swept_in_ranks

SHARED = dataclasses.replace(
    swept_in_ranks(PAIR),
    name="shared",
    passes=("check", "operations", "step"),
    ranks=2,
    cores="each",
)
SAME = dataclasses.replace(PAIR, name="same", passes=("check", "step"), ranks=2, cores="same")
SENT = {"allreduce_calls": 1, "allreduce_bytes": 2048}
WAITED = {"allreduce_seconds": (0.004,), "imbalance_seconds": (0.001,)}


def records(step=seconds, **about):
    shared = timed(SHARED, 0.3, 0.2, processes=2, **WAITED)
    counted = [
        record(SHARED, "operations", "method", flops=10, backward_passes=1, processes=2, **SENT)
    ]
    of_one, of_two = checks(SHARED)
    team = [of_one, dataclasses.replace(of_two, processes=2, communicator="torch")]
    alone = timed(SAME, 0.25, 0.2, threads=2)
    return team + shared + counted + alone + timed(AA) + scaling(step, pair=SHARED, **about)


def report(found) -> Content:
    plan = manifest(found, pairs=(SHARED, SAME, AA), probes=CORES, threads=2)
    return compose(plan, found, judge(plan, found))


@pytest.fixture(scope="module")
def content() -> Content:
    return report(records(noise=0.01))


@pytest.fixture(scope="module")
def mistaken() -> Content:
    """A run whose model misses what was held out from it."""
    return report(records(lambda p: seconds(p) * (1.5 if p.ranks == 3 else 1), noise=0.01))


def cells(table: Table | None, group: int = 0) -> dict[str, list[str]]:
    """Return the texts of a group's rows by the text of their first cell."""
    assert table is not None
    return {
        row[0].text: [f"{cell.text}|{cell.note}" for cell in row[1:]]
        for row in table.groups[group].rows
    }


def plot(content: Content) -> OverRanks:
    found = next(figure.shows for figure in content.figures if figure.name == "scaling")
    assert isinstance(found, OverRanks)
    return found


def test_both_readings_stand_side_by_side_with_their_intervals(content):
    table = content.table("ranks")
    assert table is not None
    assert [column.head for column in table.columns[1:]] == [
        "Same cores in total",
        "Same cores per process",
    ]
    rows = cells(table)
    same, each = rows["Ratio [95 %]"]
    assert re.match(r"1\.2[45]\d?× \[1\.2", same)
    assert re.match(r"1\.(49|50)\d?× \[1\.", each)
    assert same.endswith("|12\u00a0rounds")
    assert rows["Processes × threads"][1] == "2 × 1|against 2 × 1"


def test_what_ranks_talk_with_keeps_their_pairs_apart():
    over = [
        dataclasses.replace(SHARED, name=name, passes=("step",), communicator=name)
        for name in ("torch", "horovod")
    ]
    found = [*timed(over[0], 0.3, 0.2), *timed(over[1], 0.6, 0.2), *timed(AA)]
    plan = manifest(found, pairs=(*over, AA), probes=CORES, threads=2)
    table = compose(plan, found, judge(plan, found)).table("ranks")
    assert table is not None
    assert [group.title for group in table.groups] == [
        "fast, 2 ranks, against plain",
        "fast, 2 ranks over Horovod, against plain",
    ]
    steps = [cells(table, group)["Baseline's step"][1] for group in range(2)]
    assert [step[:2] for step in steps] == ["30", "60"]


def test_efficiency_is_the_ratio_by_the_ranks_and_only_worker_for_worker(content):
    same, each = cells(content.table("ranks"))["Efficiency [95 %]"]
    assert same == "–|"
    assert each.startswith("0.750 [")


def test_what_went_over_the_wire_is_counted_and_timed(content):
    rows = cells(content.table("ranks"))
    assert rows["All-reduces"] == ["–|", "1\u00a0call|2.00\u00a0KiB"]
    assert rows["In all-reduces"][1] == "4.00\u00a0ms|2.0\u00a0% of a step"
    assert rows["Waiting for ranks"][1].startswith("1.00\u00a0ms")


def test_verdicts_stand_beside_the_readings(content):
    assert cells(content.table("ranks"))["Verdict (published)"] == [
        "inconclusive (2.00×)|",  # that accuracy is kept was not measured
        "inconclusive (2.00×)|",
    ]


def test_a_claim_is_told_by_which_reading_it_was_held_to(content):
    notes = [group.note for group in content.verdicts.groups]
    assert "fast on 2\u00a0ranks (the same cores per process) against plain" in notes[0]
    assert "fast on 2\u00a0ranks (the same cores in total) against plain" in notes[1]
    facts = [dict(each.facts) for line in content.claims for each in line.opened]
    assert any("the same cores per process" in each["compared"] for each in facts)


def test_the_table_of_scaling_holds_every_point_and_nothing_predicted(content):
    table = content.table("scaling")
    assert table is not None
    strong, weak = table.groups
    assert [row[0].text for row in strong.rows] == ["1", "2", "3", "4"]
    assert [row[0].note for row in weak.rows] == [
        "8\u00a0tasks", "16\u00a0tasks", "24\u00a0tasks, held out", "32\u00a0tasks"
    ]  # fmt: skip
    assert "predict" not in str(table)
    one, two, *_ = strong.rows
    assert one[3].text == "–"
    assert two[3].text == "2.00\u00a0ms"


def test_predictions_have_a_table_of_their_own_that_says_what_they_are(content):
    table = content.table("predictions")
    assert table is not None
    assert table.title == "Predicted, not measured"
    assert "No verdict uses a prediction" in table.caption
    rows = table.groups[0].rows
    assert [row[2].note for row in rows[:2]] == ["holds", "holds"]
    assert "3\u00a0ranks [3, 3]" in rows[-1][0].text
    # Ranks that shared cores here are not held against ranks that each have their own.
    by_ranks = {row[0].text: row for row in rows[2:-1]}
    assert by_ranks["2"][2].text != "–"
    assert by_ranks["4"][2].text == "–"
    assert by_ranks["32"][2].text == "–"


def test_a_model_that_missed_predicts_nothing_anywhere(mistaken):
    table = mistaken.table("predictions")
    assert table is not None
    rows = table.groups[0].rows
    assert [row[2].tone for row in rows[:2]] == ["bad", "bad"]
    assert rows[2][0].text == "no prediction"
    assert len(rows) == 3
    assert plot(mistaken).predicted == ()
    figure = next(figure for figure in mistaken.figures if figure.name == "scaling")
    assert "Nothing is predicted" in figure.caption
    assert "predicted" not in figure.alternative


def test_without_a_model_it_is_said_why():
    found = without(records(), measured="step", member="baseline", point=BASELINE_AT)
    table = report(found).table("predictions")
    assert table is not None
    assert [row[0].text for row in table.groups[0].rows] == ["no model"]
    assert "step of the baseline" in table.groups[0].rows[0][0].note


def test_a_claim_that_no_ranks_reach_is_said_to_be_out_of_reach():
    heavy = KNOWN | {"fixed": 0.5}
    found = report(records(lambda p: seconds(p, heavy), baseline=0.8))
    table = found.table("predictions")
    assert table is not None
    assert table.groups[0].rows[-1][0].text == "2.00×: no number of ranks"


def test_the_figure_draws_predictions_dashed_and_labelled(content):
    figure = next(figure for figure in content.figures if figure.name == "scaling")
    shown = plot(content)
    assert [point.ranks for point in shown.predicted] == list(range(1, 33))
    assert [point.ranks for point in shown.speedups] == [1, 2, 3, 4]
    assert [point.held_out for point in shown.speedups] == [False, False, True, False]
    assert "Dashed: what a model predicts" in figure.caption
    assert "no verdict uses a prediction" in figure.caption
    drawn = figure.svg()
    assert "stroke-dasharray" in drawn
    plain = dataclasses.replace(figure, shows=dataclasses.replace(shown, predicted=())).svg()
    assert drawn.count("stroke-dasharray: 3") > plain.count("stroke-dasharray: 3")


def test_every_way_of_reporting_shows_it(content):
    svgs = {figure.name: figure.svg() for figure in content.figures}
    page = to_page(content, svgs)
    for words in ("Several processes", "Same cores per process", "Predicted, not measured"):
        assert words in page
    assert to_pdf(content, svgs).startswith(b"%PDF")
    stream = io.StringIO()
    print_summary(content, stream)
    for words in ("Several processes", "Scaling", "Predicted, not measured"):
        assert words in stream.getvalue()


def test_a_pair_whose_check_failed_shows_no_scaling():
    found = report(changed(records(), {"passed": False}, measured="check"))
    assert found.table("scaling") is None
    assert found.table("predictions") is None
    assert not any(figure.name.startswith("scaling") for figure in found.figures)
    assert not re.search(r"1\.50×", str(found.table("ranks")))


def test_a_run_of_single_processes_says_nothing_of_ranks(run):
    found = compose(run.manifest, run.records, run.judgement)
    for name in ("ranks", "scaling", "predictions"):
        assert found.table(name) is None
    assert "Distribution over ranks" not in [section.title for section in found.sections]

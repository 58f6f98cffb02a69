"""A report shows every variant, what was chosen among them, and what others had already."""

from __future__ import annotations

import json

import pytest

from harness.judge.judge import judge
from harness.report.content import Content
from harness.report.page import to_page
from harness.report.pdf import to_pdf
from harness.report.terminal import print_summary
from tests.judge.builders import changed, manifest
from tests.report.composing import claims_json, compose
from tests.studies.variants.runs import BETTER, NOISE, SECONDS, STUDY, THIRD, study


def report(records) -> tuple[Content, dict]:
    about = manifest(records, pairs=(STUDY, NOISE), claims=(THIRD, BETTER))
    judgement = judge(about, records)
    return compose(about, records, judgement), json.loads(claims_json(about, judgement))


def losing(**losses: float):
    return lambda name, seed: -losses.get(name, 0.0)


@pytest.fixture(scope="module")
def usual() -> tuple[Content, dict]:
    """The head alone loses too much; without it a quarter of the time is enough."""
    return report(study(losing(head=0.1, half=0.03), losing(head=0.1, half=0.02)))


def rows_of(content: Content, name: str):
    table = content.table(name)
    assert table is not None
    return [row for group in table.groups for row in group.rows if len(row) > 1]


def test_the_figure_has_a_panel_for_each_number_of_steps_and_marks_the_choice(usual):
    content, _ = usual
    figure = next(figure for figure in content.figures if figure.name == "variants")
    assert [panel.steps for panel in figure.shows.panels] == [1, 5]
    assert {panel.chosen for panel in figure.shows.panels} == {"light"}
    assert [len(panel.points) for panel in figure.shows.panels] == [4, 4]
    assert "<svg" in figure.svg()
    assert "head (ANIL) 0.61" in figure.alternative
    assert "light 0.71" in figure.alternative


def test_losses_that_choose_alike_share_a_row(usual):
    content, _ = usual
    rows = rows_of(content, "selection")
    assert [row[1].text for row in rows] == ["light", "light"]
    allowed, _, gain, faster, rival = rows[0]
    assert allowed.text == "0 to 0.050"
    assert allowed.note == "2 to 3 of 4\u00a0variants"
    assert gain.text == "0.00"
    assert faster.text.startswith("5.0")
    assert "own part 4.0" in faster.note
    assert "operations 5.00" in faster.note
    assert rival.text == "none"


def test_where_a_published_rival_gives_the_gain_already_is_said():
    content, _ = report(study(losing(light=0.1, head=0.002)))
    text = next(section.text for section in content.sections if section.title == "Variants")
    assert "at 5\u00a0inner steps the choice is the published ANIL, with 10.0" in text
    assert "no published variant is good enough, and light" in next(
        section.text for section in report(study(losing(head=0.1)))[0].sections if section.text
    )


def prose(records) -> str:
    content, _ = report(records)
    return next(section.text for section in content.sections if section.title == "Variants")


def test_what_test_tasks_found_worse_is_not_said_to_be_good_enough_without_a_word():
    worse = losing(head=0.05)
    chosen = prose(study(losing(light=0.1, head=0.002), worse))
    assert "the choice is the published ANIL, with 10.0" in chosen
    assert chosen.count("baseline's speed (on test tasks it is worse)") == 2
    assert chosen.endswith("Validation tasks decided which variants are good enough.")
    quicker = dict(SECONDS, light=0.0005)
    rival = prose(study(losing(half=0.1), worse, seconds=quicker))
    assert rival.count(" (on test tasks it is worse), where light has") == 2
    unclear = prose(study(losing(half=0.1), open_of("head"), seconds=quicker))
    assert unclear.count(" (test tasks leave open whether it is worse), where light has") == 2
    assert "worse" not in prose(study(losing(half=0.1), seconds=quicker))


def open_of(variant: str):
    """Let a variant gain much with one seed and lose as much with another."""
    return lambda name, seed: 0.1 * (seed - 1) * (name == variant)


def test_a_rival_s_standing_on_test_tasks_is_in_the_table():
    quicker = dict(SECONDS, light=0.0005)
    content, claims = report(study(losing(half=0.1), losing(head=0.05), seconds=quicker))
    assert {row[4].note for row in rows_of(content, "selection")} == {"gain -0.0500, worse"}
    [selection] = claims["selections"]
    assert {choice["rival"]["not_worse"] for choice in selection["choices"]} == {False}


def test_the_table_of_variants_ends_with_the_baseline(usual):
    content, _ = usual
    rows = rows_of(content, "variants")
    assert [row[0].text for row in rows[:5]] == ["full", "light", "head", "half", "plain"]
    name, quality, task, batch, operations = rows[2]
    assert (name.note, quality.text) == ("ANIL", "0.610")
    assert "ms" in task.text
    assert task.note.startswith("95 %: ")
    assert "ms" in batch.text
    assert operations.text == "1.00\u00a0MFLOP"


def test_the_full_variant_s_quality_at_every_number_of_steps_stands_in_each_table():
    content, _ = report(study(worn=0.05))
    told = "Quality of the full variant full, by inner steps: 0.710 at 1 and 0.660 at 5."
    assert [told in group.note for group in content.table("variants").groups] == [True, True]


def test_how_the_variants_were_trained_is_said_where_their_quality_is_shown(usual):
    content, _ = usual
    said = "trained at 1\u00a0inner step"
    for name in ("selection", "variants"):
        table = content.table(name)
        assert table is not None
        assert all(said in group.note for group in table.groups)
    assert said in next(f.caption for f in content.figures if f.name == "variants")
    unknown, _ = report(changed(study(), {"trained_at": None}, measured="variants"))
    assert all("trained at" not in group.note for group in unknown.table("variants").groups)


def test_a_claim_without_a_figure_says_so(usual):
    content, _ = usual
    assert content.verdicts is not None
    cells = [cell for group in content.verdicts.groups for row in group.rows for cell in row]
    assert "no figure" in [cell.text for cell in cells]
    assert any("our own threshold" in cell.note for cell in cells)


def test_the_pattern_s_part_stands_beside_the_ratio_that_a_verdict_is_of(usual):
    content, claims = usual
    assert content.verdicts is not None
    assert "the rest comes from the implementation" in content.verdicts.caption
    rows = [row for group in content.verdicts.groups for row in group.rows]
    measured = [row[2] for row in rows if row[2].note.startswith("chosen variant, 5")]
    assert ["; own part 4.0" in cell.note for cell in measured] == [True]
    notes = " ".join(group.note for group in content.verdicts.groups)
    assert "on toys, trained at 1\u00a0inner step." in notes
    assert "The method's own part: 4.0" in notes
    said = " ".join(tally.said for line in content.claims for tally in line.tallies)
    assert "the method's own part, without its implementation's, is 4.0" in said
    parts = {v["measure"]: v["own_ratio"] for v in claims["verdicts"]}
    assert parts["chosen_time_5"]["estimate"] == pytest.approx(4, rel=0.02)
    assert parts["chosen_gain_1"] is None


def test_programs_are_told_what_was_chosen(usual):
    _, claims = usual
    [selection] = claims["selections"]
    assert (selection["pair"], selection["method"], selection["workload"]) == (
        "study", "fast", "toys"
    )  # fmt: skip
    chosen = [c["variant"] for c in selection["choices"] if (c["steps"], c["tau"]) == (5, 0.01)]
    assert chosen == ["light"]
    assert selection["best"][0]["steps"] == 1


def test_it_is_set_in_every_form(usual, tmp_path):
    content, _ = usual
    svgs = {figure.name: figure.svg() for figure in content.figures}
    assert "Chosen variants" in to_page(content, svgs)
    assert to_pdf(content, svgs).startswith(b"%PDF")
    with (tmp_path / "out.txt").open("w") as stream:
        print_summary(content, stream, width=100)
    printed = " ".join((tmp_path / "out.txt").read_text().split())
    assert "Chosen variants" in printed
    assert "The method's own part: 4.0" in printed


def test_a_pair_whose_check_failed_shows_no_times():
    failed = changed(study(), {"passed": False}, measured="check", member="method")
    content, claims = report(failed)
    assert content.table("variants") is None
    assert not [figure for figure in content.figures if figure.name.startswith("variants")]
    assert content.table("selection") is None
    assert claims["selections"] == []

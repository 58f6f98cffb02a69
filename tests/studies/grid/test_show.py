"""What a report shows of a grid: the heat map, what was chosen, and how far rates go."""

from __future__ import annotations

import dataclasses
import json

import pytest

from harness.declare.point import Point
from harness.judge.judgement import Judgement
from harness.report.section import Placed, merge
from harness.studies.grid.figure import HATCH, HeatMap, heat_maps
from harness.studies.grid.show import cell_table, largest_table, parts, race_table, said
from tests.judge.builders import AA, judged
from tests.studies.grid.runs import LARGER, NEVER, SWEPT, UP_TO, At, always, trained


def run(baseline: At, method: At) -> Judgement:
    return judged(trained(baseline, method), pairs=(SWEPT, AA), claims=(UP_TO, LARGER))


def slow(point: Point, seed: int) -> int:
    return {0.1: 6, 1.0: 12, 4.0: NEVER}[float(point["inner_lr"])]


def ends_early(point: Point, seed: int) -> int:
    """Get there in some seeds alone at the middle rate, and never at the largest."""
    if point["inner_lr"] == 1.0:
        return NEVER if seed < 4 else 6
    return 4 if point["inner_lr"] == 0.1 else NEVER


@pytest.fixture(scope="module")
def mixed() -> Judgement:
    return run(slow, ends_early)


def the_map(judgement: Judgement) -> HeatMap:
    (found,) = heat_maps(judgement)
    return found


class TestTheHeatMap:
    def test_has_a_panel_for_each_target_and_a_square_for_each_setting(self, mixed):
        found = the_map(mixed)
        assert found.rows == ("depth=1", "depth=2")
        assert found.columns == ("0.1", "1.0", "4.0")
        assert len(found.panels) == 5
        for panel in found.panels:
            assert [len(squares) for squares in panel.squares] == [3, 3]

    def test_marks_censored_cells_and_those_where_neither_got_there(self, mixed):
        small, middle, large = the_map(mixed).panels[0].squares[0]
        assert small is not None
        assert middle is not None
        assert large is not None
        assert (small.text, small.bound) == ("1.5", "")
        assert (middle.text, middle.bound) == ("≤2.0", "at most")
        assert (large.text, large.ratio, large.bound) == ("", None, "open")

    def test_hatches_a_bound_in_the_drawing_and_nothing_else(self, mixed):
        canvas = the_map(mixed).draw()
        ax = canvas.axes[0]
        hatched = {
            (round(p.get_x() + 0.48), round(p.get_y() + 0.46))
            for p in ax.patches
            if p.get_hatch() == HATCH
        }
        assert hatched == {(1, 0), (2, 0), (1, 1), (2, 1)}
        assert [text.get_text() for text in ax.texts[:3]] == ["1.5", "≤2.0", "×"]

    def test_colours_a_gain_unlike_a_loss_and_more_the_larger_it_is(self):
        found = the_map(run(slow, always(8)))
        patches = [p for p in found.draw().axes[0].patches if not p.get_hatch()][:3]
        losing, gaining, more = patches
        assert losing.get_facecolor()[:3] != gaining.get_facecolor()[:3]
        assert gaining.get_facecolor()[:3] == more.get_facecolor()[:3]
        assert gaining.get_alpha() < more.get_alpha()

    def test_says_in_words_what_it_shows(self, mixed):
        found = the_map(mixed)
        assert "depth=1, inner_lr 1.0: ≤2.0 (16 of 16 seeds of the baseline" in found.alternative
        assert "at which no seed of either did" in found.caption

    def test_is_drawn_as_an_svg_of_its_own(self, mixed):
        sections = merge(parts(mixed))
        (placed,) = (figure for section in sections for figure in section.figures)
        assert isinstance(placed, Placed)
        assert placed.name == "grid"
        assert placed.svg() == placed.svg()


class TestTables:
    def test_tell_what_was_chosen_and_how_it_was_judged(self, mixed):
        table = race_table(mixed)
        assert table is not None
        best, own = table.groups[0].rows
        assert best[1].text == "depth=1 inner_lr=1.0, target 0.410"
        assert "some seeds of the method never got there" in best[2].note
        assert own[1].text == "depth=1 inner_lr=0.1, target 0.830"
        assert own[2].text == "1.50×"
        assert own[3].text == "–"
        assert (
            "set at the baseline's own best setting, depth=1 inner_lr=0.1" in table.groups[0].note
        )

    def test_tell_how_far_each_member_gets(self, mixed):
        table = largest_table(mixed)
        assert table is not None
        whole, one, other = table.groups[0].rows
        assert [cell.text for cell in whole[:3]] == ["any of them", "1", "1"]
        assert [row[0].text for row in (one, other)] == ["depth=1", "depth=2"]

    def test_hold_every_cell_with_the_seeds_that_got_there(self, mixed):
        table = cell_table(mixed)
        assert table is not None
        rows = table.groups[0].rows
        assert len(rows) == 30
        assert [cell.text for cell in rows[1]] == [
            "depth=1 inner_lr=1.0",
            "0.410",
            "120\u00a0steps",
            "60\u00a0steps",
            "≤2.00×",
        ]
        assert rows[1][3].note == "12 of 16"
        assert rows[2][4].text == "–"

    def test_are_none_where_no_pair_was_swept(self):
        plain = dataclasses.replace(SWEPT, sweep=(), claims=())
        records = trained(always(8), always(4), plain)
        judgement = judged(records, pairs=(plain, AA), claims=())
        assert (race_table(judgement), cell_table(judgement)) == (None, None)
        assert list(heat_maps(judgement)) == []
        assert said(judgement) == {}


def test_findings_are_told_to_programs(mixed):
    told = json.loads(json.dumps(said(mixed)))["grids"]["pair"]
    assert told["along"] == "inner_lr"
    (arm,) = told["arms"]
    assert len(arm["cells"]) == 30
    assert arm["best"]["choices"][0]["method"] == {"depth": 1, "inner_lr": 1.0}

"""What a learner keeps beside the weights is held by every curve, and shown over time."""

from __future__ import annotations

import dataclasses
import json

import pytest

from harness.judge.judgement import Judgement
from harness.studies.learned.figure import over_time
from harness.studies.learned.judge import Learned
from harness.studies.learned.show import learned_table, said
from tests.judge.builders import AA, PAIR, changed, checks, curves, judged

STEPS = 5  # of the builders' curves
CLIMBING = {"weight, step 1": (0.1, 0.2, 0.3, 0.4, 0.5)}


def run(watched: dict[str, tuple[float, ...]]) -> Judgement:
    plain = dataclasses.replace(PAIR, passes=("check", "curve"), claims=())
    records = changed(curves(plain), {"watched": watched}, member="method", seed=0)
    more = {name: tuple(v + 0.2 for v in values) for name, values in watched.items()}
    records = changed(records, {"watched": more}, member="method", seed=1)
    records = changed(records, {"watched": more}, member="method", seed=2)
    return judged([*checks(plain), *records], pairs=(plain, AA), claims=())


@pytest.fixture(scope="module")
def kept() -> tuple[Learned, ...]:
    found: tuple[Learned, ...] = run(CLIMBING).studies["learned"]
    return found


def test_medians_over_seeds_are_kept_at_every_evaluation(kept):
    (each,) = kept
    assert (each.pair, each.member, each.learner, each.seeds) == ("pair", "method", "fast", 3)
    (line,) = each.lines
    assert line.steps == (10, 20, 30, 40, 50)
    assert line.values == pytest.approx((0.3, 0.4, 0.5, 0.6, 0.7))
    assert (line.low, line.high) == pytest.approx((0.5, 0.7))


def test_the_table_tells_where_it_began_and_ended(kept):
    table = learned_table(kept)
    assert table is not None
    (row,) = table.groups[0].rows
    assert [cell.text for cell in row] == ["weight, step 1", "0.300", "0.700 [0.500, 0.700]"]


def test_the_figure_draws_a_line_for_each_number(kept):
    (figure,) = over_time(kept)
    (ax,) = figure.draw().axes
    (line,) = ax.get_lines()
    assert list(line.get_ydata()) == pytest.approx([0.3, 0.4, 0.5, 0.6, 0.7])
    assert "weight, step 1 goes from 0.300 to 0.700" in figure.alternative


def test_of_many_points_the_first_the_middle_and_the_last_are_drawn(kept):
    many = tuple(dataclasses.replace(kept[0], point={"inner_lr": n}) for n in range(7))
    (figure,) = over_time(many)
    assert [panel.point["inner_lr"] for panel in figure.panels] == [0, 3, 6]
    assert len(learned_table(many).groups) == 7  # type: ignore[union-attr]


def test_learners_of_weights_alone_leave_nothing():
    judgement = run({})
    assert "learned" not in judgement.studies
    assert said(judgement) == {}
    assert learned_table(()) is None


def test_findings_are_told_to_programs():
    told = json.loads(json.dumps(said(run(CLIMBING))))["learned"]
    assert told[0]["lines"][0]["name"] == "weight, step 1"


def test_numbers_that_never_move_stand_in_the_table_and_are_not_drawn():
    still = run({"tasks diverged": (0.0,) * 5}).studies["learned"]
    still = tuple(
        dataclasses.replace(
            each, lines=tuple(dataclasses.replace(line, values=(0.0,) * 5) for line in each.lines)
        )
        for each in still
    )
    assert not list(over_time(still))
    assert learned_table(still) is not None

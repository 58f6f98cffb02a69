"""The first page: one line a claim, each figure on its own scale, every name apart."""

from __future__ import annotations

import dataclasses
import itertools
from xml.etree import ElementTree

import matplotlib as mpl
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from harness.judge.outcome import outcomes
from harness.report.conditions import conditions, told_apart
from harness.report.content import Content
from harness.report.figures.claim_figure import (
    MOST_ROWS,
    SPEED,
    ClaimFigure,
    Panel,
    Row,
    claim_figures,
    fitting,
)
from harness.report.figures.svg import COLOURS, DARK
from harness.report.section import placed
from tests.report.composing import compose
from tests.report.example import Run

ROW = Row("usual", "own", (1.4, 1.6, 1.8), "1.6×", 2.0, 0.05, "smaller", "mixed")


def axes_of(*panels: Panel) -> list[mpl.axes.Axes]:
    return ClaimFigure("It is faster", panels).draw().axes


def test_claims_stand_in_the_order_of_the_papers(run: Run, content: Content) -> None:
    expected = [claim.sentence for claim in run.manifest.claims]
    assert [line.claim for line in content.claims] == expected
    backwards = dataclasses.replace(run.manifest, claims=run.manifest.claims[::-1])
    changed = compose(backwards, run.records, run.judgement)
    assert [line.claim for line in changed.claims] == expected[::-1]


def test_a_claim_is_quoted_where_its_words_are_known(run: Run) -> None:
    quoted = dataclasses.replace(run.manifest.claims[0], quote="by 50%", link="https://x.org/1")
    about = dataclasses.replace(run.manifest, claims=(quoted, *run.manifest.claims[1:]))
    first, second, *_ = compose(about, run.records, run.judgement).claims
    assert (first.claim, first.quoted, first.link) == ("by 50%", True, "https://x.org/1")
    assert not second.quoted


def test_speeds_share_an_axis_with_these_ticks() -> None:
    (ax,) = axes_of(Panel("speed", (ROW,), SPEED))
    assert ax.get_xscale() == "log"
    assert [label.get_text() for label in ax.get_xticklabels()] == ["0.5", "1", "2", "3", "5"]


def test_what_was_published_is_an_upright_tick_beside_the_interval() -> None:
    (ax,) = axes_of(Panel("speed", (ROW,), SPEED))
    upright = [line.get_xdata() for line in ax.lines if len(set(line.get_xdata())) == 1]
    assert [2.0, 2.0] in [list(xs) for xs in upright]
    level = [list(line.get_xdata()) for line in ax.lines if len(set(line.get_ydata())) == 1]
    assert [1.4, 1.8] in level


def test_memory_has_a_panel_of_its_own(run: Run) -> None:
    judged = run.judgement.pairs[1]
    bytes_ = dataclasses.replace(
        judged.verdicts[0],
        reading="bytes",
        measure="peak_bytes",
        ratio=dataclasses.replace(judged.verdicts[0].ratio, low=0.01, estimate=0.02, high=0.03),
    )
    pairs = run.with_pair(1, verdicts=(*judged.verdicts, bytes_)).judgement.pairs
    (figure, *_) = claim_figures(outcomes(run.manifest.claims, pairs))
    assert figure is not None
    assert [panel.scale for panel in figure.panels] == ["speed", "memory"]
    speed, memory = figure.draw().axes
    assert speed.get_xlim()[0] > 0.4
    assert memory.get_xlim()[0] < 0.02


def test_a_rival_is_drawn_otherwise_and_said_to_be_one() -> None:
    rival = dataclasses.replace(ROW, label="other", who="rival")
    figure = ClaimFigure("It is faster", (Panel("speed", (ROW, rival), SPEED),))
    points = [line for line in figure.draw().axes[0].lines if line.get_marker() == "o"]
    assert points[0].get_markerfacecolor() != points[1].get_markerfacecolor()
    assert "other (a rival): 1.6×, smaller, published 2.00×" in figure.alternative


def test_a_mark_carries_its_value() -> None:
    svg = placed(ClaimFigure("<b>", (Panel("speed", (ROW,), SPEED),)), "claim-1").svg()
    root = ElementTree.fromstring(svg)
    marks = [e for e in root.iter() if "data-value" in e.attrib]
    assert [mark.get("data-value") for mark in marks] == ["usual: 1.6×, smaller"]


@pytest.mark.parametrize("scale", ["speed", "memory", "gain"])
def test_a_row_without_a_figure_draws_too(scale) -> None:
    bare = Row("none", "own", None, "", 2.0, None, "not measured here", "open")
    assert axes_of(Panel(scale, (bare,), SPEED if scale == "speed" else None))


def test_conditions_are_named_by_what_tells_them_apart(run: Run) -> None:
    first, *_ = outcomes(run.manifest.claims, run.judgement.pairs)
    names = [condition.label for condition in conditions(first)]
    assert len(set(names)) == len(names)
    assert all("half" in name or "to_target" in name for name in names)


@given(st.lists(st.text("ab-,/ 01", min_size=1, max_size=60), min_size=1, max_size=8, unique=True))
def test_names_that_differ_never_collide(names: list[str]) -> None:
    short = told_apart(names, 26)
    assert len(set(short)) == len(names)
    assert max(map(len, short)) <= 26


# Machado, Oliveira and Fernandes (2009): how a colour looks to those who see no green.
DEUTERANOPIA = np.array(
    [[0.367322, 0.860646, -0.227968], [0.280085, 0.672501, 0.047413], [-0.01182, 0.04294, 0.968881]]
)
TO_XYZ = np.array([[0.4124, 0.3576, 0.1805], [0.2126, 0.7152, 0.0722], [0.0193, 0.1192, 0.9505]])


def seen(colour: str, by: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return a colour in CIELAB, as somebody sees it."""
    rgb = np.array([int(colour[place : place + 2], 16) for place in (1, 3, 5)]) / 255
    linear = np.where(rgb <= 0.04045, rgb / 12.92, ((rgb + 0.055) / 1.055) ** 2.4)
    xyz = TO_XYZ @ np.clip(by @ linear, 0, 1) / np.array([0.9505, 1.0, 1.089])
    f = np.where(xyz > 0.008856, np.cbrt(xyz), 7.787 * xyz + 16 / 116)
    return np.array([116 * f[1] - 16, 500 * (f[0] - f[1]), 200 * (f[1] - f[2])])


@pytest.mark.parametrize("palette", [COLOURS, DARK], ids=["light", "dark"])
@pytest.mark.parametrize("eyes", [np.eye(3), DEUTERANOPIA], ids=["all cones", "no green"])
def test_colours_that_mean_something_are_told_apart(palette, eyes) -> None:
    names = ["method", "mark", "baseline", "other-1", "other-2", "other-3", "other-4"]
    colours = {name: seen(palette[name], eyes) for name in names}
    for a, b in itertools.combinations(names, 2):
        assert np.linalg.norm(colours[a] - colours[b]) > 20, (a, b)


def test_both_palettes_have_the_same_names() -> None:
    assert COLOURS.keys() == DARK.keys()
    assert len(set(COLOURS.values())) == len(COLOURS)


def test_a_value_of_our_own_is_said_to_be_asked_for_and_not_published():
    ours = dataclasses.replace(ROW, asked=True)
    assert "asked for 2.00×" in ClaimFigure("a claim", (Panel("memory", (ours,)),)).alternative
    assert "published 2.00×" in ClaimFigure("a claim", (Panel("memory", (ROW,)),)).alternative


def test_of_very_many_conditions_the_first_are_drawn_and_the_others_counted():
    many = [dataclasses.replace(ROW, label=f"row {n}") for n in range(MOST_ROWS + 3)]
    shown = fitting(many)
    assert len(shown) == MOST_ROWS + 1
    assert shown[-1].label == "and 3 more, in the table of verdicts"
    assert axes_of(Panel("speed", shown, SPEED))
    assert fitting(many[:MOST_ROWS]) == tuple(many[:MOST_ROWS])

"""Figures show what there is, the same bytes each time, and stand in a page without a quarrel."""

from __future__ import annotations

import dataclasses
import itertools
import math
import re
import warnings
from xml.etree import ElementTree

import matplotlib
import pytest

from harness.report.content import Content
from harness.report.figures.axes import _round_ticks
from harness.report.figures.figure import Figure
from harness.report.figures.forest import Row, SpeedUps, speed_ups
from harness.report.figures.rounds import Rounds
from harness.report.figures.svg import COLOURS
from harness.report.section import Part, Placed, merge
from tests.report.composing import compose

SVG = "{http://www.w3.org/2000/svg}"


def figure(content: Content, name: str) -> Placed:
    return next(found for found in content.figures if found.name == name)


def drawn(shows: Figure) -> str:
    return Placed(shows.kind, "<t>", "c", "a & b", shows).svg()


def names(run) -> list[str]:
    return [f.name for f in compose(run.manifest, run.records, run.judgement).figures]


def test_every_figure_with_data_is_made(run) -> None:
    assert sorted(names(run)) == [
        "claim-1",
        "curves",
        "growth",
        "memory",
        "memory-ratios",
        "rounds",
        "speedups",
        "targets",
    ]


def test_a_figure_without_data_is_not_made(run) -> None:
    kept = tuple(r for r in run.records if r.measured not in ("memory", "growth", "curve"))
    assert sorted(names(dataclasses.replace(run, records=kept))) == [
        "claim-1",
        "memory-ratios",
        "rounds",
        "speedups",
        "targets",
    ]


def test_a_profile_needs_eight_workloads(run, monkeypatch) -> None:
    assert "profile" not in names(run)
    monkeypatch.setattr("harness.studies.side_by_side.profiles.FEWEST_WORKLOADS", 2)
    assert "profile" in names(run)


def test_memory_saved_has_a_figure_of_its_own(content: Content) -> None:
    speeds, savings = (figure(content, name).shows for name in ("speedups", "memory-ratios"))
    assert isinstance(speeds, SpeedUps)
    assert isinstance(savings, SpeedUps)
    assert {row.measure for row in savings.rows} == {"peak memory"}
    assert "peak memory" not in {row.measure for row in speeds.rows}


def test_a_failed_check_keeps_a_pair_out_of_the_figures(run, content: Content) -> None:
    name = run.judgement.pairs[4].pair.name
    rows = figure(content, "speedups").shows.rows  # type: ignore[union-attr]
    assert [row.ends for row in rows if row.pair == name] == [None]
    assert name not in figure(content, "rounds").alternative


def test_published_values_stand_beside_what_was_measured(content: Content) -> None:
    plot = figure(content, "speedups").shows
    assert isinstance(plot, SpeedUps)
    step = next(r for r in plot.rows if r.pair.endswith("5w1s") and r.measure == "step time")
    assert step.published == (2.0,)


def test_blocks_stand_in_the_order_of_measuring(run, content: Content) -> None:
    plot = figure(content, "rounds").shows
    assert isinstance(plot, Rounds)
    members = [block.member for block in plot.panels[1].blocks[:4]]
    assert members == ["baseline", "method", "method", "baseline"]
    assert [block.place for block in plot.panels[1].blocks] == list(range(1, 25))


def test_many_pairs_are_continued_in_further_figures(run) -> None:
    pairs = tuple(
        dataclasses.replace(
            run.judgement.pairs[1],
            pair=dataclasses.replace(run.judgement.pairs[1].pair, name=f"pair {number}"),
        )
        for number in range(40)
    )
    many = compose(run.manifest, (), run.judged(pairs=pairs).judgement)
    found = [f for f in many.figures if f.name.startswith("speedups")]
    assert [f.name for f in found] == [
        "speedups",
        "speedups-2",
        "speedups-3",
    ]
    assert found[1].title == "Speed-ups (2 of 3)"
    shown = [row.pair for f in found for row in f.shows.rows]  # type: ignore[union-attr]
    assert set(shown) == {f"pair {number}" for number in range(40)}


def test_parts_of_a_heading_stand_in_the_order_of_their_numbers() -> None:
    row = Row("pair", "step time", (1.0, 2.0, 3.0), "text")
    first, second, third = (SpeedUps((row,), floor) for floor in (0.1, 0.2, 0.3))
    sections = merge(
        [
            Part("Late", 5, (third,), text="c"),
            Part("Early", 7, (second,), text="b"),
            Part("Early", 1, (first,), (None,), "a"),
            Part("Nothing", 2, (), (None,)),
        ]
    )
    assert [(section.title, section.text) for section in sections] == [
        ("Early", "a b"),
        ("Late", "c"),
    ]
    placed = [figure for section in sections for figure in section.figures]
    assert [figure.name for figure in placed] == ["speedups", "speedups-2", "speedups-3"]
    assert [figure.shows for figure in placed] == [first, second, third]
    assert placed[2].title == "Speed-ups (3 of 3)"


def test_a_figure_is_the_same_bytes_each_time(content: Content, svgs: dict[str, str]) -> None:
    assert {f.name: f.svg() for f in content.figures} == svgs


def test_the_users_own_settings_change_nothing(content: Content, svgs: dict[str, str]) -> None:
    with matplotlib.rc_context({"font.size": 20, "svg.fonttype": "none", "axes.grid": True}):
        assert figure(content, "speedups").svg() == svgs["speedups"]
        assert matplotlib.rcParams["font.size"] == 20


def test_drawing_leaves_no_trace_in_matplotlibs_settings(content: Content) -> None:
    before = dict(matplotlib.rcParams)
    figure(content, "memory").svg()
    assert dict(matplotlib.rcParams) == before


def test_a_figure_carries_its_words(content: Content, svgs: dict[str, str]) -> None:
    for found in content.figures:
        root = ElementTree.fromstring(svgs[found.name])
        assert root.get("role") == "img"
        assert root.findtext(f"{SVG}title") == found.title
        assert root.findtext(f"{SVG}desc") == found.alternative
        labels = (root.get("aria-labelledby") or "").split()
        ids = {element.get("id") for element in root.iter()}
        assert set(labels) <= ids


def test_figures_need_no_fonts_no_network_and_tell_no_time(svgs: dict[str, str]) -> None:
    for svg in svgs.values():
        assert "<text" not in svg
        assert "<image" not in svg
        assert "metadata" not in svg
        assert not re.search(r"\d{4}-\d\d-\d\d", svg)
        assert set(re.findall(r"https?://[^\"<\s]+", svg)) <= {
            "http://www.w3.org/2000/svg",
            "http://www.w3.org/1999/xlink",
        }


def test_identifiers_of_two_figures_do_not_meet(svgs: dict[str, str]) -> None:
    found = [
        identifier for svg in svgs.values() for identifier in re.findall(r'\bid="([^"]+)"', svg)
    ]
    assert len(found) == len(set(found))


def test_what_is_referred_to_is_there(svgs: dict[str, str]) -> None:
    for svg in svgs.values():
        ids = set(re.findall(r'\bid="([^"]+)"', svg))
        assert set(re.findall(r'href="#([^"]+)"', svg)) <= ids
        assert set(re.findall(r"url\(#([^)]+)\)", svg)) <= ids


def test_every_colour_is_one_that_a_page_can_replace(svgs: dict[str, str]) -> None:
    used = {colour for svg in svgs.values() for colour in re.findall(r"#[0-9a-f]{6}\b", svg)}
    assert used <= set(COLOURS.values())


@pytest.mark.parametrize(
    "ends", [(1e-4, 2e-4, 5e-4), (0.999, 1.0, 1.001), (1e3, 5e4, 2e6), (2.0, 2.0, 2.0)]
)
def test_ratios_of_any_size_can_be_drawn(ends: tuple[float, float, float]) -> None:
    row = Row("pair", "step time", ends, "text", (2.0,))
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        svg = drawn(SpeedUps((row,), 0.02))
    assert ElementTree.fromstring(svg).tag == f"{SVG}svg"


def test_a_dollar_is_a_dollar_and_an_unknown_letter_is_no_warning() -> None:
    row = Row("$\\frac{1}{$ 数据 🙂", "a_b^c$", (1.0, 2.0, 3.0), "$$", ())
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        svg = drawn(SpeedUps((row,), None))
    assert ElementTree.fromstring(svg).findtext(f"{SVG}title") == "<t>"


def test_little_data_draws_too(degenerate) -> None:
    for svg in degenerate.svgs.values():
        assert ElementTree.fromstring(svg).tag == f"{SVG}svg"


@pytest.mark.parametrize("word", ["not testable here", "invalid"])
def test_nothing_published_is_drawn_where_it_could_not_be_tested(run, word: str) -> None:
    verdicts = tuple(dataclasses.replace(v, word=word) for v in run.judgement.pairs[1].verdicts)
    changed = run.with_pair(1, verdicts=verdicts)
    (plot, *_) = speed_ups(changed.judgement)
    name = changed.judgement.pairs[1].pair.name
    assert {row.published for row in plot.rows if row.pair == name} == {()}


def test_no_speed_up_is_drawn_where_none_was_measured_however_many_pairs(run, monkeypatch) -> None:
    monkeypatch.setattr("harness.report.figures.forest.MOST_ROWS", 1)
    assert len(list(speed_ups(run.judgement))) > 1
    bare = tuple(dataclasses.replace(each, ratios=()) for each in run.judgement.pairs)
    assert not list(speed_ups(dataclasses.replace(run.judgement, pairs=bare)))


@pytest.mark.parametrize("low", [0.0125, 0.3, 0.9, 7.0])
@pytest.mark.parametrize("ratio", [1.5, 8.0, 12.0, 170.0, 900.0, 1e5])
def test_ticks_of_a_logarithmic_axis_stand_apart(low: float, ratio: float) -> None:
    ticks = _round_ticks(low, low * ratio)
    gaps = [math.log(b / a) / math.log(ratio) for a, b in itertools.pairwise(ticks)]
    assert len(ticks) >= 2
    assert min(gaps) > 0.07

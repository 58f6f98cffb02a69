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

from harness.report.axes import _round_ticks
from harness.report.captions import Figure
from harness.report.content import Content, compose
from harness.report.figures import draw
from harness.report.plots import (
    ForestPlot,
    ForestRow,
    GrowthLine,
    GrowthPlot,
    MemoryPlot,
    RoundPlot,
)
from harness.report.series import forest_plots
from harness.report.svg import COLOURS

SVG = "{http://www.w3.org/2000/svg}"


def figure(content: Content, name: str) -> Figure:
    return next(found for found in content.figures if found.name == name)


def names(run) -> list[str]:
    return [f.name for f in compose(run.manifest, run.records, run.judgement).figures]


def test_every_figure_with_data_is_made(run) -> None:
    assert sorted(names(run)) == [
        "curves",
        "growth",
        "memory",
        "profile",
        "rounds",
        "speedups",
        "targets",
    ]


def test_a_figure_without_data_is_not_made(run) -> None:
    kept = tuple(r for r in run.records if r.measured not in ("memory", "growth", "curve"))
    assert sorted(names(dataclasses.replace(run, records=kept))) == [
        "profile",
        "rounds",
        "speedups",
        "targets",
    ]


def test_a_profile_needs_more_than_one_workload(run) -> None:
    pairs = run.judgement.pairs
    assert "profile" not in names(run.judged(pairs=(pairs[0], pairs[1])))


def test_a_failed_check_keeps_a_pair_out_of_the_figures(run, content: Content) -> None:
    name = run.judgement.pairs[4].pair.name
    rows = figure(content, "speedups").plot.rows  # type: ignore[union-attr]
    assert [row.ends for row in rows if row.pair == name] == [None]
    assert name not in figure(content, "rounds").alternative


def test_published_values_stand_beside_what_was_measured(content: Content) -> None:
    plot = figure(content, "speedups").plot
    assert isinstance(plot, ForestPlot)
    step = next(r for r in plot.rows if r.pair.endswith("5w1s") and r.measure == "step time")
    assert step.published == (2.0,)


def test_blocks_stand_in_the_order_of_measuring(run, content: Content) -> None:
    plot = figure(content, "rounds").plot
    assert isinstance(plot, RoundPlot)
    members = [block.member for block in plot.panels[1].blocks[:4]]
    assert members == ["baseline", "method", "method", "baseline"]
    assert [block.place for block in plot.panels[1].blocks] == list(range(1, 25))


def test_bytes_at_the_start_and_above_it_are_told_apart(content: Content) -> None:
    plot = figure(content, "memory").plot
    assert isinstance(plot, MemoryPlot)
    assert (plot.rows[0].live, plot.rows[0].above) == (9_800_000, 31_400_000)


def test_each_learner_on_a_workload_is_one_line_of_growth(content: Content) -> None:
    """Though learn2learn was looked at in two pairs; and a failed check keeps a pair out."""
    plot = figure(content, "growth").plot
    assert isinstance(plot, GrowthPlot)
    assert [(line.learner, line.steps, line.peaks) for line in plot.lines] == [
        ("batched_maml", (1, 2, 4, 8), (100_000_000, 150_000_000, 250_000_000, 450_000_000)),
        ("learn2learn_maml", (1, 2, 4, 8), (6_000_000, 8_000_000, 12_000_000, 20_000_000)),
    ]
    assert [line.slope for line in plot.lines] == [50_000_000, 2_000_000]


def test_growth_that_differs_between_pairs_is_not_hidden(run) -> None:
    other = f"{run.judgement.pairs[1].pair.name}/growth/baseline/seed0/round0"
    records = tuple(
        dataclasses.replace(r, growth_bytes=(1, 2, 3, 4)) if r.block == other else r
        for r in run.records
    )
    plot = figure(compose(run.manifest, records, run.judgement), "growth").plot
    assert isinstance(plot, GrowthPlot)
    assert [line.learner for line in plot.lines].count("learn2learn_maml") == 2


def test_growth_on_other_workloads_is_another_figure(run) -> None:
    other = dataclasses.replace(run.judgement.pairs[0].pair, settings={"ways": 20})
    found = names(run.with_pair(0, pair=other))
    assert [name for name in found if name.startswith("growth")] == ["growth", "growth-2"]


@pytest.mark.parametrize("steps", [(3,), (1, 2), tuple(range(1, 40)), (1, 1000, 10**6)])
def test_growth_over_any_steps_can_be_drawn(steps: tuple[int, ...]) -> None:
    lines = tuple(GrowthLine(name, steps, steps) for name in "abcdefghi")
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        drawn = draw(Figure("growth", "t", "c", "a", GrowthPlot("w", lines)))
    assert ElementTree.fromstring(drawn).tag == f"{SVG}svg"


def test_a_single_number_of_steps_has_no_slope() -> None:
    assert GrowthLine("a", (3,), (5,)).slope is None


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
        "speedups-4",
    ]
    assert found[1].title == "Speed-ups (2 of 4)"
    shown = [row.pair for f in found for row in f.plot.rows]  # type: ignore[union-attr]
    assert set(shown) == {f"pair {number}" for number in range(40)}


def test_a_figure_is_the_same_bytes_each_time(content: Content, svgs: dict[str, str]) -> None:
    assert {f.name: draw(f) for f in content.figures} == svgs


def test_the_users_own_settings_change_nothing(content: Content, svgs: dict[str, str]) -> None:
    with matplotlib.rc_context({"font.size": 20, "svg.fonttype": "none", "axes.grid": True}):
        assert draw(figure(content, "speedups")) == svgs["speedups"]
        assert matplotlib.rcParams["font.size"] == 20


def test_drawing_leaves_no_trace_in_matplotlibs_settings(content: Content) -> None:
    before = dict(matplotlib.rcParams)
    draw(figure(content, "memory"))
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
    row = ForestRow("pair", "step time", ends, "text", (2.0,))
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        drawn = draw(Figure("speedups", "t", "c", "a", ForestPlot((row,), 0.02)))
    assert ElementTree.fromstring(drawn).tag == f"{SVG}svg"


def test_a_dollar_is_a_dollar_and_an_unknown_letter_is_no_warning() -> None:
    row = ForestRow("$\\frac{1}{$ 数据 🙂", "a_b^c$", (1.0, 2.0, 3.0), "$$", ())
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        drawn = draw(Figure("speedups", "<t>", "c", "a & b", ForestPlot((row,), None)))
    assert ElementTree.fromstring(drawn).findtext(f"{SVG}title") == "<t>"


def test_little_data_draws_too(degenerate) -> None:
    for svg in degenerate.svgs.values():
        assert ElementTree.fromstring(svg).tag == f"{SVG}svg"


@pytest.mark.parametrize("word", ["not testable here", "invalid"])
def test_nothing_published_is_drawn_where_it_could_not_be_tested(run, word: str) -> None:
    verdicts = tuple(dataclasses.replace(v, word=word) for v in run.judgement.pairs[1].verdicts)
    changed = run.with_pair(1, verdicts=verdicts)
    (plot, *_) = forest_plots(changed.judgement)
    name = changed.judgement.pairs[1].pair.name
    assert {row.published for row in plot.rows if row.pair == name} == {()}


def test_no_speed_up_is_drawn_where_none_was_measured_however_many_pairs(run, monkeypatch) -> None:
    monkeypatch.setattr("harness.report.series.MOST_FOREST_ROWS", 1)
    assert len(list(forest_plots(run.judgement))) > 1
    bare = tuple(dataclasses.replace(each, ratios=()) for each in run.judgement.pairs)
    assert not list(forest_plots(dataclasses.replace(run.judgement, pairs=bare)))


@pytest.mark.parametrize("low", [0.0125, 0.3, 0.9, 7.0])
@pytest.mark.parametrize("ratio", [1.5, 8.0, 12.0, 170.0, 900.0, 1e5])
def test_ticks_of_a_logarithmic_axis_stand_apart(low: float, ratio: float) -> None:
    ticks = _round_ticks(low, low * ratio)
    gaps = [math.log(b / a) / math.log(ratio) for a, b in itertools.pairwise(ticks)]
    assert len(ticks) >= 2
    assert min(gaps) > 0.07

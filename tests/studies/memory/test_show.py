"""Memory is drawn as it was counted: at a step's start, by inner steps and by the model's size."""

from __future__ import annotations

import dataclasses
import warnings
from xml.etree import ElementTree

import pytest

from harness.declare.protocol import Protocol
from harness.declare.suite import Suite
from harness.report.content import Content
from harness.report.section import Placed
from harness.studies.memory.figure import MemoryGrowth, MemorySizes, PeakMemory
from harness.studies.memory.judge import Growth, GrowthLine
from tests.records.made import altered, make_manifest
from tests.report.composing import compose
from tests.report.example import Run, example_run
from tests.studies.side_by_side.test_show import CONTROL, PEAKS, judged, records_of

SVG = "{http://www.w3.org/2000/svg}"


@pytest.fixture(scope="module")
def run() -> Run:
    return example_run()


@pytest.fixture(scope="module")
def content(run: Run) -> Content:
    return compose(run.manifest, run.records, run.judgement)


def figure(content: Content, name: str) -> Placed:
    return next(found for found in content.figures if found.name == name)


def test_bytes_at_the_start_and_above_it_are_told_apart(content: Content) -> None:
    plot = figure(content, "memory").shows
    assert isinstance(plot, PeakMemory)
    assert (plot.rows[0].live, plot.rows[0].above) == (9_800_000, 31_400_000)


def test_each_learner_on_a_workload_is_one_line_of_growth(content: Content) -> None:
    """Though learn2learn was looked at in two pairs; and a failed check keeps a pair out."""
    plot = figure(content, "growth").shows
    assert isinstance(plot, MemoryGrowth)
    assert [(line.learner, line.steps, line.peaks) for line in plot.found.lines] == [
        ("batched_maml", (1, 2, 4, 8), (100_000_000, 150_000_000, 250_000_000, 450_000_000)),
        ("learn2learn_maml", (1, 2, 4, 8), (6_000_000, 8_000_000, 12_000_000, 20_000_000)),
    ]
    assert [line.slope for line in plot.found.lines] == [50_000_000, 2_000_000]


def test_growth_that_differs_between_pairs_is_not_hidden(run: Run) -> None:
    other = run.judgement.pairs[1].pair.name, "baseline"
    records = tuple(
        altered(r, peak_bytes=1 + r.point["inner_steps"])
        if (r.pair, r.member) == other and r.point
        else r
        for r in run.records
    )
    plot = figure(compose(run.manifest, records, run.judgement), "growth").shows
    assert isinstance(plot, MemoryGrowth)
    assert [line.learner for line in plot.found.lines].count("learn2learn_maml") == 2


def test_growth_on_other_workloads_is_another_figure(run: Run) -> None:
    other = dataclasses.replace(run.judgement.pairs[0].pair, settings={"ways": 20})
    run = run.with_pair(0, pair=other)
    found = [f.name for f in compose(run.manifest, run.records, run.judgement).figures]
    assert [name for name in found if name.startswith("growth")] == ["growth", "growth-2"]


@pytest.mark.parametrize("steps", [(3,), (1, 2), tuple(range(1, 40)), (1, 1000, 10**6)])
def test_growth_over_any_steps_can_be_drawn(steps: tuple[int, ...]) -> None:
    lines = tuple(GrowthLine(name, steps, steps) for name in "abcdefghi")
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        svg = Placed("growth", "t", "c", "a", MemoryGrowth(Growth("w", lines))).svg()
    assert ElementTree.fromstring(svg).tag == f"{SVG}svg"


def test_a_single_number_of_steps_has_no_slope() -> None:
    assert GrowthLine("a", (3,), (5,)).slope is None


def test_memory_is_drawn_against_the_model_where_one_setting_changes_its_size() -> None:
    pairs = tuple(
        dataclasses.replace(CONTROL, name=size, settings={"size": size, "depth": 2})
        for size in ("small", "large")
    )
    records = []
    for pair, factor in zip(pairs, (1, 3), strict=True):
        peaks = {name: factor * peak for name, peak in PEAKS.items()}
        records += [
            dataclasses.replace(r, parameters=factor * 1000) for r in records_of(pair, peaks)
        ]
    judgement = judged(pairs, records)
    suite = Suite("toys", "Made up", pairs, Protocol(seeds=2), verdicts=False)
    manifest = make_manifest(suite=suite, claims=(), plan=tuple(r.block for r in records))
    (figure,) = (f for f in compose(manifest, records, judgement).figures if f.name == "sizes")
    assert isinstance(figure.shows, MemorySizes)
    found = figure.shows.found
    assert (found.workload, found.setting) == ("toys (depth=2)", "size")
    assert [(line.learner, line.parameters, line.peaks) for line in found.lines] == [
        ("clean", (1000, 3000), (20, 60)),
        ("plain", (1000, 3000), (10, 30)),
    ]
    assert "20 B at 1000 parameters, 60 B at 3000" in figure.alternative.replace("\u00a0", " ")
    assert "<svg" in figure.svg()

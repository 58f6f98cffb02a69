"""Test quality along a sweep: a table of all points, and a figure where a number was swept."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, ClassVar

from matplotlib.figure import Figure as Canvas
from matplotlib.ticker import MaxNLocator

from harness.declare.pair import MEMBERS, Pair, with_settings
from harness.declare.point import words_of
from harness.judge.judgement import Judgement
from harness.report.figures.axes import learner_style, learners_legend, panels
from harness.report.figures.figure import Figure, told
from harness.report.figures.svg import GRID
from harness.report.section import ACCURACY, Part
from harness.report.tables.table import Cell, Column, Group, Table, grouped_table
from harness.report.units import UNKNOWN, count, significant, with_bounds
from harness.report.words import shorten
from harness.studies.swept_quality.judge import Finding, Reached

STUDY = "swept_quality"


def said(judgement: Judgement) -> dict[str, Any]:
    """Return all that was found, for programs."""
    found = [
        {"pair": pair.name, **dataclasses.asdict(finding)} for pair, finding in _found(judgement)
    ]
    return {STUDY: found} if found else {}


def parts(judgement: Judgement) -> Iterator[Part]:
    yield Part(ACCURACY, 30, tuple(along(judgement)), (table(judgement),))


@dataclass(frozen=True)
class Line:
    """What one learner reached, by the value of the setting."""

    learner: str
    reached: tuple[tuple[float, Reached], ...]


@dataclass(frozen=True)
class QualityAlong(Figure):
    """Learners on one workload, against the setting that was swept."""

    kind: ClassVar[str] = "swept-quality"

    workload: str
    setting: str
    metric: str
    lines: tuple[Line, ...]

    @property
    def title(self) -> str:
        return f"Test quality against {self.setting}"

    @property
    def caption(self) -> str:
        return (
            f"Test {self.metric} on {self.workload}, mean over tasks and seeds; bars are 95 % "
            "intervals over seeds."
        )

    @property
    def alternative(self) -> str:
        return f"Line plot of test {self.metric} against {self.setting}. " + told(
            f"{line.learner}: {significant(line.reached[0][1].mean)} at {line.reached[0][0]:g}, "
            f"{significant(line.reached[-1][1].mean)} at {line.reached[-1][0]:g}"
            for line in self.lines
        )

    def draw(self) -> Canvas:
        canvas, (ax,) = panels(1, height=1.6, head=0.13 * len(self.lines) + 0.08)
        for number, line in enumerate(self.lines):
            xs = [x for x, _ in line.reached]
            ys = [reached.mean for _, reached in line.reached]
            arms = [_arms(reached) for _, reached in line.reached]
            ax.errorbar(
                xs,
                ys,
                yerr=[[low for low, _ in arms], [high for _, high in arms]],
                **learner_style(number),
                elinewidth=0.6,
                marker="o",
                markersize=2.6,
                label=shorten(line.learner, 52),
            )
        ax.set_xlabel(self.setting)
        ax.set_ylabel(shorten(f"test {self.metric}", 26))
        ax.yaxis.set_major_locator(MaxNLocator(5))
        ax.grid(axis="y", color=GRID, linewidth=0.4)
        learners_legend(ax)
        return canvas


def along(judgement: Judgement) -> Iterator[QualityAlong]:
    """Yield a figure for every workload on which a single number was swept.

    A learner that is in several pairs on a workload is one line.
    """
    found: dict[tuple[str, str, str], dict[str, dict[float, Reached]]] = {}
    for pair, finding in _found(judgement):
        for at in finding.points:
            if len(at.point) != 1:
                continue
            ((setting, value),) = at.point.items()
            if isinstance(value, (bool, str)):
                continue
            where = with_settings(pair.workload, pair.settings), setting, finding.metric
            for member, reached in zip(MEMBERS, (at.baseline, at.method), strict=True):
                if reached is not None:
                    learner = with_settings(pair.learner(member), pair.learner_settings(member))
                    mine = found.setdefault(where, {}).setdefault(learner, {})
                    mine.setdefault(float(value), reached)
    for where, learners in found.items():
        if any(len(values) > 1 for values in learners.values()):
            lines = (Line(name, tuple(sorted(v.items()))) for name, v in learners.items())
            yield QualityAlong(*where, tuple(lines))


def table(judgement: Judgement) -> Table | None:
    """Return what both members reach at every point, and what the method gains."""
    return grouped_table(
        STUDY,
        "Test quality along sweeps",
        "Mean over tasks and seeds at every point of a sweep, and what the method gains over the "
        "baseline, seed by seed; above 0 the method is better. The last row averages every "
        "task's quality over the points first. Brackets hold 95 % intervals over seeds, and over "
        "test tasks where all seeds share them.",
        (
            Column("At", 1.6),
            Column("Baseline", 1.2, numeric=True),
            Column("Method", 1.2, numeric=True),
            Column("Gain", 1.4, numeric=True),
        ),
        [
            Group(
                (*_rows(finding), _mean_row(finding)),
                f"{pair.name}: {_members(pair)}",
                finding.metric,
            )
            for pair, finding in _found(judgement)
        ],
    )


def _found(judgement: Judgement) -> list[tuple[Pair, Finding]]:
    return [(j.pair, j.studies[STUDY]) for j in judgement.pairs if j.studies.get(STUDY)]


def _members(pair: Pair) -> str:
    baseline, method = (
        with_settings(pair.learner(member), pair.learner_settings(member)) for member in MEMBERS
    )
    return f"{method} against {baseline}"


def _rows(finding: Finding) -> Iterator[tuple[Cell, ...]]:
    for at in finding.points:
        yield (
            Cell(words_of(at.point)),
            _reached(at.baseline),
            _reached(at.method),
            Cell(UNKNOWN if at.gain is None else with_bounds(at.gain)),
        )


def _mean_row(finding: Finding) -> tuple[Cell, ...]:
    mean = finding.mean
    seeds = count(mean.rounds, "seed") if mean.rounds else mean.reason or ""
    return (
        Cell("mean over the sweep", seeds),
        Cell(significant(mean.baseline)),
        Cell(significant(mean.method)),
        Cell(UNKNOWN if mean.interval is None else with_bounds(mean.interval)),
    )


def _reached(reached: Reached | None) -> Cell:
    if reached is None:
        return Cell(UNKNOWN)
    return Cell(significant(reached.mean))


def _arms(reached: Reached) -> tuple[float, float]:
    """Return how far the interval reaches below and above the mean."""
    ends = reached.over_seeds
    return (reached.mean - ends.low, ends.high - reached.mean) if ends is not None else (0, 0)

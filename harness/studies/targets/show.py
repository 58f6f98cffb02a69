"""How soon targets were reached: the table, and the figure over a range of targets."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, ClassVar

from matplotlib.axes import Axes
from matplotlib.figure import Figure as Canvas
from matplotlib.ticker import MaxNLocator

from harness.declare.pair import MEMBERS, Member, member_names
from harness.judge.judgement import Judgement
from harness.report.figures.axes import COLOUR, LINE, MARKER, panel_head, panels
from harness.report.figures.figure import Figure, chunks, told
from harness.report.figures.svg import GRID, MARK
from harness.report.section import ACCURACY, Part
from harness.report.tables.table import Cell, Column, Group, Table, grouped_table
from harness.report.units import UNKNOWN, quantity, scale, significant
from harness.report.words import shorten
from harness.studies.targets.judge import TargetTime


def said(judgement: Judgement) -> dict[str, Any]:
    """Return all that was found, for programs."""
    found = {
        judged.pair.name: [dataclasses.asdict(each) for each in judged.studies["targets"]]
        for judged in judgement.pairs
        if judged.studies.get("targets")
    }
    return {"targets": found} if found else {}


def parts(judgement: Judgement) -> Iterator[Part]:
    yield Part(ACCURACY, 33, tuple(target_times(judgement)), (target_table(judgement),))


@dataclass(frozen=True)
class Line:
    """One member's times against targets."""

    member: Member
    xs: tuple[float, ...]
    ys: tuple[float, ...]


@dataclass(frozen=True)
class Panel:
    pair: str
    names: tuple[str, str]
    lines: tuple[Line, ...]
    by_rule: float | None
    metric: str
    censored: frozenset[Member] = frozenset()
    """The members of which fewer than half of the seeds got to the hardest target."""


@dataclass(frozen=True)
class TargetTimes(Figure):
    kind: ClassVar[str] = "targets"

    panels: tuple[Panel, ...]

    @property
    def title(self) -> str:
        return "Time to a range of targets"

    @property
    def caption(self) -> str:
        return (
            "Median seconds to the first sustained crossing, over a range of targets; the "
            "dotted line is the target set by rule. A line ends in a bar where fewer than half of "
            "the seeds got to the next target. Seconds are derived: steps of the learning curve "
            "times the median time of a step."
        )

    @property
    def alternative(self) -> str:
        return "Line plot of seconds against target. " + told(
            f"{panel.pair}: {panel.names[line.member == 'method']} takes "
            f"{quantity(line.ys[0], 's')} to {significant(line.xs[0])} and "
            f"{quantity(line.ys[-1], 's')} to {significant(line.xs[-1])}"
            for panel in self.panels
            for line in panel.lines
        )

    def draw(self) -> Canvas:
        canvas, axes = panels(len(self.panels))
        for ax, panel in zip(axes, self.panels, strict=True):
            _draw(ax, panel)
        return canvas


def target_times(judgement: Judgement) -> Iterator[TargetTimes]:
    """Yield seconds to target against the target, where a range of targets was reached."""
    found = []
    for judged in judgement.pairs:
        times: tuple[TargetTime, ...] = judged.studies.get("targets", ())
        if any(time.inherited for time in times):
            continue  # the same steps on both sides: the ratio of step times says it all
        reached = {
            "baseline": [(t.target, t.baseline_seconds) for t in times],
            "method": [(t.target, t.method_seconds) for t in times],
        }
        lines = tuple(
            line for member in MEMBERS if len((line := _line(member, reached[member])).xs) > 1
        )
        if lines:
            metric = judged.quality.metric if judged.quality else "quality"
            names, rule = member_names(judged.pair), judged.target
            late = frozenset(m for m in MEMBERS if any(y is None for _, y in reached[m]))
            found.append(Panel(judged.pair.name, names, lines, rule, metric, late))
    yield from map(TargetTimes, chunks(found))


def target_table(judgement: Judgement) -> Table | None:
    """Return steps and seconds to each target."""
    return grouped_table(
        "targets",
        "Time to target",
        "Steps and seconds until a target is first reached and held, as medians over seeds. The "
        "target by rule is the median of the baseline's best validation results; the others lie "
        "around it. A dash: fewer than half of the seeds reached it. Seconds are derived, and so "
        "stand after ≈: steps times the median time of a step.",
        (
            Column("Target", 1.2),
            Column("Baseline", 1.5, numeric=True),
            Column("Method", 1.5, numeric=True),
        ),
        [
            Group(
                tuple(_target_row(target) for target in judged.studies["targets"]),
                judged.pair.name,
            )
            for judged in judgement.pairs
            if judged.studies.get("targets")
        ],
    )


def _line(member: Member, points: list[tuple[float, float | None]]) -> Line:
    known = sorted((x, y) for x, y in points if y is not None)
    return Line(member, tuple(x for x, _ in known), tuple(y for _, y in known))


def _draw(ax: Axes, panel: Panel) -> None:
    factor, unit = scale(max(y for line in panel.lines for y in line.ys), "s")
    for line in panel.lines:
        ax.plot(
            line.xs,
            [y / factor for y in line.ys],
            color=COLOUR[line.member],
            linestyle=LINE[line.member],
            marker=MARKER[line.member],
            markersize=2.8,
            markeredgewidth=0,
        )
        if line.member in panel.censored:
            end = line.xs[-1], line.ys[-1] / factor
            ax.plot(*end, marker="|", markersize=8, color=COLOUR[line.member])
    if panel.by_rule is not None:
        ax.axvline(panel.by_rule, color=MARK, linewidth=0.7, linestyle=(0, (1, 1.5)))
    members = {line.member for line in panel.lines}
    panel_head(ax, panel.pair, panel.names, members, markers=True)
    ax.set_ylim(bottom=0)
    ax.set_ylabel(f"time to target ({unit})")
    ax.yaxis.set_major_locator(MaxNLocator(4))
    ax.xaxis.set_major_locator(MaxNLocator(6))
    ax.grid(axis="y", color=GRID, linewidth=0.4)
    ax.set_xlabel(f"target ({shorten(panel.metric, 30)})")


def _target_row(target: TargetTime) -> tuple[Cell, ...]:
    def reach(
        steps: float | None, seconds: float | None, reached: str, inherited: bool = False
    ) -> Cell:
        told = "steps inherited" if inherited else f"{reached} seeds"
        if steps is None and seconds is None:
            return Cell(UNKNOWN, told, derived=inherited)
        price = "" if seconds is None else f" ≈ {quantity(seconds, 's')}"
        return Cell(f"{quantity(steps, 'steps')}{price}", told, derived=inherited)

    return (
        Cell(significant(target.target), "by rule" if target.by_rule else ""),
        reach(target.baseline_steps, target.baseline_seconds, target.baseline_reached),
        reach(target.method_steps, target.method_seconds, target.method_reached, target.inherited),
    )

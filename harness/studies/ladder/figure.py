"""The figures of a ladder: its waterfall, speed-ups along a setting, and along the run length."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

from matplotlib.axes import Axes
from matplotlib.figure import Figure as Canvas

from harness.declare.point import words_of
from harness.judge.statistics import Interval
from harness.report.figures.axes import (
    learner_style,
    learners_legend,
    list_axes,
    log_axis,
    panels,
    write,
)
from harness.report.figures.figure import Figure, chunks, told
from harness.report.figures.svg import BASELINE_LIGHT, GRID, METHOD, MUTED, PAPER
from harness.report.units import ratio, ratio_interval
from harness.report.words import shorten
from harness.studies.ladder.costs import Length
from harness.studies.ladder.judge import Along, Ladder, Line, Step, Waterfall

BAR = 0.5
DASHED: dict[str, Any] = {"linestyle": (0, (3, 1.6)), "linewidth": 1.0}


@dataclass(frozen=True)
class Rungs(Figure):
    """A waterfall: from the baseline's 1 down to the product, one factor a rung."""

    kind: ClassVar[str] = "waterfall"

    workload: str
    found: Waterfall

    @property
    def title(self) -> str:
        return "What each rung gives"

    @property
    def caption(self) -> str:
        at = f" at {words_of(self.found.point)}" if self.found.point else ""
        return (
            f"Speed-up over the baseline on {shorten(self.workload, 80)}{at}, on a logarithmic "
            "axis. A bar reaches from the speed-up of the previous rungs to that with this rung, "
            "and the line across its end is the interval; the number is the factor that the rung "
            "adds. An open point is the rung alone. A rung without a bar was not measured on top "
            "of those before."
        )

    @property
    def alternative(self) -> str:
        return "Waterfall of speed-ups. " + told(map(_step_words, self.found.steps))

    def draw(self) -> Canvas:
        steps = self.found.steps
        canvas, ax, places = list_axes([(shorten(s.rung, 30), "") for s in steps], right=0.68)
        ax.axvline(1, color=MUTED, linewidth=0.6, zorder=1)
        values, before = [1.0], 1.0
        for step, y in zip(steps, places, strict=True):
            if step.so_far is not None:
                after = step.so_far.estimate
                ends = (step.so_far.low, step.so_far.high)
                colour = METHOD if after >= before else BASELINE_LIGHT
                ax.barh(y, after - before, BAR, left=before, color=colour, alpha=0.55, linewidth=0)
                ax.plot(ends, [y, y], color=METHOD, linewidth=1.1, zorder=3)
                ax.plot([after] * 2, [y, y + 1], color=MUTED, linewidth=0.5, zorder=2)
                values += [after, *ends]
                before = after
            if step.alone is not None:
                low, middle, high = step.alone.low, step.alone.estimate, step.alone.high
                ax.plot([low, high], [y, y], color=METHOD, linewidth=0.7, zorder=3)
                ax.plot(middle, y, "o", color=METHOD, markerfacecolor=PAPER, zorder=4)
                values += [low, middle, high]
            write(ax, 0.99, y, ratio_interval(step.gives), right=True)
        log_axis(ax, "x", values, pad=1.12)
        ax.set_xlabel("speed-up so far (log scale)")
        return canvas


@dataclass(frozen=True)
class AlongSettings(Figure):
    """Speed-ups against the values of settings, one panel a setting."""

    kind: ClassVar[str] = "along"

    found: tuple[Along, ...]

    @property
    def title(self) -> str:
        return "Speed-ups along settings"

    @property
    def caption(self) -> str:
        return (
            "Speed-up of rungs over the baseline as one setting of the workload changes and all "
            "others stay, with 95 % intervals; both axes are logarithmic. Dashed: the rung with "
            "those before it."
        )

    @property
    def alternative(self) -> str:
        return "Plots of speed-ups. " + told(
            f"{line_words(line.rung, line.added)}, {along.setting}: "
            + ", ".join(f"{ratio(r.speedup.estimate)} at {r.value:g}" for r in line.readings)
            for along in self.found
            for line in along.lines
        )

    def draw(self) -> Canvas:
        most = max(len(along.lines) for along in self.found)
        canvas, axes = panels(len(self.found), height=1.3, head=0.13 * most + 0.2)
        for ax, along in zip(axes, self.found, strict=True):
            _lines(ax, along.lines)
            ax.set_xlabel(f"{along.setting} (log scale)")
        if len(axes) == 1 or _same_lines(self.found):
            learners_legend(axes[0])
        else:
            for ax in axes:
                ax.legend(loc="best", fontsize=5.5)
        return canvas


@dataclass(frozen=True)
class OverLengths(Figure):
    """The derived speed-up of whole runs against their length."""

    kind: ClassVar[str] = "run-lengths"

    workload: str
    lines: tuple[tuple[str, tuple[Length, ...]], ...]

    @property
    def title(self) -> str:
        return "Speed-up against run length"

    @property
    def caption(self) -> str:
        return (
            "Derived, not measured: the speed-up of a run against its number of meta-updates, "
            "one-off costs such as compilation included, computed from the time of a meta-update "
            f"and these costs, on {shorten(self.workload, 80)}. Below 1 the run ends before they "
            "are earned back."
        )

    @property
    def alternative(self) -> str:
        return "Dashed lines, derived. " + told(
            f"{name}: {', '.join(f'{ratio(o.speedup)} after {o.updates}' for o in line)}"
            for name, line in self.lines
        )

    def draw(self) -> Canvas:
        canvas, (ax,) = panels(1, height=1.4, head=0.13 * len(self.lines) + 0.08)
        for number, (name, line) in enumerate(self.lines):
            look = {**learner_style(number), **DASHED}
            xs, ys = [o.updates for o in line], [o.speedup for o in line]
            ax.plot(xs, ys, **look, marker="o", markersize=2.4, label=shorten(name, 48))
        ax.axhline(1, color=MUTED, linewidth=0.6)
        every = [each for _, line in self.lines for each in line]
        log_axis(ax, "x", [float(each.updates) for each in every], pad=1.15)
        log_axis(ax, "y", [1.0, *(each.speedup for each in every)], pad=1.15)
        ax.grid(axis="y", color=GRID, linewidth=0.4)
        ax.set_xlabel("meta-updates of a run (log scale)")
        ax.set_ylabel("speed-up, derived (log)")
        learners_legend(ax)
        return canvas


def figures(found: Ladder) -> Iterator[Figure]:
    yield from (Rungs(found.workload, each) for each in found.waterfalls)
    yield from map(AlongSettings, chunks(found.along))
    lines: dict[str, list[Length]] = {}
    for each in found.lengths:
        lines.setdefault(line_words(each.rung, each.added), []).append(each)
    if any(len(line) > 1 for line in lines.values()):
        yield OverLengths(
            found.workload,
            tuple(
                (name, tuple(sorted(line, key=lambda each: each.updates)))
                for name, line in lines.items()
            ),
        )


def line_words(rung: str, added: bool) -> str:
    return f"{rung}, with those before" if added else rung


def _step_words(step: Step) -> str:
    parts = []
    if step.alone is not None:
        parts.append(f"{ratio_interval(step.alone)} alone")
    if step.gives is not None:
        parts.append(f"adds {ratio_interval(step.gives)}")
    if step.so_far is not None:
        parts.append(f"{ratio_interval(step.so_far)} so far")
    return f"{step.rung}: {', '.join(parts) or step.reason}"


def _lines(ax: Axes, lines: Sequence[Line]) -> None:
    values = [1.0]
    for number, line in enumerate(lines):
        look = learner_style(number) | (DASHED if line.added else {"linestyle": "solid"})
        xs = [reading.value for reading in line.readings]
        ys = [reading.speedup.estimate for reading in line.readings]
        ax.plot(xs, ys, **look, marker="o", markersize=2.6, label=line_words(line.rung, line.added))
        for reading in line.readings:
            ends = _ends(reading.speedup)
            ax.plot([reading.value] * 2, ends, color=look["color"], linewidth=0.9)
            values += ends
    every = sorted({reading.value for line in lines for reading in line.readings})
    log_axis(ax, "x", every, pad=1.15, ticks=every if len(every) < 8 else None)
    log_axis(ax, "y", values, pad=1.1)
    ax.axhline(1, color=MUTED, linewidth=0.6)
    ax.grid(axis="y", color=GRID, linewidth=0.4)
    ax.set_ylabel("speed-up (log)")


def _ends(interval: Interval) -> list[float]:
    return [interval.low, interval.high]


def _same_lines(found: Sequence[Along]) -> bool:
    return len({tuple((line.rung, line.added) for line in along.lines) for along in found}) == 1

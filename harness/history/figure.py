"""The figure of a history: one measure a panel, commit by commit, with the changes marked."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import ClassVar, TypeVar

from matplotlib.axes import Axes
from matplotlib.figure import Figure as Canvas
from matplotlib.ticker import MaxNLocator, NullLocator

from harness.history.chains import Chain, Series
from harness.history.tables import class_words, is_drawn, short
from harness.report.figures.axes import headline, log_axis, panels
from harness.report.figures.figure import Figure, chunks, told
from harness.report.figures.svg import BAND, GRID, INK, MARK, METHOD, METHOD_LIGHT, OTHERS, PAPER
from harness.report.units import count, quantity, ratio, scale
from harness.report.words import capital, measure_name

Item = TypeVar("Item")

# Between two lines, in commits.
BREAK = 1.0

# The share of a panel's width that a commit's hash takes, and that a ratio takes.
LABEL, RATIO = 0.17, 0.1

MORE, LESS = MARK, OTHERS[0]


@dataclass(frozen=True)
class Mark:
    """A change, between the commits at these places of its line."""

    before: int
    last: int
    ratio: float


@dataclass(frozen=True)
class Line:
    """A chain of commits, its first base at the head: values, bounds, and what is established."""

    commits: tuple[str, ...]
    values: tuple[float, ...]
    lows: tuple[float, ...]
    highs: tuple[float, ...]
    established: tuple[float, ...]  # the first value, times the changes up to here
    marks: tuple[Mark, ...]


@dataclass(frozen=True)
class Panel:
    """One measure over commits; its lines are apart, for what lies between was not measured."""

    measure: str
    unit: str | None  # None: multiples of a line's first value
    lines: tuple[Line, ...]


@dataclass(frozen=True)
class History(Figure):
    kind: ClassVar[str] = "history"

    subject: str
    machine: str
    panels: tuple[Panel, ...]

    @property
    def title(self) -> str:
        return f"Over commits: {self.subject}"

    @property
    def caption(self) -> str:
        text = f"On {self.machine}, commit by commit from left to right."
        if any(panel.unit is None for panel in self.panels):
            text += (
                " Times are multiples of a line's first commit (open point), as products of ratios "
                "of head over base, each measured in one job. Bands and the intervals of the "
                "changes hold together, so a line whose band leaves 1 has changed. The dashed line "
                "follows the changes only."
            )
        if any(line.marks for panel in self.panels for line in panel.lines):
            text += " Triangles mark changes: up for more, down for less."
        if any(len(panel.lines) > 1 for panel in self.panels):
            text += (
                " Grey gaps were not measured: no line and no change crosses them, and times start "
                "again at 1."
            )
        return text

    @property
    def alternative(self) -> str:
        return "Line plot over commits. " + told(
            f"{panel.measure} from {line.commits[0]} to {line.commits[-1]}: "
            f"{_ends(panel, line)}, with {count(len(line.marks), 'change')}"
            for panel in self.panels
            for line in panel.lines
        )

    def draw(self) -> Canvas:
        canvas, axes = panels(len(self.panels), head=0.3)
        for ax, panel in zip(axes, self.panels, strict=True):
            starts = list(_starts(panel.lines))
            end = starts[-1] + len(panel.lines[-1].commits) - 1
            ax.set_xlim(-0.5 - 0.02 * end, end + 0.5 + 0.02 * end)
            unit = _scale_values(ax, panel)
            for start, line in zip(starts, panel.lines, strict=True):
                _draw_line(ax, start, line, panel)
            for start in starts[1:]:
                ax.axvspan(start - BREAK - 0.5, start - 0.5, color=BAND, linewidth=0, zorder=0)
            _name_commits(ax, starts, panel.lines)
            _name_changes(ax, starts, panel.lines)
            headline(ax, f"{capital(panel.measure)} ({unit})")
            ax.grid(axis="y", color=GRID, linewidth=0.4)
        axes[-1].set_xlabel("commit")
        return canvas


def over_commits(courses: Sequence[Series]) -> Iterator[History]:
    """Yield for every subject on a class of machines what is always shown and what changed."""
    by_subject: dict[tuple[str, str], list[Panel]] = {}
    for series in courses:
        if series.chains and (is_drawn(series.measure) or series.found):
            key = series.subject, class_words(dict(series.machine))
            by_subject.setdefault(key, []).append(_panel(series))
    for (subject, machine), found in by_subject.items():
        yield from (History(subject, machine, some) for some in chunks(found))


def _panel(series: Series) -> Panel:
    lines = tuple(_line(series, chain) for chain in series.chains)
    return Panel(
        measure_name(series.measure), (series.unit or "") if series.counted else None, lines
    )


def _line(series: Series, chain: Chain) -> Line:
    commits = (short(chain.links[0].base), *(short(link.commit) for link in chain.links))
    marks = tuple(Mark(x.first, x.last + 1, x.ratio) for x in chain.changes)
    if series.counted:
        values = (chain.links[0].base_value or 0.0, *(x.head_value or 0.0 for x in chain.links))
        return Line(commits, values, values, values, values, marks)
    bounds = chain.bounds(series.commits)
    lows, highs = (tuple(ends) for ends in zip(*bounds, strict=True))
    return Line(commits, chain.levels, lows, highs, tuple(_established(chain)), marks)


def _established(chain: Chain) -> Iterator[float]:
    """Yield the level at every commit if nothing but the changes happened.

    Over a stretch the level goes evenly from its start to its end, since where it really went is
    what the stretch leaves open.
    """
    level = 1.0
    yield level
    by_place = {p: x for x in chain.changes for p in range(x.first, x.last + 1)}
    for place in range(len(chain.links)):
        if change := by_place.get(place):
            level *= change.ratio ** (1 / (change.last - change.first + 1))
        yield level


def _ends(panel: Panel, line: Line) -> str:
    ends = line.values[0], line.values[-1]
    first, last = (ratio(x) if panel.unit is None else quantity(x, panel.unit) for x in ends)
    return f"{first} to {last}"


def _starts(lines: Sequence[Line]) -> Iterator[float]:
    at = 0.0
    for line in lines:
        yield at
        at += len(line.commits) + BREAK


def _scale_values(ax: Axes, panel: Panel) -> str:
    """Set the axis of values and return what it counts in."""
    values = [value for line in panel.lines for value in (*line.values, *line.established)]
    if panel.unit is None:
        # Bands may leave the panel: over many commits they would leave no room for the lines.
        log_axis(ax, "y", [*values, 0.95, 1.05], pad=1.1)
        return "multiples of the first, log"
    factor, name = scale(max(values), panel.unit)
    low, high = min(values), max(values)
    room = 0.15 * (high - low) or 0.05 * high
    ax.set_ylim((low - room) / factor, (high + room) / factor)
    ax.yaxis.set_major_locator(MaxNLocator(4))
    ax.ticklabel_format(axis="y", useOffset=False)
    return name


def _draw_line(ax: Axes, start: float, line: Line, panel: Panel) -> None:
    factor = 1.0 if panel.unit is None else scale(_largest(panel), panel.unit)[0]
    xs = [start + place for place in range(len(line.commits))]
    values = [value / factor for value in line.values]
    if panel.unit is None:
        ax.fill_between(xs, line.lows, line.highs, color=METHOD_LIGHT, alpha=0.45, linewidth=0)
        ax.plot(xs, line.established, color=INK, linewidth=0.7, linestyle=(0, (4, 1.6)), zorder=2.5)
    few = len(xs) <= 60
    ax.plot(xs, values, color=METHOD, linewidth=1.0, marker="o" if few else None, markersize=2.2)
    ax.plot(
        xs[0],
        values[0],
        "o",
        color=METHOD,
        markersize=3.2,
        markerfacecolor=PAPER,
        markeredgewidth=0.8,
        zorder=3,
    )
    for mark in line.marks:
        ax.axvspan(
            xs[mark.before], xs[mark.last], color=_colour(mark), alpha=0.14, linewidth=0, zorder=1
        )
        ax.plot(
            xs[mark.last],
            values[mark.last],
            "^" if mark.ratio > 1 else "v",
            color=_colour(mark),
            markersize=4.6,
            markeredgewidth=0,
            zorder=4,
        )


def _largest(panel: Panel) -> float:
    return max(max(line.highs) for line in panel.lines)


def _colour(mark: Mark) -> str:
    return MORE if mark.ratio > 1 else LESS


def _name_commits(ax: Axes, starts: Sequence[float], lines: Sequence[Line]) -> None:
    """Label commits as there is room: first those of changes, then the ends, then any other."""
    wanted: list[tuple[float, str]] = []
    ends: list[tuple[float, str]] = []
    others: list[tuple[float, str]] = []
    for start, line in zip(starts, lines, strict=True):
        wanted += [(start + mark.last, line.commits[mark.last]) for mark in line.marks]
        last = len(line.commits) - 1
        ends += [(start + last, line.commits[last]), (start, line.commits[0])]
        others += [(start + place, name) for place, name in enumerate(line.commits)]
    chosen = _roomy(ax, [*wanted, *reversed(ends), *others], LABEL)
    ax.set_xticks([x for x, _ in chosen], [name for _, name in chosen])
    left, right = ax.get_xlim()
    for (x, _), label in zip(chosen, ax.get_xticklabels(), strict=True):
        if right - x < LABEL / 2 * (right - left):  # it would be cut off
            label.set_horizontalalignment("right")
    ax.xaxis.set_minor_locator(NullLocator())


def _name_changes(ax: Axes, starts: Sequence[float], lines: Sequence[Line]) -> None:
    found = [
        (start + (mark.before + mark.last) / 2, mark)
        for start, line in zip(starts, lines, strict=True)
        for mark in line.marks
    ]
    largest = sorted(found, key=lambda each: -max(each[1].ratio, 1 / each[1].ratio))
    for x, mark in _roomy(ax, largest, RATIO):
        text = ratio(mark.ratio)
        ax.annotate(
            text if text != ratio(1) else "",
            (x, 1),
            xycoords=("data", "axes fraction"),
            xytext=(0, 1.5),
            textcoords="offset points",
            ha="center",
            va="bottom",
            color=_colour(mark),
            annotation_clip=False,
        )


def _roomy(ax: Axes, items: Sequence[tuple[float, Item]], width: float) -> list[tuple[float, Item]]:
    """Return those items, the first before the last, that do not stand too close to one chosen."""
    left, right = ax.get_xlim()
    apart = width * (right - left)
    chosen: list[tuple[float, Item]] = []
    for x, item in items:
        if all(abs(x - other) >= apart for other, _ in chosen):
            chosen.append((x, item))
    return chosen

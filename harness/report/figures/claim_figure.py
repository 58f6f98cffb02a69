"""The figure beside a claim: what was measured under each condition, and what was published."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar, Literal

from matplotlib.axes import Axes
from matplotlib.figure import Figure as Canvas
from matplotlib.ticker import MaxNLocator

from harness.declare.measures import COMPARATIVES, Scale
from harness.judge.outcome import Outcome, scale_of
from harness.judge.statistics import Interval
from harness.report.conditions import Condition, conditions, told_apart
from harness.report.figures.axes import ROW, log_axis, upright, write
from harness.report.figures.figure import Figure, told
from harness.report.figures.svg import (
    BAND,
    BASELINE,
    INK,
    MARK,
    METHOD,
    MUTED,
    PAPER,
    TONES,
    value_of,
)
from harness.report.tables.table import Tone
from harness.report.units import ratio, ratio_interval, significant, with_bounds
from harness.report.words import listed

WIDTH_IN = 11.0 / 2.54
TICKS = (0.001, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1.0, 2.0, 3.0, 5.0, 10.0, 20.0, 50.0, 100.0)
SPEED = (0.5, 5.0)
"""What the axis of speeds shows at least, so that claims can be compared down the page."""

# In inches, and as shares of the width.
HEAD, FOOT = 0.17, 0.34
LEFT, RIGHT, NUMBER, WORD = 0.3, 0.575, 0.845, 0.86

MOST_ROWS = 40
"""Of a panel: more would not fit the paper's first page."""

Who = Literal["own", "rival", "beside"]


@dataclass(frozen=True)
class Row:
    """One condition; without an interval `text` says why."""

    label: str
    who: Who
    ends: tuple[float, float, float] | None  # low, estimate, high
    text: str
    published: float | None
    floor: float | None = None
    word: str = ""
    tone: Tone = ""
    asked: bool = False
    """Whether the value was not published, but is what we ask for."""


@dataclass(frozen=True)
class Panel:
    """The rows that share an axis, and the least that it shows."""

    scale: Scale
    rows: tuple[Row, ...]
    span: tuple[float, float] | None = None


@dataclass(frozen=True)
class ClaimFigure(Figure):
    kind: ClassVar[str] = "claim"

    claim: str
    panels: tuple[Panel, ...]

    @property
    def title(self) -> str:
        return self.claim

    @property
    def caption(self) -> str:
        return ""  # one legend stands below all claims

    @property
    def alternative(self) -> str:
        return "Dot plot. " + told(
            f"{row.label}{' (a rival)' * (row.who == 'rival')}: {row.text}"
            + (f", {row.word}" if row.word else "")
            + (
                f", {_said([row])} {_published(panel.scale, row.published)}"
                if row.published
                else ""
            )
            for panel in self.panels
            for row in panel.rows
        )

    def draw(self) -> Canvas:
        heights = [HEAD + len(panel.rows) * ROW + FOOT for panel in self.panels]
        canvas = Canvas(figsize=(WIDTH_IN, sum(heights)))
        top = sum(heights)
        for panel, height in zip(self.panels, heights, strict=True):
            rows = len(panel.rows) * ROW
            bottom = (top - HEAD - rows) / sum(heights)
            ax = canvas.add_axes((LEFT, bottom, RIGHT - LEFT, rows / sum(heights)))
            _draw(ax, panel)
            top -= height
        return canvas


def claim_figures(found: Sequence[Outcome]) -> Iterator[ClaimFigure | None]:
    """Yield a figure for every claim of which something was measured, on common axes of speed."""
    panels = [[*_panels(outcome)] for outcome in found]
    fast = [row.ends for each in panels for p in each if p.scale == "speed" for row in p.rows]
    values = [*SPEED, *(end for ends in fast if ends is not None for end in ends)]
    span = min(values), max(values)
    for outcome, mine in zip(found, panels, strict=True):
        shown = tuple(
            Panel(panel.scale, panel.rows, span if panel.scale == "speed" else None)
            for panel in mine
        )
        drawn = any(row.ends for panel in shown for row in panel.rows)
        yield ClaimFigure(outcome.claim.quote or outcome.claim.sentence, shown) if drawn else None


def _panels(outcome: Outcome) -> Iterator[Panel]:
    """Yield the panels of a claim: speeds, memory and gains would squash each other on one axis."""
    rows: dict[Scale, list[Row]] = {}
    for condition in conditions(outcome):
        rows.setdefault(scale_of(condition.verdict.measure), []).append(_row(condition))
    beside = [each for each in outcome.beside if each.ratio is not None and not each.held]
    names = list(dict.fromkeys(each.pair or "" for each in beside))
    labels = dict(zip(names, told_apart(names), strict=True))
    for each in beside:
        assert each.ratio is not None
        label = labels[each.pair or ""]
        row = Row(label, "beside", _ends(each.ratio), ratio_interval(each.ratio), None)
        rows.setdefault(scale_of(each.measure), []).append(row)
    for scale, found in rows.items():
        yield Panel(scale, fitting(found))


def fitting(rows: Sequence[Row]) -> tuple[Row, ...]:
    """Return the first rows, and one that says how many more the table of verdicts holds."""
    more = len(rows) - MOST_ROWS
    if more <= 0:
        return tuple(rows)
    rest = Row(f"and {more} more, in the table of verdicts", "beside", None, "", None)
    return (*rows[:MOST_ROWS], rest)


def _row(condition: Condition) -> Row:
    verdict = condition.verdict
    write_out = with_bounds if scale_of(verdict.measure) == "gain" else ratio_interval
    derived = " (derived)" if verdict.derived is not None else ""
    return Row(
        condition.label + derived,
        "rival" if condition.rival else "own",
        _ends(verdict.ratio) if verdict.ratio is not None else None,
        write_out(verdict.ratio) if verdict.ratio is not None else "",
        verdict.published,
        asked=verdict.trust == "ours",
        floor=verdict.noise_floor,
        word=verdict.word,
        tone=condition.tone,
    )


def _ends(interval: Interval) -> tuple[float, float, float]:
    return interval.low, interval.estimate, interval.high


def _said(rows: Sequence[Row]) -> str:
    """Say by what a tick stands where it does."""
    of_ours = [row.asked for row in rows if row.published is not None]
    return "asked for" if all(of_ours) else "published"


def _published(scale: Scale, value: float) -> str:
    return significant(value, 2) if scale == "gain" else ratio(value)


def _draw(ax: Axes, panel: Panel) -> None:
    gain, rows = panel.scale == "gain", panel.rows
    nothing = 0.0 if gain else 1.0
    ax.set_ylim(len(rows) - 0.5, -0.5)
    ax.set_yticks([])
    ax.spines["left"].set_visible(False)
    ax.axvline(nothing, color=MUTED, linewidth=0.6, zorder=1)
    values = [nothing, *(panel.span or ())]
    for y, row in enumerate(rows):
        values += [*(row.ends or ()), *([] if row.published is None else [row.published])]
        _draw_row(ax, y, row, gain)
    if gain:
        pad = 0.08 * (max(values) - min(values) or 1.0)
        ax.set_xlim(min(values) - pad, max(values) + pad)
        ax.xaxis.set_major_locator(MaxNLocator(4))
    else:
        few = [tick for tick in TICKS if min(values) <= tick <= max(values)]
        log_axis(ax, "x", values, pad=1.12, ticks=few if panel.scale == "speed" else None)
    times = f"times {COMPARATIVES[panel.scale]} (log scale)"
    ax.set_xlabel("quality gained" if gain else times, labelpad=1.5)
    asked = sorted({row.published for row in rows if row.published is not None})
    if asked:
        each = listed([_published(panel.scale, value) for value in asked])
        _head(ax, asked[-1], f"{_said(rows)} {each}")


def _draw_row(ax: Axes, y: int, row: Row, gain: bool) -> None:
    own = row.who == "own"
    write(ax, 0.0, y, row.label, colour=INK if own else MUTED)
    write(ax, NUMBER, y, row.text, right=True, colour=INK if own else MUTED)
    weight, colour = "bold" if own else "normal", TONES.get(row.tone, INK)
    write(ax, WORD, y, row.word.removesuffix(" here"), colour=colour, weight=weight)
    if row.floor and not gain:
        band: dict[str, Any] = {"color": BAND, "linewidth": 0, "zorder": 0}
        ax.fill_between([max(1 - row.floor, 0.01), 1 + row.floor], y - 0.5, y + 0.5, **band)
    if row.published is not None:
        upright(ax, row.published, y)
    if row.ends is None:
        return
    low, middle, high = row.ends
    colour = METHOD if own else BASELINE
    ax.plot([low, high], [y, y], color=colour, linewidth=1.2, solid_capstyle="butt", zorder=3)
    (point,) = ax.plot(
        middle,
        y,
        "o",
        color=colour,
        markersize=4.0,
        markerfacecolor=colour if own else PAPER,
        markeredgewidth=0.9,
        zorder=4,
    )
    value_of(point, f"{row.label}: {row.text}" + (f", {row.word}" if row.word else ""))


def _head(ax: Axes, at: float, text: str) -> None:
    """Name the published values above the last of their ticks, inside the figure."""
    ax.annotate(
        text,
        (at, 1.0),
        xycoords=("data", "axes fraction"),
        xytext=(0, 2.5),
        textcoords="offset points",
        ha="center",
        va="bottom",
        color=MARK,
        fontsize=6.5,
    )

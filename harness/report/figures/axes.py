"""Axes for one column of a paper: lists, panels, and scales with round numbers."""

from __future__ import annotations

import math
from collections.abc import Collection, Sequence
from itertools import pairwise
from typing import Any

from matplotlib.axes import Axes
from matplotlib.figure import Figure as Canvas
from matplotlib.lines import Line2D
from matplotlib.ticker import FixedFormatter, FixedLocator, MaxNLocator, NullLocator

from harness.declare.pair import MEMBERS, Member
from harness.report.figures.svg import (
    BASELINE,
    BASELINE_LIGHT,
    INK,
    MARK,
    METHOD,
    METHOD_LIGHT,
    OTHERS,
    WIDTH_IN,
)
from harness.report.units import significant
from harness.report.words import shorten

COLOUR = {"baseline": BASELINE, "method": METHOD}
LIGHT = {"baseline": BASELINE_LIGHT, "method": METHOD_LIGHT}
MARKER = {"baseline": "o", "method": "s"}
LINE: dict[str, Any] = {"baseline": (0, (4, 1.2)), "method": "solid"}

# Where lines belong to many learners and not to two members.
COLOURS = (METHOD, MARK, *OTHERS, BASELINE)
DASHES: tuple[Any, ...] = ("solid", (0, (4, 1.2)), (0, (1, 1)), (0, (5, 1, 1, 1)))

# In inches.
ROW = 0.15
PANEL = 0.92
GAP = 0.6
# As a share of the width: where labels end and the axes begin.
LEFT = 0.36


def list_axes(rows: Sequence[tuple[str, str]], right: float) -> tuple[Canvas, Axes, list[float]]:
    """Return axes with one line for every row and for every pair's heading, and the rows' lines.

    A row without a label of its own stands on its heading's line.
    """
    lines: list[tuple[str, bool]] = []
    places: list[float] = []
    previous = None
    for pair, label in rows:
        if pair != previous:
            lines.append((shorten(pair, 46 if label else 32), True))
            previous = pair
        if label:
            lines.append((shorten(label, 24), False))
        places.append(len(lines) - 1.0)
    below, above = 0.36, 0.04
    height = below + above + len(lines) * ROW
    canvas = Canvas(figsize=(WIDTH_IN, height))
    ax = canvas.add_axes((LEFT, below / height, right - LEFT, len(lines) * ROW / height))
    ax.set_ylim(len(lines) - 0.5, -0.5)
    ax.set_yticks([])
    ax.spines["left"].set_visible(False)
    for y, (text, heading) in enumerate(lines):
        write(ax, 0.0 if heading else 0.02, y, text, weight="bold" if heading else "normal")
    return canvas, ax, places


def upright(ax: Axes, x: float, y: float) -> None:
    """Mark a published value on its row by an upright tick."""
    ends = [y - 0.42, y + 0.42]
    ax.plot([x, x], ends, color=MARK, linewidth=1.5, solid_capstyle="butt", zorder=5)


def write(
    ax: Axes,
    x: float,
    y: float,
    text: str,
    *,
    right: bool = False,
    colour: str = INK,
    weight: str = "normal",
) -> None:
    ax.annotate(
        text,
        (x, y),
        xycoords=("figure fraction", "data"),
        va="center_baseline",
        ha="right" if right else "left",
        color=colour,
        weight=weight,
        annotation_clip=False,
    )


def panels(number: int, height: float = PANEL, head: float = 0.34) -> tuple[Canvas, list[Axes]]:
    below = 0.36
    total = head + number * height + (number - 1) * GAP + below
    canvas = Canvas(figsize=(WIDTH_IN, total))
    axes = []
    for index in range(number):
        bottom = below + (number - 1 - index) * (height + GAP)
        axes.append(canvas.add_axes((0.13, bottom / total, 0.85, height / total)))
    return canvas, axes


def panel_head(
    ax: Axes,
    pair: str,
    names: tuple[str, str],
    drawn: Collection[Member],
    *,
    markers: bool,
    heir: str | None = None,
) -> None:
    """Write the pair's name and a line that tells its members apart; an heir has no line drawn."""
    handles = [
        Line2D(
            [],
            [],
            color=COLOUR[member],
            linewidth=0 if markers else 1.3,
            linestyle=LINE[member],
            marker=MARKER[member] if markers else None,
            markersize=3.2,
            markeredgewidth=0,
            label=shorten(name, 24),
        )
        for member, name in zip(MEMBERS, names, strict=True)
        if member in drawn
    ]
    if heir is not None:
        handles.append(Line2D([], [], linewidth=0, label=f"inherited by {shorten(heir, 24)}"))
    legend_above(
        ax,
        handles=handles,
        handlelength=1.0 if markers else 2.0,
        columnspacing=0.4 if heir is not None else 1.2,
    )
    headline(ax, shorten(pair, 52))


def legend_above(ax: Axes, **settings: Any) -> None:
    """Name what is drawn in a row above the axes, two beside each other unless told otherwise."""
    row = {
        "ncols": 2,
        "borderaxespad": 0.1,
        "borderpad": 0,
        "handlelength": 2.0,
        "handletextpad": 0.4,
        "columnspacing": 1.2,
    }
    ax.legend(loc="lower left", bbox_to_anchor=(-0.02, 1.0), **(row | settings))


def headline(ax: Axes, text: str) -> None:
    """Say above the axes and their legend what they show."""
    ax.annotate(
        text,
        (0, 1),
        xycoords="axes fraction",
        xytext=(-1, 12),
        textcoords="offset points",
        weight="bold",
        va="bottom",
    )


def learners_legend(ax: Axes) -> None:
    """Name the lines above the axes, one below another."""
    ax.legend(
        loc="lower left",
        bbox_to_anchor=(0, 1.0),
        borderaxespad=0.2,
        borderpad=0,
        handlelength=2.2,
        labelspacing=0.25,
    )


def name_ends(ax: Axes, ends: Sequence[tuple[float, float]], names: Sequence[str]) -> None:
    """Write names in the right third, each tied to the end of its line, though lines may coincide.

    The axes must have their limits already.
    """
    canvas = ax.get_figure(root=True)
    assert canvas is not None
    box = ax.get_position()
    ax.set_position((box.x0, box.y0, 0.62 * box.width, box.height))
    to_axes = ax.transData + ax.transAxes.inverted()
    heights = [float(to_axes.transform(end)[1]) for end in ends]
    line = ROW / (box.height * canvas.get_figheight())
    places = _apart(heights, line)
    for number, (end, place, name) in enumerate(zip(ends, places, names, strict=True)):
        ax.annotate(
            name,
            end,
            xytext=(1.1, place),
            textcoords="axes fraction",
            va="center",
            annotation_clip=False,
            arrowprops={
                "arrowstyle": "-",
                "color": COLOURS[number % len(COLOURS)],
                "linewidth": 0.7,
                "relpos": (0.0, 0.5),
                "shrinkA": 1,
                "shrinkB": 0,
            },
        )


def learner_style(number: int) -> dict[str, Any]:
    """Return how the line of the number-th of many learners is drawn."""
    return {
        "color": COLOURS[number % len(COLOURS)],
        "linestyle": DASHES[number % len(DASHES)],
        "linewidth": 1.3,
    }


def log_axis(
    ax: Axes,
    which: str,
    values: Sequence[float],
    pad: float,
    ticks: Sequence[float] | None = None,
) -> None:
    """Set a logarithmic axis around the values, with ticks at round numbers or at those given."""
    # Over several decades a fixed margin would be too thin for a point to stand in.
    pad = max(pad, (max(values) / min(values)) ** 0.05)
    low, high = min(values) / pad, max(values) * pad
    axis = ax.xaxis if which == "x" else ax.yaxis
    (ax.set_xscale if which == "x" else ax.set_yscale)("log")
    (ax.set_xlim if which == "x" else ax.set_ylim)(low, high)
    ticks = _round_ticks(low, high) if ticks is None else ticks
    axis.set_major_locator(FixedLocator(ticks))
    axis.set_major_formatter(FixedFormatter([_tick(tick) for tick in ticks]))
    axis.set_minor_locator(NullLocator())


def _apart(heights: Sequence[float], least: float) -> list[float]:
    """Return heights in the same order, moved until they are apart: first upwards, then down."""
    order = sorted(range(len(heights)), key=heights.__getitem__)
    places = list(heights)
    for below, above in pairwise(order):
        places[above] = max(places[above], places[below] + least)
    places[order[-1]] = min(places[order[-1]], 1.0)
    for above, below in pairwise(order[::-1]):
        places[below] = min(places[below], places[above] - least)
    return places


def _round_ticks(low: float, high: float) -> list[float]:
    if high / low > 1e3:
        decades = range(math.ceil(math.log10(low)), math.floor(math.log10(high)) + 1)
        return [10.0**d for d in decades][:: max(1, len(decades) // 5)]
    steps = [m * 10.0**d for d in range(-9, 13) for m in (1, 2, 5)]
    ticks = [step for step in steps if low <= step <= high]
    if len(ticks) > 6:
        ticks = [tick for tick in ticks if f"{tick:e}"[0] == "1"]
    if len(ticks) >= 3 or high / low > 10:  # evenly spaced ticks would crowd at the far end
        return ticks
    return [float(t) for t in MaxNLocator(4).tick_values(low, high) if low <= t <= high]


def _tick(value: float) -> str:
    return f"{value:g}" if 1e-4 <= value < 1e5 else significant(value, 1)

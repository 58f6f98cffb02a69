"""The figure of speed-ups: every ratio with its interval, and what was published beside it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import ClassVar

from matplotlib.figure import Figure as Canvas

from harness.declare.measures import MEASURES, Scale
from harness.judge.judgement import Judgement, PairJudgement, Ratio
from harness.judge.ratios import clocked
from harness.judge.statistics import MIN_ROUNDS, Interval
from harness.judge.verdicts import Word
from harness.report.figures.axes import list_axes, log_axis, upright, write
from harness.report.figures.figure import Figure, told
from harness.report.figures.svg import BAND, BASELINE, INK, METHOD, MUTED, PAPER, value_of
from harness.report.tables.gradient_tables import NOTHING_TIMED, no_ratio
from harness.report.units import percent, ratio, ratio_interval
from harness.report.words import listed, measure_name, too_few

# Under these words nothing that was measured can be held against what was published.
UNTESTED = (Word.NOT_MEASURED, Word.NOT_TESTABLE, Word.INVALID)

MOST_ROWS = 16


@dataclass(frozen=True)
class Row:
    """A ratio with its interval; without one, `text` says why."""

    pair: str
    measure: str
    ends: tuple[float, float, float] | None  # low, estimate, high
    text: str
    published: tuple[float, ...] = ()
    is_aa: bool = False
    few: bool = False  # the ends are the span of too few values for an interval
    floor: float | None = None  # that the pair's own twin shows


@dataclass(frozen=True)
class SpeedUps(Figure):
    kind: ClassVar[str] = "speedups"
    scale: ClassVar[Scale] = "speed"

    rows: tuple[Row, ...]
    floor: float | None

    @property
    def title(self) -> str:
        return "Speed-ups"

    @property
    def caption(self) -> str:
        text = (
            "Baseline over method with 95 % intervals, on a logarithmic axis: right of 1 the "
            "method is better."
        )
        if any(row.few for row in self.rows):
            text += (
                f" n: fewer than {MIN_ROUNDS} values, so the bar shows their span, not an interval."
            )
        if any(row.published for row in self.rows):
            text += " Upright ticks mark published values."
        if any(row.is_aa for row in self.rows):
            text += " Open points are A/A pairs: a baseline against itself."
        if self.scale == "memory":
            return f"{text} Bytes are counted, so that no noise is allowed for."
        if any(row.floor is not None for row in self.rows):
            return f"{text} The bands around 1 are the noise floors of the pairs."
        if self.floor is None:
            return f"{text} The noise floor is unknown."
        return f"{text} The band around 1 is the noise floor of {percent(self.floor)}."

    @property
    def alternative(self) -> str:
        return "Dot plot of ratios. " + told(
            f"{row.pair}{', ' + row.measure if row.measure else ''}: {row.text}"
            + (f", published {listed([ratio(p) for p in row.published])}" if row.published else "")
            for row in self.rows
        )

    def draw(self) -> Canvas:
        canvas, ax, places = list_axes([(r.pair, r.measure) for r in self.rows], right=0.68)
        values = [1.0]
        if self.floor is not None and self.scale == "speed":
            ends = (max(1 - self.floor, 0.01), 1 + self.floor)
            ax.axvspan(*ends, color=BAND, linewidth=0, zorder=0)
            values += ends
        ax.axvline(1, color=MUTED, linewidth=0.6, zorder=1)
        for row, y in zip(self.rows, places, strict=True):
            if row.floor is not None:
                ends = (max(1 - row.floor, 0.01), 1 + row.floor)
                ax.plot(ends, [y, y], color=BAND, linewidth=7, solid_capstyle="butt", zorder=0)
                values += ends
            write(ax, 0.99, y, row.text, right=True, colour=INK if row.ends else MUTED)
            if row.ends is None:
                continue
            low, middle, high = row.ends
            values += [low, high, *row.published]
            colour = BASELINE if row.is_aa else METHOD
            ax.plot(
                [low, high], [y, y], color=colour, linewidth=1.1, solid_capstyle="butt", zorder=3
            )
            (point,) = ax.plot(
                middle,
                y,
                "o",
                color=colour,
                markerfacecolor=PAPER if row.is_aa else colour,
                markeredgewidth=0.8,
                zorder=4,
            )
            value_of(point, f"{row.pair}, {row.measure}: {row.text}")
            for published in row.published:
                upright(ax, published, y)
        log_axis(ax, "x", values, pad=1.12)
        ax.set_xlabel("baseline / method (log scale)")
        return canvas


@dataclass(frozen=True)
class MemorySavings(SpeedUps):
    """Memory stands apart: a ratio of a fiftieth would squash all times."""

    kind: ClassVar[str] = "memory-ratios"
    scale: ClassVar[Scale] = "memory"

    @property
    def title(self) -> str:
        return "Memory saved"


def speed_ups(judgement: Judgement) -> Iterator[SpeedUps]:
    """Yield the speed-ups of all pairs, if there are any; one whose check failed shows none."""
    shared = None if any(twins.own for twins in judgement.twins) else judgement.noise_floor
    for figure in (SpeedUps, MemorySavings):
        pages: list[list[Row]] = [[]]
        for judged in judgement.pairs:
            found = _rows(judgement, judged, figure.scale)
            if pages[-1] and len(pages[-1]) + len(found) > MOST_ROWS:
                pages.append([])
            pages[-1] += found
        if any(row.ends for rows in pages for row in rows):
            yield from (figure(tuple(rows), shared) for rows in pages)


def _rows(judgement: Judgement, judged: PairJudgement, scale: Scale) -> list[Row]:
    name, is_aa = judged.pair.name, judged.pair.is_aa
    instead = no_ratio(judged)
    if instead == NOTHING_TIMED:
        return []
    if instead is not None:  # said once
        return [Row(name, "", None, instead.text, (), is_aa)] if scale == "speed" else []
    return [
        _row(judged, found.measure, found.interval, _floor(judgement, judged, found.measure))
        for found in judged.ratios
        if _is_drawn(found, scale) and found.interval is not None and found.interval.low > 0
    ]


def _floor(judgement: Judgement, judged: PairJudgement, measure: str) -> float | None:
    return judgement.own_floor(judged.pair.name, measure) if clocked(measure) else None


def _row(judged: PairJudgement, measure: str, interval: Interval, floor: float | None) -> Row:
    few = too_few(measure, interval)
    return Row(
        judged.pair.name,
        measure_name(measure),
        (interval.low, interval.estimate, interval.high),
        ratio_interval(interval) + (f" (n = {interval.n})" if few else ""),
        _published(judged, measure),
        judged.pair.is_aa,
        few,
        floor,
    )


def _is_drawn(found: Ratio, scale: Scale) -> bool:
    """Counts of calls and operations would stretch the axis and blur the times."""
    row = MEASURES.of(found.measure)
    return row is not None and row.drawn and not found.point and row.scale == scale


def _published(judged: PairJudgement, measure: str) -> tuple[float, ...]:
    """Return the published values that what was measured here may be held against."""
    return tuple(
        sorted(
            {
                verdict.published
                for verdict in judged.verdicts
                if verdict.measure == measure and verdict.word not in UNTESTED
            }
        )
    )

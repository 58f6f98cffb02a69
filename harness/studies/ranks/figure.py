"""The figure of scaling: predictions are dashed and labelled, and never joined to measurements."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

from matplotlib.axes import Axes
from matplotlib.figure import Figure as Canvas

from harness.declare.pair import Member, with_settings
from harness.judge.judgement import Judgement, PairJudgement
from harness.judge.statistics import Interval
from harness.report.figures.axes import headline, legend_above, log_axis, panels
from harness.report.figures.figure import Figure, told
from harness.report.figures.svg import GRID, INK, MARK, METHOD, METHOD_LIGHT, MUTED, OTHERS, PAPER
from harness.report.units import UNKNOWN, ratio, significant
from harness.report.words import listed, shorten
from harness.studies.ranks.judge import Scaled, Scaling

STRONG = {"color": METHOD, "marker": "s"}
WEAK = {"color": OTHERS[0], "marker": "^"}
PREDICTED: dict[str, Any] = {"color": METHOD, "linestyle": (0, (3, 1.6)), "linewidth": 1.0}


@dataclass(frozen=True)
class RankPoint:
    """A value with its interval at a number of ranks."""

    ranks: int
    ends: tuple[float, float, float]  # low, estimate, high
    held_out: bool  # measured, but kept from the model to check it


@dataclass(frozen=True)
class OverRanks(Figure):
    """A pair's speed-ups and efficiencies by ranks, and what is predicted of more of them."""

    kind: ClassVar[str] = "scaling"

    pair: str
    names: tuple[str, str]
    speedups: tuple[RankPoint, ...]
    predicted: tuple[RankPoint, ...]
    strong: tuple[RankPoint, ...]
    weak: tuple[RankPoint, ...]
    published: tuple[float, ...]
    batch: int
    share: int
    cores: int | None
    threads: int | None

    @property
    def title(self) -> str:
        return "Scaling over ranks"

    @property
    def caption(self) -> str:
        baseline, method = self.names
        text = (
            f"Top: the measured speed-up of {method} over {baseline} in one process, by the "
            "number of ranks, with 95 % intervals"
        )
        text += (
            ". Dashed: what a model predicts where every rank has cores of its own, with its "
            "interval; no verdict uses a prediction. "
            if self.predicted
            else ". Nothing is predicted. "
        )
        return (
            f"{text}Bottom: efficiency, the tasks per second and rank relative to one rank. Open "
            "points were held out when the model was fitted."
        )

    @property
    def alternative(self) -> str:
        parts = [
            f"measured speed-up {_by_rank(self.speedups)}",
            f"efficiency, strong {_by_rank(self.strong)}",
            f"efficiency, weak {_by_rank(self.weak)}",
        ]
        if self.predicted:
            parts.append(f"predicted speed-up {_by_rank(self.predicted[-1:])}")
        return "Line plots against the number of ranks. " + told(parts)

    def draw(self) -> Canvas:
        """Draw speed-ups against ranks, and efficiencies below them."""
        canvas, (above, below) = panels(2, height=1.35, head=0.36)
        everything = (*self.speedups, *self.predicted, *self.strong, *self.weak)
        ranks = sorted({float(point.ranks) for point in everything})
        for ax in (above, below):
            log_axis(ax, "x", ranks, pad=1.12, ticks=_doublings(ranks))
            ax.grid(axis="y", color=GRID, linewidth=0.4)
        _speedups(above, self)
        _efficiencies(below, self)
        below.set_xlabel("ranks (log scale)")
        headline(above, shorten(self.pair, 52))
        return canvas


def over_ranks(judgement: Judgement) -> Iterator[OverRanks]:
    """Yield one figure for every pair whose scaling was looked at and may be shown."""
    for judged in judgement.pairs:
        found: Scaling | None = judged.studies.get("ranks")
        if found is None:
            continue
        prediction = found.prediction
        figure = OverRanks(
            pair=judged.pair.name,
            names=(member_words(judged, "baseline"), member_words(judged, "method")),
            speedups=_points((each, each.speedup) for each in found.strong),
            predicted=tuple(
                RankPoint(each.ranks, _ends(each.speedup), held_out=False)
                for each in (prediction.predicted if prediction else ())
            ),
            strong=_points((each, each.efficiency) for each in found.strong),
            weak=_points((each, each.efficiency) for each in found.weak),
            published=tuple(
                sorted({each.published for each in (prediction.needed if prediction else ())})
            ),
            batch=found.batch,
            share=found.share,
            cores=found.cores,
            threads=found.threads,
        )
        if figure.speedups or figure.strong or figure.weak:  # too few rounds leave nothing to draw
            yield figure


def member_words(judged: PairJudgement, member: Member) -> str:
    pair = judged.pair
    return with_settings(pair.learner(member), dict(pair.learner_settings(member)))


def _points(found: Iterable[tuple[Scaled, Interval | None]]) -> tuple[RankPoint, ...]:
    return tuple(
        RankPoint(each.point.ranks, _ends(interval), each.held_out)
        for each, interval in found
        if interval is not None
    )


def _ends(interval: Interval) -> tuple[float, float, float]:
    return interval.low, interval.estimate, interval.high


def _by_rank(points: Sequence[RankPoint]) -> str:
    return listed([f"{significant(p.ends[1])} at {p.ranks}" for p in points]) or UNKNOWN


def _speedups(ax: Axes, figure: OverRanks) -> None:
    if figure.predicted:
        xs = [point.ranks for point in figure.predicted]
        low, middle, high = zip(*(point.ends for point in figure.predicted), strict=True)
        ax.fill_between(xs, low, high, color=METHOD_LIGHT, alpha=0.45, linewidth=0)
        ax.plot(xs, middle, **PREDICTED, label="predicted, a core for each thread")
    _measured(ax, figure.speedups, STRONG, "measured here")
    ends = [end for p in (*figure.speedups, *figure.predicted) for end in p.ends]
    log_axis(ax, "y", [*ends, *figure.published], pad=1.15)
    for published in figure.published:
        ax.axhline(published, color=MARK, linewidth=0.7, linestyle=(0, (1, 1.5)))
        ax.annotate(
            f"published {ratio(published)}",
            (1, published),
            xycoords=("axes fraction", "data"),
            xytext=(-1, 1.5),
            textcoords="offset points",
            ha="right",
            va="bottom",
            color=MARK,
            fontsize=6,
        )
    _crowded(ax, figure)
    ax.set_ylabel("speed-up (log)")
    legend_above(ax)


def _efficiencies(ax: Axes, figure: OverRanks) -> None:
    ax.axhline(1, color=MUTED, linewidth=0.6)
    _measured(ax, figure.strong, STRONG, f"strong: {figure.batch} tasks per step")
    _measured(ax, figure.weak, WEAK, f"weak: {figure.share} tasks per rank")
    _crowded(ax, figure)
    ends = [point.ends[2] for point in (*figure.strong, *figure.weak)]
    ax.set_ylim(0, 1.1 * max(1.0, *ends))
    ax.set_ylabel("efficiency")
    legend_above(ax)


def _measured(ax: Axes, points: Sequence[RankPoint], look: dict[str, str], label: str) -> None:
    """Draw points with their intervals, those that the model did not see open."""
    for number, point in enumerate(points):
        low, middle, high = point.ends
        ax.plot([point.ranks] * 2, [low, high], color=look["color"], linewidth=0.9)
        ax.plot(
            point.ranks,
            middle,
            look["marker"],
            color=look["color"],
            markersize=3.6,
            markerfacecolor=PAPER if point.held_out else look["color"],
            markeredgewidth=0.8,
            zorder=4,
            label=label if number == 0 else None,
        )


def _crowded(ax: Axes, figure: OverRanks) -> None:
    """Mark where there are more ranks than this machine has cores for."""
    if figure.cores is None or figure.threads is None:
        return
    seats = figure.cores // figure.threads
    if max(point.ranks for point in figure.strong or figure.weak) > seats:
        ax.axvline(seats * 2**0.12, color=MUTED, linewidth=0.5, linestyle=(0, (2, 2)))
        ax.annotate(
            "cores shared",
            (seats * 2**0.12, 0),
            xycoords=("data", "axes fraction"),
            xytext=(2, 2),
            textcoords="offset points",
            color=INK,
            fontsize=6,
        )


def _doublings(ranks: Sequence[float]) -> list[float]:
    found = [1.0]
    while found[-1] * 2 <= max(ranks):
        found.append(found[-1] * 2)
    return found

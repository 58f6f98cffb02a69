"""From the chains of a history to the data of its figures."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from harness.history.chains import Chain, Series
from harness.history.tables import class_words, is_drawn, short
from harness.report.plots import HistoryLine, HistoryMark, HistoryPanel, HistoryPlot
from harness.report.words import measure_name

MOST_PANELS = 3


def history_plots(courses: Sequence[Series]) -> Iterator[HistoryPlot]:
    by_subject: dict[tuple[str, str], list[HistoryPanel]] = {}
    for series in courses:
        if series.chains and (is_drawn(series.measure) or series.found):
            key = series.subject, class_words(dict(series.machine))
            by_subject.setdefault(key, []).append(_panel(series))
    for (subject, machine), panels in by_subject.items():
        for start in range(0, len(panels), MOST_PANELS):
            yield HistoryPlot(subject, machine, tuple(panels[start : start + MOST_PANELS]))


def _panel(series: Series) -> HistoryPanel:
    lines = tuple(_line(series, chain) for chain in series.chains)
    return HistoryPanel(
        measure_name(series.measure), (series.unit or "") if series.counted else None, lines
    )


def _line(series: Series, chain: Chain) -> HistoryLine:
    commits = (short(chain.links[0].base), *(short(link.commit) for link in chain.links))
    marks = tuple(HistoryMark(x.first, x.last + 1, x.ratio) for x in chain.changes)
    if series.counted:
        values = (chain.links[0].base_value or 0.0, *(x.head_value or 0.0 for x in chain.links))
        return HistoryLine(commits, values, values, values, values, marks)
    bounds = chain.bounds(series.commits)
    lows, highs = (tuple(ends) for ends in zip(*bounds, strict=True))
    return HistoryLine(commits, chain.levels, lows, highs, tuple(_established(chain)), marks)


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

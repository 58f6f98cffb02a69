"""The tables of a history: its changes, its courses, and what is not known."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from datetime import datetime
from typing import Any

from harness.declare.measures import MEASURES
from harness.history.chains import SHORT, Chain, Series
from harness.history.changepoints import ALPHA, Change
from harness.history.entries import Entry
from harness.judge.statistics import Interval
from harness.report.tables.run_tables import machine_words
from harness.report.tables.table import Cell, Column, Group, Table, grouped_table, simple_table
from harness.report.units import UNKNOWN, count, percent, quantity, ratio, ratio_interval
from harness.report.words import capital, full_stop, listed, measure_name

# Gates' words that a reader must know of, whether a change was found or not.
GRAVE = ("mismatch", "regressed")


def change_table(courses: Sequence[Series]) -> Table | None:
    groups = []
    for title, mine in _by_subject(courses).items():
        rows = [
            (
                Cell(measure_name(series.measure)),
                place_cell(chain, change),
                size_cell(series, chain, change),
                direction_cell(series, change),
                Cell(listed(_words(chain, change))),
            )
            for series in mine
            for chain, change in series.found
        ]
        if rows:
            groups.append(Group(tuple(rows), title))
    return grouped_table(
        "changes",
        "Changes",
        "Head over base. All intervals of one measure hold together with "
        f"{percent(1 - ALPHA)} confidence. If no single commit shows a change, it lies somewhere "
        "among the commits named. Counts repeat exactly, so any difference is a change.",
        (
            Column("Measure", 1.0),
            Column("Commit", 1.6),
            Column("Change", 1.6, numeric=True),
            Column("Direction", 0.7),
            Column("Gates found", 0.9),
        ),
        groups,
        in_summary=True,
    )


def course_table(courses: Sequence[Series]) -> Table | None:
    groups = [
        Group(tuple(_course_row(series) for series in mine if series.chains), title)
        for title, mine in _by_subject(courses).items()
    ]
    return grouped_table(
        "courses",
        "From first to last",
        "The longest unbroken chain of commits. Times are last over first: the product of all "
        "ratios of head over base between them, each measured in one job. The interval holds "
        "together with those of the changes, and grows with every commit. Seconds of different "
        "days are not compared.",
        (
            Column("Measure", 1.2),
            Column("Commits", 1.3),
            Column("From first to last", 1.7, numeric=True),
            Column("Changes", 0.6, numeric=True),
        ),
        [group for group in groups if group.rows],
        in_summary=True,
    )


def _course_row(series: Series) -> tuple[Cell, ...]:
    chain = max(reversed(series.chains), key=lambda each: len(each.links))
    links = chain.links
    breaks = count(len(series.chains) - 1, "break") if len(series.chains) > 1 else ""
    if series.counted:
        course = _counts(links[0].base_value, links[-1].head_value, series.unit)
    else:
        course = interval(chain.levels[-1], *chain.bounds(series.commits)[-1])
    return (
        Cell(measure_name(series.measure)),
        Cell(
            f"{short(links[0].base)} to {short(links[-1].commit)}",
            ", ".join(filter(None, [count(series.commits, "measured commit"), breaks])),
        ),
        Cell(course),
        Cell(str(len(series.found))),
    )


def grave_table(entries: Sequence[Entry]) -> Table | None:
    rows = [
        (
            Cell(short(entry.commit), f"{day(entry.committed)}against {short(entry.base)}"),
            Cell(entry.subject),
            Cell(entry.word, measure_name(entry.measure), "bad"),
            Cell(full_stop(entry.reason) if entry.reason else UNKNOWN),
        )
        for entry in entries
        if entry.word in GRAVE
    ]
    return simple_table(
        "said",
        "Regressions and mismatches",
        "What gates found worse or wrong at the time, whatever the history shows since.",
        (Column("Commit", 1.1), Column("Subject", 1.2), Column("Word", 0.9), Column("Reason", 1.6)),
        rows,
    )


def machine_table(entries: Sequence[Entry]) -> Table | None:
    found: dict[str, list[Entry]] = {}
    for entry in entries:
        found.setdefault(class_words(entry.machine), []).append(entry)
    rows = [
        (
            Cell(machine),
            Cell("; ".join(dict.fromkeys(_software(entry) for entry in mine))),
            Cell(str(len({(entry.base, entry.commit) for entry in mine}))),
        )
        for machine, mine in found.items()
    ]
    return simple_table(
        "machines",
        "Machines and software",
        "Nothing is compared across classes of machine. A change of software ends a chain.",
        (Column("Machine", 1.3), Column("Software", 1.6), Column("Commits", 0.6, numeric=True)),
        rows,
    )


def unusable_table(courses: Sequence[Series]) -> Table | None:
    found = Counter(
        (series.subject, measure_name(series.measure), why)
        for series in courses
        if series.chains or is_drawn(series.measure)
        for _, why in series.unusable
    )
    rows = [
        (Cell(subject), Cell(measure), Cell(full_stop(capital(why))), Cell(str(number)))
        for (subject, measure, why), number in found.items()
    ]
    return simple_table(
        "unusable",
        "Unusable lines",
        "A chain ends at each of them.",
        (
            Column("Subject", 1.2),
            Column("Measure", 0.8),
            Column("Reason", 1.6),
            Column("Lines", 0.4, numeric=True),
        ),
        rows,
    )


def is_drawn(measure: str) -> bool:
    """Say whether a measure is always shown; others are where they changed."""
    row = MEASURES.of(measure)
    return row is not None and row.drawn


def place_cell(chain: Chain, change: Change) -> Cell:
    links = chain.links[change.first : change.last + 1]
    against = f"against {short(links[0].base)}"
    if len(links) == 1:
        return Cell(short(links[0].commit), f"{day(links[0].committed)}{against}")
    ends = f"{short(links[0].commit)} to {short(links[-1].commit)}"
    return Cell(ends, f"somewhere among {count(len(links), 'commit')}, {against}")


def size_cell(series: Series, chain: Chain, change: Change) -> Cell:
    if series.counted:
        before, after = chain.links[change.first].base_value, chain.links[change.last].head_value
        times = ratio(change.ratio)
        return Cell(_counts(before, after, series.unit), times if times != ratio(1) else "")
    return Cell(interval(change.ratio, change.low, change.high))


def direction_cell(series: Series, change: Change) -> Cell:
    if series.counted:
        return Cell("more", tone="bad") if change.ratio > 1 else Cell("less", tone="good")
    return Cell("slower", tone="bad") if change.ratio > 1 else Cell("faster", tone="good")


def _by_subject(courses: Sequence[Series]) -> dict[str, list[Series]]:
    groups: dict[str, list[Series]] = {}
    for series in courses:
        title = f"{series.subject} ({class_words(dict(series.machine))})"
        groups.setdefault(title, []).append(series)
    return groups


def _words(chain: Chain, change: Change) -> list[str]:
    links = chain.links[change.first : change.last + 1]
    return list(dict.fromkeys(word for link in links for word in link.words))


def short(commit: str) -> str:
    return commit[:SHORT]


def interval(estimate: float, low: float, high: float) -> str:
    return ratio_interval(Interval(estimate, low, high, 1, "all together"))


def _counts(before: float | None, after: float | None, unit: str | None) -> str:
    """Write two counts, so finely that two which differ are not written alike."""
    first, last = (quantity(value, unit or "") for value in (before, after))
    if before != after and first == last:
        first, last = (f"{value:.15g}" for value in (before, after))
        return f"{first} to {last} {unit or ''}".strip()
    return first if before == after else f"{first} to {last}"


def class_words(probes: dict[str, Any]) -> str:
    threads = probes.get("threads")
    words = machine_words(probes)
    return f"{words}, {count(threads, 'thread')}" if isinstance(threads, int) else words


def _software(entry: Entry) -> str:
    names = {"torch": "torch", "python": "Python", "cuda": "CUDA", "blas": "BLAS"}
    return ", ".join(
        f"{word} {entry.machine[name]}" for name, word in names.items() if entry.machine.get(name)
    )


def day(moment: str | None) -> str:
    return "" if moment is None else f"{datetime.fromisoformat(moment):%Y-%m-%d}, "

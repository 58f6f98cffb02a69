"""The content of a history's report: what changed over commits, and what is not known."""

from __future__ import annotations

import shlex
from collections import Counter
from collections.abc import Sequence

from harness.history.chains import Series
from harness.history.changepoints import ALPHA
from harness.history.entries import Entry
from harness.history.figure import over_commits
from harness.history.tables import (
    change_table,
    course_table,
    day,
    direction_cell,
    grave_table,
    machine_table,
    place_cell,
    size_cell,
    unusable_table,
)
from harness.report.content import Content, Finding
from harness.report.section import Part, merge
from harness.report.tables.table import Cell
from harness.report.units import count, percent
from harness.report.words import capital, cleaned, full_stop, listed, measure_name

MOST_FINDINGS = 6


def compose_history(name: str, entries: Sequence[Entry], courses: Sequence[Series]) -> Content:
    """Turn a history and what was found in it into text and the data of figures."""
    changes = change_table(courses), course_table(courses)
    counted = machine_table(entries), unusable_table(courses)
    parts = (
        Part("Over commits", 1, tuple(over_commits(courses)), changes),
        Part("What gates said", 2, tables=(grave_table(entries),)),
        Part("What was measured, and what counts for nothing", 3, tables=counted),
    )
    command = f"python -m harness report {shlex.quote(name)}"
    warnings = [note for series in courses for note in series.notes]
    return cleaned(
        Content(
            title="Time and memory over commits",
            subtitle=f"History: {name}",
            started=_dates(entries),
            warnings=tuple(full_stop(capital(text)) for text in warnings),
            abstract=_abstract(entries, courses),
            findings=_findings(courses),
            sections=merge((*parts, Part("The exact command", 4, commands=(command,)))),
        )
    )


def _abstract(entries: Sequence[Entry], courses: Sequence[Series]) -> tuple[str, ...]:
    commits = {entry.commit for entry in entries}
    subjects = {entry.subject for entry in entries}
    opening = (
        f"{count(len(commits), 'commit')} with {count(len(subjects), 'subject')} in "
        f"{count(len(entries), 'line')} of a history. One job measured each commit together with "
        "its base, and only these ratios are compared: seconds of different days drift by more "
        "than most changes. A chain multiplies the ratios from base to commit. It ends where a "
        "base is not the previous commit."
    )
    times = [series for series in courses if not series.counted and series.chains]
    spent = (
        "A change of a time is placed at the narrowest stretch of commits that shows it. The "
        f"chance of any false change is {percent(ALPHA, 1)} for each time of a subject on a "
        f"machine; there {'are' if len(times) > 1 else 'is'} {len(times)}."
        if times
        else ""
    )
    found = [(series, change) for series in courses for _, change in series.found]
    tally = Counter(direction_cell(*each).text for each in found)
    words = listed(
        [f"{tally[word]} {word}" for word in ("slower", "faster", "more", "less") if tally[word]]
    )
    result = (
        f"{capital(count(len(found), 'change'))} found: {words}."
        if found
        else "No change was found."
    )
    return (opening, " ".join(filter(None, [spent, result])))


def _findings(courses: Sequence[Series]) -> tuple[Finding, ...]:
    """Return the largest changes in words, as many as an abstract can hold."""
    found = [(series, chain, change) for series in courses for chain, change in series.found]
    found.sort(key=lambda each: -max(each[2].ratio, 1 / each[2].ratio))
    lines: dict[str, list[Cell]] = {}
    for series, chain, change in found[:MOST_FINDINGS]:
        word, size, place = (
            direction_cell(series, change),
            size_cell(series, chain, change),
            place_cell(chain, change),
        )
        note = f"{measure_name(series.measure)} {size.text}, at {place.text} ({place.note})."
        lines.setdefault(series.subject, []).append(Cell(word.text, note, word.tone))
    return tuple(Finding(subject, "", tuple(cells)) for subject, cells in lines.items())


def _dates(entries: Sequence[Entry]) -> str:
    days = sorted(day(entry.committed)[:10] for entry in entries if entry.committed)
    if not days:
        return ""
    return f"Commits of {days[0]}" + (f" to {days[-1]}" if days[-1] != days[0] else "")

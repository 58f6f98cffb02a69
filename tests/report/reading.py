"""What a reader finds in the content of a report."""

from __future__ import annotations

from harness.report.content import Content
from harness.report.tables.table import Cell, Table
from tests.report.composing import compose


def content_of(run) -> Content:
    return compose(run.manifest, run.records, run.judgement)


def plain(text: str) -> str:
    return text.replace("\u00a0", " ")


def texts(table: Table | None, group: int | None = None) -> str:
    """Return all that a table or one of its groups says."""
    assert table is not None
    groups = table.groups if group is None else (table.groups[group],)
    cells = [cell for g in groups for row in g.rows for cell in row]
    words = [f"{g.title} {g.note}" for g in groups] + [f"{c.text} ({c.note})" for c in cells]
    return plain(" | ".join(words))


def cell(table: Table | None, group: int, row: int, head: str) -> Cell:
    assert table is not None
    return table.groups[group].rows[row][table.index(head)]


def first_page(content: Content) -> str:
    tallies = [tally for line in content.claims for tally in line.tallies]
    words = [word.text for tally in tallies for word in tally.words]
    lines = [*(line.claim for line in content.claims), *words, *(tally.said for tally in tallies)]
    figures = [line.figure.alternative for line in content.claims if line.figure]
    said = (*content.warnings, *content.abstract, *lines, *figures, content.closing)
    return plain(" ".join(said))


def group_of(table: Table | None, text: str) -> int:
    """Return the place of the group whose heading or note holds the text."""
    assert table is not None
    found = [n for n, group in enumerate(table.groups) if text in f"{group.title} {group.note}"]
    return found[0]

"""The verdicts on a terminal, or as plain aligned lines where there is none."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from typing import TextIO

from rich.console import Console, Group, RenderableType
from rich.padding import Padding
from rich.table import Table as Grid
from rich.text import Text

from harness.report.claims import ClaimLine
from harness.report.content import Content
from harness.report.tables.table import Cell, Table
from harness.report.units import GAP
from harness.report.words import clean

# The width of lines that go to a file.
PLAIN_WIDTH = 100

INDENT, GUTTER = 2, 2

# What a column of words and one of numbers keep on a narrow terminal.
LEAST_WORDS, LEAST_NUMBER = 12, 8

_STYLES = {"good": "bold green", "mixed": "bold yellow", "bad": "bold red", "open": "bold"}


def print_summary(content: Content, stream: TextIO | None = None, width: int | None = None) -> None:
    """Print the warnings, the verdicts and the pairs; colours appear on a terminal alone."""
    stream = stream or sys.stdout
    if stream is None or stream.closed:
        return  # a program may be started without a standard output
    console = Console(file=stream, width=width, highlight=False, markup=False, emoji=False)
    if width is None and not console.is_terminal:
        console.width = PLAIN_WIDTH
    with console.capture() as capture:
        console.print(summary(content, console.width))
    encoding = getattr(stream, "encoding", None) or "utf-8"
    lines = (line.rstrip() for line in capture.get().splitlines())
    # A run must not end in a traceback because its terminal cannot write a multiplication sign.
    stream.write("\n".join(lines).encode(encoding, "replace").decode(encoding) + "\n")


def summary(content: Content, width: int) -> RenderableType:
    """Return what `run` and `report` end with."""
    parts: list[RenderableType] = [_text(f"Warning: {w}", "bold yellow") for w in content.warnings]
    if content.claims:
        parts.append(_heading("Which claims held?"))
        parts += [each for line in content.claims for each in _claim(line)]
    if content.verdicts is not None:
        heads = ("Read as", "Published", "Measured [95 %]", "Verdict")
        parts += [_heading("Claims"), _grid(content.verdicts, heads, width, notes=True)]
    tables = (table for section in content.sections for table in section.tables)
    for table in (table for table in tables if table.in_summary):
        every = tuple(column.head for column in table.columns)
        parts += [_heading(table.title), _grid(table, every, width)]
    parts.append(Text(""))
    closing = (content.closing, *(section.text for section in content.sections))
    parts += [_text(text) for text in closing if text]
    return Group(*parts)


def _claim(line: ClaimLine) -> Iterator[RenderableType]:
    """Yield a claim, and below it all words that it got."""
    yield _text(f"\u201c{line.claim}\u201d" if line.quoted else line.claim, "italic")
    for tally in line.tallies:
        text = Text(f"{tally.who}: " if tally.who else "")
        for number, word in enumerate(tally.words):
            text.append(", " if number else "").append_text(_text(word.text, _STYLES[word.tone]))
        text.append_text(_text("; " if tally.words and tally.said else ""))
        yield Padding(text.append_text(_text(tally.said)), (0, 0, 0, INDENT))


def _heading(title: str) -> Text:
    return Text("\n").append_text(_text(title, "bold underline"))


def _grid(table: Table, heads: tuple[str, ...], width: int, *, notes: bool = False) -> Group:
    """Return the chosen columns of a table, with a group's heading above its rows."""
    places = [table.index(head) for head in heads]
    widths = _widths(table, places, width)
    parts: list[RenderableType] = [_rows(table, widths, (), show_header=True)]
    for group in table.groups:
        if group.title:
            parts.append(_text(group.title, "bold"))
            if notes and group.note:
                parts.append(_text(group.note, "dim"))
        rows = tuple(row for row in group.rows if len(row) > 1)
        if rows:
            parts.append(_rows(table, widths, rows, show_header=False))
        spanning = (row[0] for row in group.rows if len(row) == 1)
        parts += [Padding(_cell(cell), (0, 0, 0, INDENT)) for cell in spanning]
    return Group(*parts)


def _rows(
    table: Table, widths: dict[int, int], rows: tuple[tuple[Cell, ...], ...], *, show_header: bool
) -> RenderableType:
    # Every group is a grid of its own, so that headings may be wider than a column; columns have
    # the same widths in all of them, so that the grids align.
    grid = Grid(box=None, pad_edge=False, show_header=show_header)
    for place, width in widths.items():
        column = table.columns[place]
        grid.add_column(
            _text(column.head),
            width=width,
            justify="right" if column.numeric else "left",
            overflow="fold",
            header_style="dim",
        )
    for row in rows:
        grid.add_row(*(_cell(row[place], numeric=table.columns[place].numeric) for place in widths))
    return Padding(grid, (0, 0, 0, INDENT))


def _widths(table: Table, places: list[int], width: int) -> dict[int, int]:
    """Return the columns' widths: numbers get what they need, and words share what is left.

    On a narrow terminal words keep a few letters, and the widest numbers are folded instead.
    """
    numbers = {p: _number_width(table, p) for p in places if table.columns[p].numeric}
    words = [p for p in places if p not in numbers]
    whole = width - INDENT - GUTTER * len(places)
    while numbers and whole - sum(numbers.values()) < LEAST_WORDS * len(words):
        widest = max(numbers, key=lambda place: numbers[place])
        if numbers[widest] <= LEAST_NUMBER:
            break
        numbers[widest] -= 1
    rest = max(len(words), whole - sum(numbers.values()))
    shares = sum(table.columns[p].width for p in words)
    return {
        p: numbers.get(p) or max(1, int(rest * table.columns[p].width / shares)) for p in places
    }


def _number_width(table: Table, place: int) -> int:
    texts = [row[place].text for group in table.groups for row in group.rows if len(row) > 1]
    return max(map(len, (*texts, table.columns[place].head)))


def _cell(cell: Cell, numeric: bool = False) -> Text:
    text = _text(cell.text, _STYLES.get(cell.tone, ""))
    # What a gain was found by stands beside it; only a word that grants none needs its reason.
    if cell.note and not numeric and cell.tone not in ("good", "mixed"):
        text.append("\n").append_text(_text(cell.note, "dim"))
    return text


def _text(text: str, style: str = "") -> Text:
    return Text(clean(text).replace(GAP, " "), style)

"""A table of ready-to-set text, which paper, page and terminal each set in their own way."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

Tone = Literal["", "good", "mixed", "bad", "open"]


@dataclass(frozen=True)
class Cell:
    """A text, what is set small beneath it, and what a colour may stress but never says alone.

    link     where the text leads: an address, or an anchor of the page
    derived  whether the figure was derived from others, which is never set as if it were measured
    """

    text: str
    note: str = ""
    tone: Tone = ""
    link: str = ""
    derived: bool = False


@dataclass(frozen=True)
class Column:
    """A column's head and its share of the width."""

    head: str
    width: float = 1.0
    numeric: bool = False


@dataclass(frozen=True)
class Group:
    """Rows under a common heading, if it has one; a row of one cell spans all columns."""

    rows: tuple[tuple[Cell, ...], ...]
    title: str = ""
    note: str = ""


@dataclass(frozen=True)
class Table:
    """A named table; a wide one has the page's whole width, and in the paper one of many columns.

    in_summary  whether a terminal shows it too, after the verdicts
    """

    name: str
    title: str
    caption: str
    columns: tuple[Column, ...]
    groups: tuple[Group, ...]
    wide: bool = False
    in_summary: bool = False

    def __post_init__(self) -> None:
        for group in self.groups:
            for row in group.rows:
                if len(row) not in (1, len(self.columns)):
                    raise ValueError(f"table {self.name}: {len(row)} cells in {len(self.columns)}")

    def index(self, head: str) -> int:
        """Return the place of the column with this head."""
        return [column.head for column in self.columns].index(head)


def simple_table(
    name: str,
    title: str,
    caption: str,
    columns: tuple[Column, ...],
    rows: Sequence[tuple[Cell, ...]],
    *,
    wide: bool = False,
    in_summary: bool = False,
) -> Table | None:
    """Return a table of one group without a heading, or nothing where there are no rows."""
    groups = [Group(tuple(rows))] if rows else []
    return grouped_table(name, title, caption, columns, groups, wide=wide, in_summary=in_summary)


def grouped_table(
    name: str,
    title: str,
    caption: str,
    columns: tuple[Column, ...],
    groups: Sequence[Group],
    *,
    wide: bool = False,
    in_summary: bool = False,
) -> Table | None:
    """Return a table of groups, or nothing where there are none."""
    if not groups:
        return None
    return Table(name, title, caption, columns, tuple(groups), wide, in_summary)

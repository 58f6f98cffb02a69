"""Parts that say something, and the sections of a report that they are merged into."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from harness.report.figures.figure import Figure
from harness.report.figures.svg import style, to_svg
from harness.report.tables.table import Table

# Headings under which more than one study has something to say.
SPEED = "Speed and memory"
ACCURACY = "Accuracy"

# More figures of a kind than these nobody looks through; tables and measures.csv hold all values.
MOST_OF_A_KIND = 12


@dataclass(frozen=True)
class Part:
    """What one module has to say under a heading.

    order  where it stands: parts of one heading form a section in the order of their numbers, and
           sections stand in the order of their first parts
    """

    heading: str
    order: int
    figures: tuple[Figure, ...] = ()
    tables: tuple[Table | None, ...] = ()  # None: a table that has no row here
    text: str = ""
    commands: tuple[str, ...] = ()  # to be pasted into a shell, one after another


@dataclass(frozen=True)
class Placed:
    """A figure at its place in a report: its file's name and the words that stand for it."""

    name: str
    title: str
    caption: str
    alternative: str
    shows: Figure

    def svg(self) -> str:
        """Draw the figure, with its words, as the text of an SVG file."""
        with style():
            return to_svg(self.shows.draw(), self.name, self.title, self.alternative)


def placed(figure: Figure, name: str) -> Placed:
    """Place a figure by a name of its own."""
    return Placed(name, figure.title, figure.caption, figure.alternative, figure)


@dataclass(frozen=True)
class Section:
    """Figures and tables under a heading, with closing sentences and commands if there are any."""

    title: str
    figures: tuple[Placed, ...]
    tables: tuple[Table, ...]
    text: str = ""
    commands: tuple[str, ...] = ()


def merge(parts: Iterable[Part]) -> tuple[Section, ...]:
    """Join parts of one heading and number the figures of one kind, where there are several."""
    ordered = sorted(parts, key=lambda part: part.order)
    of = Counter(figure.kind for part in ordered for figure in part.figures)
    seen: Counter[str] = Counter()

    def place(figure: Figure) -> Iterator[Placed]:
        kind, several = figure.kind, of[figure.kind] > 1
        seen[kind] += 1
        left_out = of[kind] - MOST_OF_A_KIND
        more = ""
        if seen[kind] == MOST_OF_A_KIND and left_out > 0:
            more = f" {left_out} more are not drawn; measures.csv holds what they would show."
        if seen[kind] <= MOST_OF_A_KIND:
            yield Placed(
                kind if seen[kind] == 1 else f"{kind}-{seen[kind]}",
                figure.title + (f" ({seen[kind]} of {of[kind]})" if several else ""),
                figure.caption + more,
                figure.alternative,
                figure,
            )

    found = []
    for heading in dict.fromkeys(part.heading for part in ordered):
        mine = [part for part in ordered if part.heading == heading]
        section = Section(
            heading,
            tuple(placed for part in mine for figure in part.figures for placed in place(figure)),
            tuple(table for part in mine for table in part.tables if table is not None),
            " ".join(part.text for part in mine if part.text),
            tuple(command for part in mine for command in part.commands),
        )
        if section.figures or section.tables or section.text or section.commands:
            found.append(section)
    return tuple(found)

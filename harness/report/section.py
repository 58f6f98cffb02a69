"""Parts that say something, and the sections of a report that they are merged into."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass

from harness.report.figure import Figure
from harness.report.svg import style, to_svg
from harness.report.table import Table

# Headings under which more than one study has something to say.
SPEED = "Speed and memory"
ACCURACY = "Accuracy"


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


@dataclass(frozen=True)
class Section:
    """Figures and tables under a heading, with a closing sentence if there is one."""

    title: str
    figures: tuple[Placed, ...]
    tables: tuple[Table, ...]
    text: str = ""


def merge(parts: Iterable[Part]) -> tuple[Section, ...]:
    """Join parts of one heading and number the figures of one kind, where there are several."""
    ordered = sorted(parts, key=lambda part: part.order)
    of = Counter(figure.kind for part in ordered for figure in part.figures)
    seen: Counter[str] = Counter()

    def place(figure: Figure) -> Placed:
        kind, several = figure.kind, of[figure.kind] > 1
        seen[kind] += 1
        return Placed(
            kind if seen[kind] == 1 else f"{kind}-{seen[kind]}",
            figure.title + (f" ({seen[kind]} of {of[kind]})" if several else ""),
            figure.caption,
            figure.alternative,
            figure,
        )

    found = []
    for heading in dict.fromkeys(part.heading for part in ordered):
        mine = [part for part in ordered if part.heading == heading]
        section = Section(
            heading,
            tuple(place(figure) for part in mine for figure in part.figures),
            tuple(table for part in mine for table in part.tables if table is not None),
            " ".join(part.text for part in mine if part.text),
        )
        if section.figures or section.tables or section.text:
            found.append(section)
    return tuple(found)

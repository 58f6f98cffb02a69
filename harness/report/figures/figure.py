"""A figure: its data, the words beside it and in its place, and how it is drawn."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterable, Iterator, Sequence
from typing import ClassVar, TypeVar

from matplotlib.figure import Figure as Canvas

T = TypeVar("T")

# What one figure holds before it is continued in another one.
MOST_PANELS = 3

# Beyond this many values a text alternative is no longer listened to; the tables hold them all.
MOST_VALUES = 12


class Figure(ABC):
    """What is drawn: a frozen dataclass of plain data, which others' words may be part of."""

    kind: ClassVar[str]
    """The stem of its file's name, which no other class of figures has."""

    @property
    @abstractmethod
    def title(self) -> str: ...

    @property
    @abstractmethod
    def caption(self) -> str: ...

    @property
    @abstractmethod
    def alternative(self) -> str:
        """What the figure shows, for those who cannot see it."""

    @abstractmethod
    def draw(self) -> Canvas:
        """Draw the data for one column of a paper, in the style that is set."""


def chunks(items: Sequence[T], size: int = MOST_PANELS) -> Iterator[tuple[T, ...]]:
    for start in range(0, len(items), size):
        yield tuple(items[start : start + size])


def told(parts: Iterable[str]) -> str:
    """Join what a text alternative tells, as much as is listened to."""
    texts = list(parts)
    more = len(texts) - MOST_VALUES
    shown = "; ".join(texts[:MOST_VALUES])
    return f"{shown}; and {more} more, in the tables." if more > 0 else f"{shown}."

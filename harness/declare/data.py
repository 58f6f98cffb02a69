"""What lies in a data folder: who knows data sets looks there and tells of each."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal, Protocol

State = Literal["whole", "partial", "damaged", "missing"]


@dataclass(frozen=True)
class Opened:
    """A workload that a set opens, with the settings that it takes."""

    workload: str
    settings: Mapping[str, Any]


@dataclass(frozen=True)
class Finding:
    """One set: what there is of it, or what to put where."""

    name: str
    title: str
    state: State
    detail: str
    """What was found, or what is wrong."""
    expected: str
    """Where in the folder it is looked for, and in which layout."""
    published: str
    licence: str
    notes: tuple[str, ...] = ()
    opens: tuple[Opened, ...] = field(default=())


class DataSets(Protocol):
    """A component of the kind `data`: a class whose `inspect` reads all it finds to the end."""

    @staticmethod
    def inspect(data_dir: Path) -> Iterator[Finding]:
        """Yield what there is to say of every set that it knows."""

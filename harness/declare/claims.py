"""Published sentences as data: who claims what, each defensible reading, and what it needs."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from harness.declare.measures import MEASURES, OF_A_PLUGIN, Measure, named
from harness.declare.settings import read_toml
from harness.errors import UnknownName, UsageError


@dataclass(frozen=True)
class Reading:
    """One way to turn the sentence into a ratio, higher being better.

    Of a gain the value is a difference: how much quality must be gained for the word used.
    """

    name: str
    text: str
    value: float
    measure: str
    trust: Literal["stated", "low", "ours"] = "stated"
    """"ours": the sentence gives no figure, and the value is what we ask for in its place."""
    inner_steps: int | None = None
    """At how many, of a measure that depends on their number."""

    def __post_init__(self) -> None:
        asked = {row.name for row in MEASURES if row.claimed}
        if self.measure not in asked:
            raise ValueError(str(UnknownName("measure", self.measure, asked, OF_A_PLUGIN)))
        least = 0 if self.row.nature == "gain" else 1
        if not self.value > least:
            raise ValueError(f"value = {self.value} must be above {least}")
        if self.row.at_steps != (self.inner_steps is not None):
            stepped = ", ".join(row.name for row in MEASURES if row.at_steps and row.claimed)
            raise ValueError(
                f"measure {self.measure!r} "
                + ("needs inner_steps" if self.row.at_steps else "takes no inner_steps")
                + f"; the measures with inner_steps are {stepped}"
            )
        if self.inner_steps is not None and self.inner_steps < 1:
            raise ValueError(f"inner_steps = {self.inner_steps} must be at least 1")

    @property
    def row(self) -> Measure:
        """The measure's row in the table."""
        return MEASURES[self.measure]

    @property
    def quantity(self) -> str:
        """The measure, with the number of inner steps if it has one."""
        return named(self.measure, self.inner_steps)


@dataclass(frozen=True)
class Claim:
    """A claim of a paper, with its source."""

    name: str
    paper: str
    source: str
    sentence: str
    """What is claimed, in our words."""
    readings: tuple[Reading, ...]
    algorithm: Literal["known", "reconstructed"]
    quote: str = ""
    """What the source says, word for word."""
    read: Literal["", "abstract", "paper"] = ""
    """How much of the source could be read; "" where nobody said."""
    link: str = ""
    """The source's address."""
    others: tuple[str, ...] = ()
    """The learners that the claim is about, where it is against other algorithms and not one."""
    margin: float = 0.01
    """How much quality the method may lose, in the metric's own unit; as a share of the baseline's
    mean where lower is better."""
    needs: tuple[str, ...] = ()
    """What a machine must have, as words: "gpus=4", "ranks=2"."""

    def __post_init__(self) -> None:
        names = [reading.name for reading in self.readings]
        if not names or len(set(names)) < len(names):
            raise ValueError("a claim needs readings, each with a name of its own")
        if not self.margin >= 0:
            raise ValueError(f"margin = {self.margin} must not be negative")
        if wrong := [need for need in self.needs if not re.fullmatch(r"\w+=.+", need)]:
            raise ValueError(f"needs = {wrong}: write NAME=VALUE, as in gpus=4 or ranks=2")
        if self.link and not self.link.startswith("https://"):
            raise ValueError(f"link = {self.link!r} must begin with https://")

    @property
    def summary(self) -> str:
        return f"{self.sentence} ({self.paper})"


@dataclass(frozen=True)
class _ClaimFile:
    claim: tuple[Claim, ...]


def load_claims(path: Path) -> dict[str, Claim]:
    """Read the claims of a TOML file, by name."""
    return by_name(read_toml(_ClaimFile, path).claim, path)


def by_name(claims: Iterable[Claim], path: Path) -> dict[str, Claim]:
    """Return a file's claims by name, none of which may be there twice."""
    found: dict[str, Claim] = {}
    for claim in claims:
        if claim.name in found:
            raise UsageError(f"{path.name}: two claims are named {claim.name!r}. Rename one.")
        found[claim.name] = claim
    return found

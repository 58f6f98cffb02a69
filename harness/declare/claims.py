"""Published sentences as data: who claims what, each defensible reading, and what it needs."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from harness.declare.settings import read_toml
from harness.errors import UsageError

Measure = Literal[
    "step_time",  # seconds of a meta-step
    "adaptation_time",  # seconds of adapting to a batch of tasks
    "steps_to_target",  # meta-steps until the target quality
    "time_to_target",  # seconds until the target quality
    "peak_bytes",  # most bytes alive during a meta-step
]


@dataclass(frozen=True)
class Reading:
    """One way to turn the sentence into a ratio, higher being better."""

    name: str
    text: str
    value: float
    measure: Measure
    trust: Literal["stated", "low"] = "stated"

    def __post_init__(self) -> None:
        if not self.value > 1:
            raise ValueError(f"reading {self.name!r}: value {self.value} must be above 1")


@dataclass(frozen=True)
class Claim:
    """A claim of a paper, with its source."""

    name: str
    paper: str
    source: str
    sentence: str
    readings: tuple[Reading, ...]
    algorithm: Literal["known", "reconstructed"]
    margin: float = 0.01
    """How much quality the method may lose, in the metric's own unit; as a share of the baseline's
    mean where lower is better."""
    needs: tuple[str, ...] = ()
    """What a machine must have, as words: "gpus=4", "ranks=2"."""

    def __post_init__(self) -> None:
        names = [reading.name for reading in self.readings]
        if not names or len(set(names)) < len(names):
            raise ValueError(f"claim {self.name!r} must have readings, each with its own name")
        if not self.margin >= 0:
            raise ValueError(f"claim {self.name!r}: margin {self.margin} must not be negative")

    @property
    def summary(self) -> str:
        return f"{self.sentence} ({self.paper})"


@dataclass(frozen=True)
class _ClaimFile:
    claim: tuple[Claim, ...]


def load_claims(path: Path) -> dict[str, Claim]:
    """Read the claims of a TOML file, by name."""
    claims: dict[str, Claim] = {}
    for claim in read_toml(_ClaimFile, path).claim:
        if claim.name in claims:
            raise UsageError(f"{path.name}: two claims are called {claim.name!r}. Rename either.")
        claims[claim.name] = claim
    return claims

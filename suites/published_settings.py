"""What published few-shot experiments were run with, and what they reached, as data."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from pathlib import Path

from harness.declare.convergence import ConvergencePoint
from harness.declare.settings import read_toml
from harness.errors import UnknownName, UsageError

PATH = Path(__file__).parent / "published" / "few_shot.toml"


@dataclass(frozen=True)
class Published:
    """The settings of one experiment, or of all that share them."""

    name: str
    source: str
    architecture: str
    filters: int
    meta_batch: int
    inner_steps: int
    inner_lr: float
    outer_lr: float
    iterations: int
    data: str | None = None
    ways: int | None = None
    shots: int | None = None
    queries: int | None = None
    """Query examples of a class in training; as many as shots if nothing is said."""
    accuracy: float | None = None
    """What the source reports of test tasks."""
    half_width: float | None = None
    """Of the 95 % interval that the source gives for it."""

    def fits(self, data: str, ways: int, shots: int) -> bool:
        said = zip((self.data, self.ways, self.shots), (data, ways, shots), strict=True)
        return all(own is None or own == asked for own, asked in said)

    @property
    def converges(self) -> ConvergencePoint | None:
        """What a baseline must reach in this experiment, if its accuracy was published."""
        if self.accuracy is None:
            return None
        return ConvergencePoint(
            self.name, self.accuracy, self.iterations, self.source, self.half_width
        )


@dataclass(frozen=True)
class _Table:
    setting: tuple[Published, ...]


@cache
def published_settings() -> tuple[Published, ...]:
    return read_toml(_Table, PATH).setting


def published(name: str, data: str, ways: int, shots: int) -> Published:
    """Return the first published settings of that name that fit, or say which there are."""
    called = [one for one in published_settings() if one.name == name]
    if not called:
        raise UnknownName("recipe", name, {one.name for one in published_settings()})
    for one in called:
        if one.fits(data, ways, shots):
            return one
    served = ", ".join(dict.fromkeys(str(one.data) for one in called))
    raise UsageError(
        f"recipe = {name!r} has no settings for {data} with {ways} ways and {shots} shots; it has "
        f"{served}. Take recipe = 'learn2learn', which serves any data, and set what differs."
    )

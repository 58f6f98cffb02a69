"""A pair: two learners on one workload, and the points of the sweep that it goes through.

Nothing is ever compared that is not a declared pair.
"""

from __future__ import annotations

import dataclasses
import itertools
import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

from harness.declare.point import OWN, Point, Scalar, key_of

Member = Literal["baseline", "method", "twin"]
MEMBERS: tuple[Member, Member] = ("baseline", "method")
TWIN: Member = "twin"
"""The baseline once more, in processes of its own: what the two differ by is the pair's noise."""
MOST_RANKS = 256
MOST_POINTS = 100_000  # of one sweep, which are counted before they are made


@dataclass(frozen=True)
class Pair:
    """A baseline and a method on one workload, and what may differ between them."""

    name: str
    baseline: str
    method: str
    workload: str
    differ: str
    passes: tuple[str, ...] = ("check", "step")
    claims: tuple[str, ...] = ()
    rival: bool = False
    """Whether the method is not the claims' own, but a rival that is held to the same figures."""
    ranks: int = 1
    """Processes that share the method's work; the baseline always has one."""
    cores: Literal["same", "each"] = "same"
    """Whether both members have the same cores in total, or each process the same."""
    communicator: Literal["torch", "horovod"] = "torch"
    """What the ranks talk to each other with."""
    settings: dict[str, Scalar] = field(default_factory=dict)
    baseline_settings: dict[str, Scalar] = field(default_factory=dict)
    method_settings: dict[str, Scalar] = field(default_factory=dict)
    protocol: dict[str, float] = field(default_factory=dict)
    """What of the suite's protocol is another for this pair, as the length of its curves."""
    sweep: dict[str, tuple[Scalar, ...]] | tuple[dict[str, Scalar], ...] = ()
    """Settings with the values that they go through, in all combinations; or the points themselves.
    A name is a setting of the workload, "ranks", or a member's setting as in "method.decay"."""
    swept: tuple[str, ...] = ()
    """Passes that are taken at the points of the sweep, while `passes` stay at the pair's own
    settings. Without any, all of `passes` are taken at the points and nowhere else."""
    study: dict[str, dict[str, Any]] = field(default_factory=dict)
    """What the pair is to a study, by the study's name."""

    def __post_init__(self) -> None:
        if not 1 <= self.ranks <= MOST_RANKS:
            raise ValueError(f"ranks = {self.ranks} must be from 1 to {MOST_RANKS}")
        if self.swept and not self.sweep:
            raise ValueError(f"swept = {list(self.swept)} needs a sweep = {{...}}")
        if isinstance(self.sweep, dict) and (empty := [k for k, v in self.sweep.items() if not v]):
            raise ValueError(f"sweep = {{ {empty[0]} = [] }} has no values")
        if (many := self._most_points) > MOST_POINTS:
            raise ValueError(f"sweep has {many:,} points, but at most {MOST_POINTS:,} are allowed")
        for ranks in {point["ranks"] for point in self.points if "ranks" in point}:
            if not isinstance(ranks, int) or not 1 <= ranks <= MOST_RANKS:
                raise ValueError(f"sweep: ranks = {ranks!r} must be from 1 to {MOST_RANKS}")

    @property
    def _most_points(self) -> int:
        """How many points the sweep has before those that stand in it twice are left out."""
        if isinstance(self.sweep, dict):
            return math.prod(map(len, self.sweep.values()))
        return len(self.sweep)

    @property
    def points(self) -> tuple[Point, ...]:
        """The points of the sweep, each once, in the order of the suite."""
        if isinstance(self.sweep, dict):
            values = itertools.product(*self.sweep.values()) if self.sweep else ()
            found: Iterable[Point] = (dict(zip(self.sweep, each, strict=True)) for each in values)
        else:
            found = self.sweep
        return tuple({key_of(point): point for point in found}.values())

    def points_of(self, measured: str) -> tuple[Point, ...]:
        """Return the points that a pass is taken at; the pair's own settings are one of them."""
        if not self.sweep:
            return (OWN,) if measured in self.passes else ()
        if not self.swept:
            return self.points if measured in self.passes else ()
        own = (OWN,) if measured in self.passes else ()
        return own + (self.points if measured in self.swept else ())

    @property
    def every_pass(self) -> tuple[str, ...]:
        return tuple(dict.fromkeys((*self.passes, *self.swept)))

    def part_of(self, member: Member, point: Point) -> Point:
        """Return what of a point concerns a member; the other's settings do not."""
        other = "baseline" if member == "method" else "method"
        return {
            name: value
            for name, value in point.items()
            if not name.startswith(f"{other}.") and not (name == "ranks" and member != "method")
        }

    def at(self, point: Point) -> Pair:
        """Return the pair as it is at a point of its sweep."""
        settings, ranks = dict(self.settings), self.ranks
        own = {"baseline": dict(self.baseline_settings), "method": dict(self.method_settings)}
        for name, value in point.items():
            member, _, setting = name.partition(".")
            if name == "ranks":
                ranks = int(value)
            elif setting and member in own:
                own[member][setting] = value
            else:
                settings[name] = value
        return dataclasses.replace(
            self,
            settings=settings,
            baseline_settings=own["baseline"],
            method_settings=own["method"],
            ranks=ranks,
            sweep=(),
            swept=(),
            passes=self.every_pass,
        )

    @property
    def may_show_equal(self) -> bool:
        """Whether its passes may show that both members learn alike, so that one is trained."""
        return {"check", "trajectory"} <= {*self.passes}

    @property
    def is_aa(self) -> bool:
        """Whether both members are the same: the pair that measures the noise."""
        same = (self.baseline, self.baseline_settings) == (self.method, self.method_settings)
        alike = all(self.part_of("baseline", point) == point for point in self.points)
        return same and self.ranks == 1 and alike

    def processes(self, member: Member) -> int:
        return self.ranks if member == "method" else 1

    def communication(self, member: Member) -> str | None:
        """Return what the member's processes talk to each other with, if there are several."""
        return self.communicator if self.processes(member) > 1 else None

    def threads(self, member: Member, cores: int) -> int:
        """Return the threads of each of the member's processes, where so many cores are given.

        Cores that the ranks can't share evenly stay idle, for the baseline too.
        """
        each = max(1, cores // self.ranks)
        if self.cores == "each" or member == "method":
            return each
        return min(cores, each * self.ranks)

    def learner(self, member: Member) -> str:
        return self.method if member == "method" else self.baseline

    def learner_settings(self, member: Member) -> dict[str, Scalar]:
        return self.method_settings if member == "method" else self.baseline_settings


def workload_words(pair: Pair) -> str:
    return with_settings(pair.workload, pair.settings)


def member_names(pair: Pair) -> tuple[str, str]:
    """Name both members with what tells them apart."""
    baseline = with_settings(pair.baseline, dict(pair.baseline_settings))
    if pair.is_aa:
        return baseline, f"{baseline} again"
    method = with_settings(pair.method, dict(pair.method_settings))
    return baseline, method if pair.ranks == 1 else f"{method}, {pair.ranks} ranks"


def with_settings(name: str, settings: Mapping[str, Any]) -> str:
    """Write a learner or workload with the settings that it runs with."""
    words = settings_words(dict(settings))
    return f"{name} ({words})" if words else name


def settings_words(settings: dict[str, Any]) -> str:
    """Write settings as words, for people and for records."""
    return " ".join(f"{key}={value}" for key, value in sorted(settings.items()))

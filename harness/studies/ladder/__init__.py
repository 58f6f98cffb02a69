"""Ladder: what each rung of an accelerated method gives, alone and on top of those before.

A pair says by `study.ladder` which rung its method is. Pairs that share baseline and workload form
a ladder, whose rungs stand in the order of the suite. The spine times their steps, at the pair's
own settings and at the points of its sweep; a pass of this study looks at what a method pays once,
such as a compilation. From both follows from what run length on a rung pays, which is derived and
never a measurement.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from harness.declare.passes import Pass, Seen
from harness.declare.study import Study
from harness.records.seen import clock_gives, counted, of_unit
from harness.registry import study

if TYPE_CHECKING:
    from harness.judge.evidence import Evidence
    from harness.judge.judgement import Judgement


@dataclass(frozen=True)
class Length:
    """A length of runs that the report tells about."""

    name: str
    updates: int


@dataclass(frozen=True)
class Settings:
    """What a suite may set in [study.ladder]."""

    draws: int = 2
    """Draws of tasks at which one-off costs are looked at."""
    apart: int = 10
    """Meta-updates from one draw of tasks to the next."""
    epoch: int = 100
    """Meta-updates of a meta-epoch."""
    lengths: tuple[Length, ...] = ()
    """Runs of which the report tells what one-off costs come to."""
    remark: str = ""
    """What is to be known of run lengths, as text beside them."""

    def __post_init__(self) -> None:
        for name in ("draws", "apart", "epoch"):
            if getattr(self, name) < 1:
                raise ValueError(f"{name} = {getattr(self, name)} must be above 0")
        for each in self.lengths:
            if each.updates < 1:
                raise ValueError(f"length {each.name!r}: updates = {each.updates} must be above 0")


@dataclass(frozen=True)
class Place:
    """What a pair may say of itself in study.ladder."""

    rung: str = ""
    """The rung that its method is."""
    added: bool = False
    """Whether its method has all rungs before this one too, and not this one alone."""
    learning: bool = False
    """Whether its method's learning curve tells how many meta-updates a held-out loss takes."""

    def __post_init__(self) -> None:
        if self.added and not self.rung:
            raise ValueError("added = true needs a rung that is added")


@dataclass(frozen=True)
class OneOff(Seen):
    """The first meta-update on each of several draws of tasks, and the same one repeated.

    `preparations` are what the learner itself counts as made once, by the end of each draw. The
    first draw's in a second process, which finds what the first has left on disk, took
    `warm_seconds`.
    """

    first_seconds: tuple[float, ...] = of_unit("s", ())
    again_seconds: tuple[float, ...] = of_unit("s", ())
    preparations: tuple[int, ...] = ()
    preparation_seconds: tuple[float, ...] = of_unit("s", ())
    warm_seconds: float | None = of_unit("s")

    def flaw(self) -> str | None:
        draws = len(self.first_seconds)
        of_all = self.again_seconds, self.preparations, self.preparation_seconds
        if draws == 0 or any(len(each) != draws for each in of_all):
            return "its record does not hold the same draws in all its fields"
        warm = () if self.warm_seconds is None else (self.warm_seconds,)
        if not clock_gives((*self.first_seconds, *self.again_seconds, *warm)):
            return "its record holds seconds that no clock gives"
        if not counted((*self.preparations, *self.preparation_seconds)):
            return "its record counts preparations that nobody makes"
        return None


ONE_OFF = Pass(
    "one_off",
    OneOff,
    "seeds",
    "harness.studies.ladder.measure:look_once",
    clocked=True,
    both=False,
    words="one-off cost",
)


@study("ladder")
class Ladder(Study):
    """What each rung of an accelerated method gives, and what it costs once."""

    settings = Settings
    pair_settings = Place
    passes = (ONE_OFF,)
    shown_by = "harness.studies.ladder.show:parts"
    told_by = "harness.studies.ladder.show:said"

    def of_run(self, evidence: Evidence, judgement: Judgement) -> Any:
        from harness.studies.ladder.judge import find

        return find(evidence, judgement) or None

"""A pass: one way of looking at a pair's member, and the dataclass of what it sees."""

from __future__ import annotations

import importlib
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, ClassVar, Generic, Literal, Protocol, TypeVar

from harness.declare.point import Point


class Seen:
    """What a pass saw: a frozen dataclass of plain data, each field with its unit, if it has one.

    Unknown is None, never 0.
    """

    of_quality: ClassVar[bool] = False
    """Whether it holds a quality, which says nothing without the workload's metric."""

    def flaw(self) -> str | None:
        """Say what makes the values useless: a file can hold what no measurement gives."""
        return None


S = TypeVar("S", bound=Seen, covariant=True)

Rhythm = Literal["learner", "once", "rounds", "seeds"]
"""How often a pass looks: once at every learner, whatever pairs it is in; once at every member,
with the first seed; in every interleaved round of every seed; or once with every seed."""


@dataclass(frozen=True)
class Pass(Generic[S]):
    """One way of looking at a member: what it is called, what it sees, and who does it.

    measure   what takes (block, learner) and returns a Look: "module:function", which is loaded in
              the worker alone, or the function itself
    clocked   whether seconds are what it looks for
    counts    whether it counts what a step costs: alone too, for a learner may plan its step by
              what it times
    in_turns  whether measure returns a Turns in place of a Look
    chooses   whether the first of its rounds choose what the others judge
    shared    whether ranks that share a method's work can take it together
    both      whether it looks at both members, or at the method alone
    of_learner  whether what it sees depends only on the learner and its workload: then one block
              stands for those of all pairs that share these
    guess_steps  to how many meta-steps a block comes, from the study's settings as a suite gives
              them: how long it will take is guessed by that, before one of its like was seen
    """

    name: str
    seen: type[S]
    rhythm: Rhythm
    measure: str | Callable[..., Any]
    clocked: bool = False
    counts: bool = False
    in_turns: bool = False
    chooses: bool = False
    shared: bool = True
    both: bool = True
    of_learner: bool = False
    guess_steps: Callable[[dict[str, Any]], float] | None = None
    dtype: Literal["float32", "float64"] = "float32"  # the precision that it looks in
    words: str = ""  # what reports call it, where that is not its name

    def __post_init__(self) -> None:
        if self.of_learner and (self.clocked or self.rhythm == "rounds"):
            raise ValueError(
                f"pass {self.name}: seconds and rounds are each pair's own, so it can't be "
                "of_learner."
            )

    @property
    def told(self) -> str:
        return self.words or self.name

    @property
    def alone(self) -> bool:
        """Whether nothing else of this machine's run may go on meanwhile."""
        return self.clocked or self.counts

    @property
    def compares_times(self) -> bool:
        """Whether its rounds set the members' seconds beside each other, and the twin's."""
        return self.clocked and self.both and self.rhythm == "rounds"


SeenAt = list[tuple[Point, Seen]]
"""What one look saw at several points."""


@dataclass(frozen=True)
class Costs:
    """What a look cost: in measured intervals, and in the warm-up before them."""

    measured_s: float | None = None
    waited_s: float | None = None
    warmup_s: float | None = None
    warmup_seconds: tuple[float, ...] | None = None  # of a step, one value a window
    warmup_steady: bool | None = None  # whether two halves of the warm-up agreed


@dataclass(frozen=True)
class Look:
    """What a pass hands back: what it saw, at the block's point or at several, and its cost."""

    seen: Seen | SeenAt
    costs: Costs = Costs()


def resolved(target: str) -> Callable[..., Any]:
    """Return the function that "module:function" names, loading its module."""
    module, _, name = target.partition(":")
    found: Callable[..., Any] = getattr(importlib.import_module(module), name)
    return found


@dataclass(frozen=True)
class Pace:
    """How a block takes its turns: so many of them in a round, of so many steps each."""

    steps: int
    turns: int


class Turns(Protocol):
    """A block whose seconds are taken in short turns, between those of the blocks beside it."""

    def warm_up(self) -> Pace:
        """Work until what follows is steady, and say what turns are to be like."""

    def take(self, steps: int) -> None:
        """Time so many steps."""

    def look(self) -> Look:
        """Return what all turns saw."""

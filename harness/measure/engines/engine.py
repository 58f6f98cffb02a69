"""An engine: what runs blocks, each call in a process of its own, and answers for each process."""

from __future__ import annotations

import abc
import signal
from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar, Protocol, Self, TypeVar

R = TypeVar("R", covariant=True)


@dataclass(frozen=True)
class Resources:
    """What a call needs of a machine, where there are several to choose from."""

    cores: int = 1
    gpus: int = 0
    alone: bool = False  # nothing else is to run there meanwhile
    machine: str = ""  # calls that say the same are made on one machine; this says any


ANY = Resources()


@dataclass(frozen=True)
class Answer:
    """What became of one process of a call."""

    text: str  # what the function returned; empty if it did not get there
    exit: int  # its process's exit status, negative for a signal
    place: int | None  # in the order in which the call's processes ended; None if it was ended
    log: str  # the end of what it printed

    @property
    def timed_out(self) -> bool:
        return self.place is None or self.exit == -signal.SIGALRM  # which it set itself

    @property
    def died_of(self) -> str:
        if self.exit < 0:
            return f"its process was ended by {signal.Signals(-self.exit).name}"
        last = self.log.strip().splitlines()[-1:] or ["nothing was printed"]
        return f"its process ended with status {self.exit}: {last[0]}"


class Calls(Protocol[R]):
    """Calls that talk to each other, so that one machine must have them all."""

    there: ClassVar[str]
    """What makes them on another machine: "module:function", given an engine of it and a text."""

    def here(self) -> R:
        """Make them on this machine."""

    def to_json(self) -> str: ...
    def read(self, answer: Answer) -> R:
        """Return what came of them on another machine."""


class Engine(abc.ABC):
    """Calls functions by name, with a text that all they need to know is in.

    Whatever becomes of a call is its answer, never an exception: a process that hangs is ended at
    the limit, and one that dies takes nothing along. An engine raises NothingMeasured where it can
    run nothing at all. Calls may come from several threads.
    """

    in_turns: ClassVar[bool] = False
    """Whether one of its machines can make calls that talk to each other."""

    @property
    def machines(self) -> int:
        """How many pairs can be timed at once, each on a machine of its own."""
        return 1

    def call(
        self,
        function: str,
        text: str,
        limit_s: float,
        imports: Sequence[str],
        resources: Resources = ANY,
    ) -> Answer:
        """Call "module:function" with the text, in a process that has the imports already."""
        (answer,) = self.call_ranks(function, text, limit_s, imports, None, resources)
        return answer

    @abc.abstractmethod
    def call_ranks(
        self,
        function: str,
        text: str,
        limit_s: float,
        imports: Sequence[str],
        ranks: int | None,
        resources: Resources = ANY,
    ) -> Sequence[Answer]:
        """Call it with the text and a seat in so many processes at once, which end together.

        Where None is said it is called in one, without a seat.
        """

    def make(self, calls: Calls[R], limit_s: float, resources: Resources = ANY) -> R:
        """Make several calls on one machine, beside each other."""
        return calls.here()

    def close(self) -> None:  # noqa: B027  # an engine may hold nothing
        """Let go of whatever is held for further calls."""

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

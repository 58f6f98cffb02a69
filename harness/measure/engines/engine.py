"""An engine: what runs blocks, each call in a process of its own, and answers for each process."""

from __future__ import annotations

import abc
import signal
from collections.abc import Sequence
from dataclasses import dataclass
from types import TracebackType
from typing import ClassVar, Self


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


class Engine(abc.ABC):
    """Calls functions by name, with a text that all they need to know is in.

    Whatever becomes of a call is its answer, never an exception: a process that hangs is ended at
    the limit, and one that dies takes nothing along. An engine raises NothingMeasured where it can
    run nothing at all.
    """

    in_turns: ClassVar[bool] = False
    """Whether calls of several threads run beside each other, on the machine that asks for them."""

    @abc.abstractmethod
    def call(self, function: str, text: str, limit_s: float, imports: Sequence[str]) -> Answer:
        """Call "module:function" with the text, in a process that has the imports already."""

    @abc.abstractmethod
    def call_ranks(
        self, function: str, text: str, limit_s: float, imports: Sequence[str], ranks: int
    ) -> Sequence[Answer]:
        """Call it with the text and a seat in so many processes at once, which end together."""

    def close(self) -> None:  # noqa: B027  # an engine may hold nothing
        """Let go of whatever is held for further calls."""

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.close()

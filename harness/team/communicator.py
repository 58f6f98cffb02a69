"""The communicator: what the processes that share one block's work say to each other.

A learner finds it as `workload.place.team`. Alone, a team of one, is what every block gets that
asks for no more, so a distributed method needs no second way of running. What went over the wire is
counted here, where every backend must pass.
"""

from __future__ import annotations

import time
from abc import ABC, abstractmethod
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from torch import Tensor


class Seat(NamedTuple):
    """A rank's place in a team that was started on this machine, and where its ranks meet."""

    rank: int
    size: int
    folder: str


class Sent(NamedTuple):
    """A traffic's figures at one moment."""

    calls: int
    bytes: int
    seconds: float


@dataclass
class Traffic:
    """What a process put on the wire in all-reduces, and how long it stood waiting for them."""

    calls: int = 0
    bytes: int = 0
    _waited: float = field(default=0.0, init=False)
    _unread: list[Callable[[], float]] = field(default_factory=list, init=False)

    @property
    def seconds(self) -> float:
        """How long the process, or the device that it drives, could not go on for waiting."""
        self._waited += sum(read() for read in self._unread)
        self._unread.clear()
        return self._waited

    def waited(self, seconds: float) -> None:
        self._waited += seconds

    def waits_on_device(self, read: Callable[[], float]) -> None:
        """Take a span that the device measures; it is read when somebody asks for the sum."""
        self._unread.append(read)

    def so_far(self) -> Sent:
        return Sent(self.calls, self.bytes, self.seconds)


@dataclass(frozen=True)
class Pending:
    """An all-reduce under way; its tensor may not be touched before it was waited for."""

    finish: Callable[[], object]
    traffic: Traffic

    def wait(self) -> None:
        start = time.perf_counter()
        self.finish()
        self.traffic.waited(time.perf_counter() - start)


@dataclass
class Communicator(ABC):
    """One rank's end of a team. All ranks make the same calls in the same order."""

    rank: int
    size: int
    traffic: Traffic = field(default_factory=Traffic, kw_only=True)

    def share(self, count: int) -> range:
        """Return which of so many tasks are this rank's."""
        return range(self.rank, count, self.size)

    def all_reduce(self, tensor: Tensor) -> None:
        """Put the sum over all ranks in the tensor's place, the same on each to the bit."""
        self.start_all_reduce(tensor).wait()

    def start_all_reduce(self, tensor: Tensor) -> Pending:
        """Begin to sum over all ranks, so that other work can go on meanwhile."""
        self.traffic.calls += 1
        self.traffic.bytes += tensor.numel() * tensor.element_size()
        return Pending(self._start_sum(tensor.detach()), self.traffic)

    def barrier(self) -> None:
        """Wait until every rank has come here; nothing is counted."""
        import torch

        self._start_sum(torch.zeros(1))()

    @abstractmethod
    def broadcast(self, tensor: Tensor, root: int = 0) -> None:
        """Put the root's values in every rank's tensor."""

    @abstractmethod
    def gather(self, text: str) -> list[str]:
        """Return every rank's text, by rank."""

    @abstractmethod
    def close(self) -> None:
        """Leave the team."""

    @abstractmethod
    def _start_sum(self, tensor: Tensor) -> Callable[[], object]:
        """Begin the sum in place; return what waits for its end."""


@dataclass
class Alone(Communicator):
    """A team of one: nothing goes over any wire."""

    rank: int = 0
    size: int = 1

    def start_all_reduce(self, tensor: Tensor) -> Pending:
        return Pending(lambda: None, self.traffic)

    def barrier(self) -> None:
        return None

    def broadcast(self, tensor: Tensor, root: int = 0) -> None:
        return None

    def gather(self, text: str) -> list[str]:
        return [text]

    def close(self) -> None:
        return None

    def _start_sum(self, tensor: Tensor) -> Callable[[], object]:
        return lambda: None

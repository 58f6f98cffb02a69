"""Teams of real processes that are started once and run function after function.

    results = teams.run(3, function, argument, ...)

calls `function(team, argument, ...)` in three processes at once and returns what each of them
returned, by rank. The function is sent by its name, so it stands at the top level of an importable
module; arguments and results are plain values (tolist, not tensors). Ranks that raise make `run`
raise, with what they said.
"""

from __future__ import annotations

import contextlib
import dataclasses
import multiprocessing
import os
import tempfile
import time
import traceback
from collections.abc import Callable
from multiprocessing.connection import Connection, wait
from multiprocessing.process import BaseProcess
from typing import Any, NamedTuple

from harness.errors import TeamBroken
from harness.team.communicator import Communicator, Seat, Traffic
from harness.team.rendezvous import meet

HOROVOD_IS_MISSING = "horovod is not installed: `tox run -e clusters` keeps this half"
MOST = 4
STALL_S = 20.0
GRACE_S = 3.0  # for ranks to notice that another one failed


class RankFailed(AssertionError):
    """A rank raised, ended or hung."""


class Told(NamedTuple):
    """What one rank has to say of one call."""

    result: Any = None
    trouble: str = ""


class Teams:
    """Processes of one thread each, of which the first few make a team."""

    def __init__(self, communicator: str = "torch") -> None:
        self._communicator = communicator
        self._ranks: list[tuple[BaseProcess, Connection]] = []

    def run(self, size: int, function: Callable[..., Any], *arguments: Any) -> list[Any]:
        """Call the function in a team of so many ranks; return what each rank returned."""
        assert 1 <= size <= MOST
        if not self._ranks:
            self._start()
        ranks = dict(enumerate(pipe for _, pipe in self._ranks[:size]))
        for pipe in ranks.values():
            pipe.send((size, function, arguments))
        told = self._answers(ranks)
        if troubles := {rank: t.trouble for rank, t in told.items() if t.trouble}:
            # Who raised may have left the others in the middle of a sum.
            self.close()
            # In the order in which they were told; that others left is not a cause.
            first = min(troubles, key=lambda rank: TeamBroken.__name__ in troubles[rank])
            raise RankFailed(f"rank {first} of {size}: {troubles[first]}")
        return [told[rank].result for rank in range(size)]

    def _answers(self, ranks: dict[int, Connection]) -> dict[int, Told]:
        told: dict[int, Told] = {}
        deadline = time.monotonic() + 3 * STALL_S
        while len(told) < len(ranks):
            waiting = {pipe: rank for rank, pipe in ranks.items() if rank not in told}
            ready = wait(waiting, timeout=max(0.0, deadline - time.monotonic()))
            if not ready:
                told |= {rank: Told(trouble="it did not come back") for rank in waiting.values()}
            for pipe in ready:
                try:
                    told[waiting[pipe]] = pipe.recv()
                except EOFError:
                    told[waiting[pipe]] = Told(trouble="its process ended")
            if any(each.trouble for each in told.values()):
                deadline = min(deadline, time.monotonic() + GRACE_S)
        return told

    def _start(self) -> None:
        # Libraries must not start threads in the process that the ranks are forked from.
        os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
        context = multiprocessing.get_context("forkserver")
        context.set_forkserver_preload(["harness.team.torch_communicator", "tests.team.teams"])
        with tempfile.TemporaryDirectory() as folder:
            for rank in range(MOST):
                ours, theirs = context.Pipe()
                seat = Seat(rank, MOST, folder)
                process = context.Process(
                    target=_serve, args=(self._communicator, seat, theirs), daemon=True
                )
                process.start()
                theirs.close()
                self._ranks.append((process, ours))
            for _, pipe in self._ranks:
                pipe.recv()  # it has met the others

    def close(self) -> None:
        """End all processes, whatever they are at."""
        for process, pipe in self._ranks:
            pipe.close()
            process.kill()
        for process, _ in self._ranks:
            process.join()
        self._ranks.clear()


def _serve(communicator: str, seat: Seat, pipe: Connection) -> None:
    """Answer calls until the pipe is closed."""
    import torch

    torch.set_num_threads(1)
    os.environ["HOROVOD_DYNAMIC_PROCESS_SETS"] = "1"
    everyone = meet(seat, communicator, stall_s=STALL_S)
    teams = {size: _first(size, everyone) for size in range(1, MOST + 1)}
    pipe.send("here")
    with contextlib.suppress(EOFError):  # whoever asked has gone
        while True:
            size, function, arguments = pipe.recv()
            # Nobody finds another's traffic in his team.
            team = dataclasses.replace(teams[size], traffic=Traffic())
            try:
                told = Told(function(team, *arguments))
            except BaseException:
                told = Told(trouble=traceback.format_exc())
            pipe.send(told)
    os._exit(0)


def _first(size: int, everyone: Communicator) -> Communicator:
    """Return the team of the first ranks among all; all make it, as either library wants it."""
    import torch.distributed as dist

    from harness.team.horovod_communicator import HorovodCommunicator
    from harness.team.torch_communicator import TorchCommunicator

    ranks = list(range(size))
    if isinstance(everyone, TorchCommunicator):
        return dataclasses.replace(everyone, size=size, group=dist.new_group(ranks))
    assert isinstance(everyone, HorovodCommunicator)
    if size == everyone.size:
        return everyone
    processes = everyone.hvd.add_process_set(ranks)
    return dataclasses.replace(everyone, size=size, processes=processes)

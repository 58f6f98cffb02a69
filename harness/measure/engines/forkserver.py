"""A server that has imported what workers need, and forks a clean process for every call.

Run as ``python -m harness.measure.forkserver MODULE...``, with a socket as its standard input. It
answers one JSON line for every JSON line that it reads there:

a call   with a list of what became of the call's processes, which is one, or one for every rank
         where the call names a number of ranks
serve    with the number of a process that it forked, which imports more, and then serves at the
         socket that came with the line
wait     with how such a process ended
"""

from __future__ import annotations

import contextlib
import gc
import importlib
import json
import os
import signal
import socket
import tempfile
import threading
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from harness.measure.engines import child
from harness.team.communicator import Seat

ASKER = 0  # the descriptor of who asks


def serve(modules: Sequence[str]) -> None:
    """Serve with these modules until nobody asks any more, as does each process forked to serve."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # whoever asked decides what an interrupt means
    os.dup2(2, 1)  # what the modules print must not mix with the answers
    more: Sequence[str] | None = modules
    while more is not None:
        more = _serve(more)


def _serve(modules: Sequence[str]) -> Sequence[str] | None:
    """Import the modules, say whether that left the process fit for forking, then answer.

    It returns None when nobody asks any more, and in a process forked to serve, what that imports.
    """
    for module in modules:
        # A module that can't be imported is tried again in the child, which reports why.
        with contextlib.suppress(Exception):
            importlib.import_module(module)
    # What is here stays: a child's collector, run before every interval, need not look through it.
    gc.collect()
    gc.freeze()
    with socket.socket(fileno=os.dup(ASKER)) as asker:
        _say(asker, {"threads": _threads(), "forks": True})
        while (request := _asked(asker)) is not None:
            if "serve" in request:
                if (pid := os.fork()) == 0:
                    os.dup2(request["at"], ASKER)
                    os.close(request["at"])
                    return list(request["serve"])
                os.close(request["at"])
                _say(asker, {"pid": pid})
            elif "wait" in request:
                _, status = os.waitpid(request["wait"], 0)
                _say(asker, {"exit": os.waitstatus_to_exitcode(status)})
            else:
                _say(asker, _answer(request, asker.fileno()))
    return None


def _asked(asker: socket.socket) -> dict[str, Any] | None:
    """Return what is asked next, with the descriptor that came along; None if nobody asks."""
    line, came, *_ = socket.recv_fds(asker, 1 << 20, 1)
    if not line:
        return None
    while not line.endswith(b"\n"):
        line += asker.recv(1 << 20)
    request: dict[str, Any] = json.loads(line)
    return request | {"at": came[0]} if came else request


def _say(asker: socket.socket, answer: Any) -> None:
    asker.sendall(json.dumps(answer).encode() + b"\n")


def _answer(request: dict[str, Any], asker: int) -> list[dict[str, Any]]:
    ranks = request["ranks"]
    with tempfile.TemporaryDirectory() as folder:
        seats = [None] if ranks is None else [Seat(rank, ranks, folder) for rank in range(ranks)]
        children: list[child.Child] = []
        for seat in seats:
            others = [each.reader for each in children]
            children.append(child.start(request, seat, not_its_own=[asker, *others]))
        if child.collect(children, request["limit_s"], ASKER):
            return [each.outcome() for each in children]
        for each in children:
            each.end()
    os._exit(0)


def _threads() -> int:
    tasks = Path("/proc/self/task")
    return len(list(tasks.iterdir())) if tasks.is_dir() else threading.active_count()

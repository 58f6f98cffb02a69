"""A server that has imported what workers need, and forks a clean process for every call.

Run as ``python -m harness.measure.forkserver MODULE...``: a gate starts the servers of other trees,
so this name stays. It answers one JSON line for every JSON line that it reads:

call     with a list of what became of the call's processes, which is one, or one for every rank
         where the call names a number of ranks
serve    with the number of a process that it forked, which imports more, and then serves at the
         socket that came with the line
wait     with how such a process ended

Its standard input is a socket, at which it answers too. The pipes of older versions will do, but
nothing that is sent along goes through them.
"""

from __future__ import annotations

import contextlib
import gc
import importlib
import json
import os
import signal
import socket
import stat
import sys
import tempfile
import threading
import time
from collections.abc import Sequence
from pathlib import Path
from typing import IO, Any

from harness.measure.engines import child
from harness.team.communicator import Seat

ASKER = 0  # the descriptor of who asks


def serve(modules: Sequence[str]) -> None:
    """Serve with these modules until nobody asks any more, as does each process forked to serve.

    It leaves without unwinding: what modules left to be done at the end is not a copy's to do.
    """
    status = 1
    try:
        signal.signal(signal.SIGINT, signal.SIG_IGN)  # whoever asked decides what it means
        answers = os.dup(ASKER if _is_socket() else 1)
        os.dup2(2, 1)  # what the modules print must not mix with the answers
        more: Sequence[str] | None = modules
        while more is not None:
            more = _serve(more, answers)
            answers = os.dup(ASKER)
        status = 0
    except BaseException:
        sys.excepthook(*sys.exc_info())
    finally:
        os._exit(status)


def _serve(modules: Sequence[str], answers: int) -> Sequence[str] | None:
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
    with os.fdopen(answers, "w") as told:
        _say(told, {"threads": _threads(), "forks": _is_socket()})
        while (request := _asked()) is not None:
            if "serve" in request:
                if (pid := os.fork()) == 0:
                    os.dup2(request["at"], ASKER)
                    os.close(request["at"])
                    return list(request["serve"])
                os.close(request["at"])
                _say(told, {"pid": pid})
            elif "wait" in request:
                _say(told, {"exit": _how_it_ended(request["wait"])})
            else:
                _say(told, _answer(request, told.fileno()))
    return None


def _asked() -> dict[str, Any] | None:
    """Return what is asked next, with the descriptor that came along; None if nobody asks."""
    line, came = b"", list[int]()
    while not line.endswith(b"\n"):
        part, more = _received()
        if not part:
            return None
        line, came = line + part, came + more
    request: dict[str, Any] = json.loads(line)
    return request | {"at": came[0]} if came else request


def _received() -> tuple[bytes, list[int]]:
    if not _is_socket():
        return os.read(ASKER, 1 << 20), []
    with socket.socket(fileno=os.dup(ASKER)) as asker:
        part, came, *_ = socket.recv_fds(asker, 1 << 20, 1)
    return part, came


def _is_socket() -> bool:
    return stat.S_ISSOCK(os.fstat(ASKER).st_mode)


def _say(told: IO[str], answer: Any) -> None:
    told.write(json.dumps(answer) + "\n")
    told.flush()


def _how_it_ended(pid: int) -> int:
    """Return how a process that is to end did; one that something keeps is killed."""
    until = time.monotonic() + child.GRACE_S
    while True:
        ended, status = os.waitpid(pid, os.WNOHANG)
        if ended:
            return os.waitstatus_to_exitcode(status)
        if time.monotonic() > until:
            os.kill(pid, signal.SIGKILL)
        time.sleep(0.002)


def _answer(request: dict[str, Any], answers: int) -> list[dict[str, Any]]:
    ranks = request["ranks"]
    with tempfile.TemporaryDirectory() as folder:
        seats = [None] if ranks is None else [Seat(rank, ranks, folder) for rank in range(ranks)]
        children: list[child.Child] = []
        for seat in seats:
            others = [each.reader for each in children]
            children.append(child.start(request, seat, not_its_own=[answers, *others]))
        if child.collect(children, request["limit_s"], ASKER):
            return [each.outcome() for each in children]
        for each in children:
            each.end()
    os._exit(0)


def _threads() -> int:
    tasks = Path("/proc/self/task")
    return len(list(tasks.iterdir())) if tasks.is_dir() else threading.active_count()


if __name__ == "__main__":
    serve(sys.argv[1:])

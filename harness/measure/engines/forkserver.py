"""A server that has imported what workers need, and forks a clean process for every call.

Run as ``python -m harness.measure.forkserver MODULE...``. It answers one JSON line for every JSON
line it reads: a list of what became of the call's processes, which is one, or one for every rank
where the call names a number of ranks.
"""

from __future__ import annotations

import contextlib
import gc
import importlib
import json
import os
import signal
import tempfile
import threading
from pathlib import Path
from typing import Any

from harness.measure.engines import child
from harness.team.communicator import Seat


def serve(modules: list[str]) -> None:
    """Import the modules, say whether that left the process fit for forking, then answer calls."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # whoever asked decides what an interrupt means
    answers = os.fdopen(os.dup(1), "w", buffering=1)
    os.dup2(2, 1)  # what the modules print must not mix with the answers
    for module in modules:
        # A module that can't be imported is tried again in the child, which reports why.
        with contextlib.suppress(Exception):
            importlib.import_module(module)
    # What is here stays: a child's collector, run before every interval, need not look through it.
    gc.collect()
    gc.freeze()
    answers.write(json.dumps({"threads": _threads()}) + "\n")
    while request := os.read(0, 1 << 20):
        while not request.endswith(b"\n"):
            request += os.read(0, 1 << 20)
        answers.write(json.dumps(_answer(json.loads(request), answers.fileno())) + "\n")


def _answer(request: dict[str, Any], answers: int) -> list[dict[str, Any]]:
    ranks = request["ranks"]
    with tempfile.TemporaryDirectory() as folder:
        seats = [None] if ranks is None else [Seat(rank, ranks, folder) for rank in range(ranks)]
        children: list[child.Child] = []
        for seat in seats:
            others = [each.reader for each in children]
            children.append(child.start(request, seat, not_its_own=[answers, *others]))
        if child.collect(children, request["limit_s"], asker=0):
            return [each.outcome() for each in children]
        for each in children:
            each.end()
    os._exit(0)


def _threads() -> int:
    tasks = Path("/proc/self/task")
    return len(list(tasks.iterdir())) if tasks.is_dir() else threading.active_count()

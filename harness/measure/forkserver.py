"""A server that has imported what workers need, and forks a clean process for every call.

Run as ``python -m harness.measure.forkserver MODULE...``. It answers one JSON line for every JSON
line it reads. A child gets a session of its own, so that ending its group ends all that it started;
it is ended at its limit, and when whoever asked has gone.
"""

from __future__ import annotations

import contextlib
import ctypes
import gc
import importlib
import json
import os
import select
import signal
import sys
import tempfile
import threading
import time
from pathlib import Path
from typing import Any

LOG_TAIL = 2000


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


def _answer(request: dict[str, Any], answers: int) -> dict[str, Any]:
    reader, writer = os.pipe()
    with tempfile.TemporaryFile() as log:
        pid = os.fork()
        if pid == 0:
            os.close(reader)
            os.close(answers)
            _child(request, writer, log.fileno())
        os.close(writer)
        text, timed_out = _collect(reader, pid, request["limit_s"])
        os.close(reader)
        if timed_out:
            _end_group(pid)
        os.waitid(os.P_PID, pid, os.WEXITED | os.WNOWAIT)  # keeps its number from being reused
        _end_group(pid)  # whatever it started and left behind
        status = os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])
        log.seek(0, os.SEEK_END)
        log.seek(max(0, log.tell() - LOG_TAIL))
        tail = log.read().decode(errors="replace")
    return {"text": text, "exit": status, "timed_out": timed_out, "log": tail}


def _child(request: dict[str, Any], writer: int, log: int) -> None:
    """Run one call and leave without unwinding: nothing of the server's may be flushed."""
    status = 1
    try:
        os.setsid()
        _end_with_the_server()
        signal.signal(signal.SIGINT, signal.SIG_DFL)
        nothing = os.open(os.devnull, os.O_RDONLY)
        for source, target in ((nothing, 0), (log, 1), (log, 2)):
            os.dup2(source, target)
        module, _, function = request["call"].partition(":")
        answer = getattr(importlib.import_module(module), function)(request["text"])
        with os.fdopen(writer, "w") as pipe:
            pipe.write(answer)
        status = 0
    except BaseException:
        sys.excepthook(*sys.exc_info())
    finally:
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(status)


def _collect(reader: int, pid: int, limit_s: float) -> tuple[str, bool]:
    """Read what the child writes until it ends, its limit is reached, or the asker is gone."""
    deadline = time.monotonic() + limit_s
    parts: list[bytes] = []
    while (left := deadline - time.monotonic()) > 0:
        ready, _, _ = select.select([reader, 0], [], [], left)
        if reader in ready:
            part = os.read(reader, 1 << 20)
            if not part:
                return b"".join(parts).decode(), False
            parts.append(part)
        elif 0 in ready:  # requests come one at a time, so this is the end of them
            _end_group(pid)
            os._exit(0)
    return "", True


def _end_group(pid: int) -> None:
    # The child may not have made its session yet, or may be gone already.
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.kill(pid, 0)
        os.killpg(pid, signal.SIGKILL)


def _end_with_the_server() -> None:
    """Ask the kernel to end this process should the server be killed; only Linux can."""
    if sys.platform == "linux":
        set_parent_death_signal = 1
        ctypes.CDLL(None).prctl(set_parent_death_signal, signal.SIGKILL)


def _threads() -> int:
    tasks = Path("/proc/self/task")
    return len(list(tasks.iterdir())) if tasks.is_dir() else threading.active_count()


if __name__ == "__main__":
    serve(sys.argv[1:])

"""A child: a process forked for one call, in a session of its own, so that its end is that of all.

It is ended at its limit, and when whoever asked has gone. The ranks of a team are children that
are ended together: none of them is left to wait for one that will not come.
"""

from __future__ import annotations

import contextlib
import ctypes
import importlib
import os
import select
import signal
import sys
import tempfile
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import IO, Any

from harness.priority import go_first
from harness.team.communicator import Seat

LOG_TAIL = 2000

GRACE_S = 5.0
"""How long the ranks of a team may go on after the first has ended: they end within milliseconds
of each other, or else because they noticed that one was gone."""


@dataclass
class Child:
    """One call in a process of its own."""

    pid: int
    reader: int
    log: IO[bytes]
    parts: list[bytes] = field(default_factory=list)
    place: int | None = None  # in the order in which the children of a call ended by themselves

    def take(self) -> bool:
        """Read what it wrote; False at the end of its answer."""
        part = os.read(self.reader, 1 << 20)
        self.parts.append(part)
        return bool(part)

    def end(self) -> None:
        """End it and all that it started."""
        # It may not have made its session yet, or may be gone already.
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.kill(self.pid, 0)
            os.killpg(self.pid, signal.SIGKILL)

    def outcome(self) -> dict[str, Any]:
        """Wait for its end and say what became of it."""
        os.close(self.reader)
        if self.place is None:
            self.end()
        os.waitid(os.P_PID, self.pid, os.WEXITED | os.WNOWAIT)  # keeps its number from being reused
        self.end()  # whatever it started and left behind
        status = os.waitstatus_to_exitcode(os.waitpid(self.pid, 0)[1])
        with self.log:
            self.log.seek(0, os.SEEK_END)
            self.log.seek(max(0, self.log.tell() - LOG_TAIL))
            tail = self.log.read().decode(errors="replace")
        text = "" if self.place is None else b"".join(self.parts).decode()
        return {"text": text, "exit": status, "place": self.place, "log": tail}


def start(request: dict[str, Any], seat: Seat | None, not_its_own: Sequence[int]) -> Child:
    """Fork a child for the call; it closes the descriptors that are not its own."""
    reader, writer = os.pipe()
    log = tempfile.TemporaryFile()  # noqa: SIM115  # closed with the child's outcome
    pid = os.fork()
    if pid == 0:
        for descriptor in (reader, *not_its_own):
            os.close(descriptor)
        _run(request, seat, writer, log.fileno())
    os.close(writer)
    return Child(pid, reader, log)


def collect(children: Sequence[Child], limit_s: float, asker: int) -> bool:
    """Read what the children write until all have ended or must be; False if the asker is gone."""
    deadline = time.monotonic() + limit_s
    going = {child.reader: child for child in children}
    while going and (left := deadline - time.monotonic()) > 0:
        ready, _, _ = select.select([*going, asker], [], [], left)
        if ready == [asker]:  # requests come one at a time, so this is the end of them
            return False
        for child in [going[reader] for reader in ready if reader in going]:
            if not child.take():
                child.place = len(children) - len(going)
                del going[child.reader]
                deadline = min(deadline, time.monotonic() + GRACE_S)
    return True


def _run(request: dict[str, Any], seat: Seat | None, writer: int, log: int) -> None:
    """Run one call and leave without unwinding: nothing of the server's may be flushed."""
    status = 1
    try:
        os.setsid()
        go_first()
        _end_with_the_server()
        signal.signal(signal.SIGINT, signal.SIG_DFL)
        nothing = os.open(os.devnull, os.O_RDONLY)
        for source, target in ((nothing, 0), (log, 1), (log, 2)):
            os.dup2(source, target)
        module, _, name = request["call"].partition(":")
        function = getattr(importlib.import_module(module), name)
        answer = function(request["text"], *([] if seat is None else [seat]))
        with os.fdopen(writer, "w") as pipe:
            pipe.write(answer)
        status = 0
    except BaseException:
        sys.excepthook(*sys.exc_info())
    finally:
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(status)


def _end_with_the_server() -> None:
    """Ask the kernel to end this process should the server be killed; only Linux can."""
    if sys.platform == "linux":
        set_parent_death_signal = 1
        ctypes.CDLL(None).prctl(set_parent_death_signal, signal.SIGKILL)

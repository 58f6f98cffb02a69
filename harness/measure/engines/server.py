"""A server of workers, from the side of who asks it: how it is started, asked and ended."""

from __future__ import annotations

import json
import signal
import socket
import subprocess
import sys
import threading
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any, Self

SERVES = "harness.measure.forkserver"


class EndedOnStarting(Exception):
    """A server ended, with this status, before it had imported all."""


class Server:
    """A process that forks a clean one for every call. It answers one question at a time."""

    def __init__(self, pid: int, line: socket.socket, ended: Callable[[], int]) -> None:
        self.pid = pid
        self._line, self._answers, self._ended = line, line.makefile("r"), ended
        self._asking = threading.Lock()
        try:
            hello = self._next_answer()
        except EOFError:
            self._hang_up()
            raise
        self.threads = int(hello["threads"])
        self.forks = bool(hello.get("forks"))  # an older tree's server does not
        """Whether it can fork servers that import more."""

    @classmethod
    def start(cls, modules: Sequence[str], environment: Mapping[str, str], at: Path | None) -> Self:
        """Start one that imports everything anew."""
        ours, theirs = socket.socketpair()
        with theirs:
            process = subprocess.Popen(
                [sys.executable, "-m", SERVES, *modules],
                stdin=theirs,
                stdout=theirs,
                stderr=subprocess.DEVNULL,
                env=environment,
                cwd=at,  # which Python would search before any path
            )
        return cls._greeted(process.pid, ours, process.wait)

    def fork(self, modules: Sequence[str]) -> Server:
        """Have it fork one that has all that it imported, and imports these as well.

        OSError or EOFError if it can't: it ended.
        """
        ours, theirs = socket.socketpair()
        with theirs, self._asking:
            try:
                socket.send_fds(self._line, [_told({"serve": modules})], [theirs.fileno()])
                pid = int(self._next_answer()["pid"])
            except BaseException:
                ours.close()
                self.stop()  # an answer that nobody took would be taken for the next
                raise
        return self._greeted(pid, ours, lambda: self._how_ended(pid))

    def ask(self, request: Mapping[str, Any]) -> Any:
        with self._asking:
            self._line.sendall(_told(request))
            return self._next_answer()

    def stop(self) -> None:
        """Tell it that nothing will be asked any more: it ends its children, and itself."""
        with suppress(OSError):
            self._line.shutdown(socket.SHUT_WR)

    def ended(self) -> int:
        """Wait for its end, and return how it ended."""
        self.stop()
        status = self._ended()
        self._hang_up()
        return status

    def _hang_up(self) -> None:
        self._answers.close()
        self._line.close()

    def _how_ended(self, pid: int) -> int:
        try:
            return int(self.ask({"wait": pid})["exit"])
        except (OSError, EOFError):  # only who forked it could have told
            return -signal.SIGKILL

    @classmethod
    def _greeted(cls, pid: int, line: socket.socket, ended: Callable[[], int]) -> Self:
        try:
            return cls(pid, line, ended)
        except EOFError:
            raise EndedOnStarting(ended()) from None

    def _next_answer(self) -> Any:
        answer = self._answers.readline()
        if not answer:
            raise EOFError
        return json.loads(answer)


def _told(request: Mapping[str, Any]) -> bytes:
    return json.dumps(request).encode() + b"\n"

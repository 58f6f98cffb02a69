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

from harness.measure.engines.child import GRACE_S

SERVES = "harness.measure.forkserver"


class EndedOnStarting(Exception):
    """A server ended, with this status, before it had imported all."""


class Gone(Exception):
    """A server can't be asked: it has ended, or is being ended."""


class Server:
    """A process that forks a clean one for every call. It answers one question at a time."""

    def __init__(self, pid: int, line: socket.socket, ended: Callable[[], int]) -> None:
        self.pid = pid
        self._line, self._answers, self._ended = line, line.makefile("r"), ended
        self._asking = threading.Lock()
        try:
            hello = self._answer()
        except BaseException:
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
                stdin=theirs.fileno(),
                stdout=theirs.fileno(),
                stderr=subprocess.DEVNULL,
                env=environment,
                cwd=at,  # which Python would search before any path
            )
        return cls._greeted(process.pid, ours, lambda: _how_ended(process))

    def fork(self, modules: Sequence[str]) -> Server:
        """Have it fork one that has all that it imported, and imports these as well."""
        ours, theirs = socket.socketpair()
        with theirs:
            try:
                pid = int(self.ask({"serve": modules}, theirs.fileno())["pid"])
            except BaseException:
                ours.close()
                raise
        return self._greeted(pid, ours, lambda: self._how_it_ended(pid))

    def ask(self, request: Mapping[str, Any], *descriptors: int) -> Any:
        """Return its answer to a request, with which descriptors may be sent along."""
        with self._asking:
            try:
                told = json.dumps(request).encode() + b"\n"
                if descriptors:  # they go with the first bytes, of which all may not go at once
                    told = told[socket.send_fds(self._line, [told], descriptors) :]
                self._line.sendall(told)
                return self._answer()
            except BaseException as error:
                self.stop()  # an answer that nobody took would be taken for the next
                if isinstance(error, OSError):
                    raise Gone from error
                raise

    def stop(self) -> None:
        """Hang up: it ends its children and itself, and nobody waits for an answer any more."""
        with suppress(OSError):
            self._line.shutdown(socket.SHUT_RDWR)

    def ended(self) -> int:
        """Have it end, and return how it did."""
        self.stop()
        status = self._ended()
        self._hang_up()
        return status

    @classmethod
    def _greeted(cls, pid: int, line: socket.socket, ended: Callable[[], int]) -> Self:
        try:
            return cls(pid, line, ended)
        except Gone:
            raise EndedOnStarting(ended()) from None

    def _answer(self) -> Any:
        try:
            return json.loads(self._answers.readline())
        except (OSError, ValueError) as error:  # nothing came, or not all of it
            raise Gone from error

    def _how_it_ended(self, pid: int) -> int:
        try:
            return int(self.ask({"wait": pid})["exit"])
        except Gone:  # only who forked it could have told
            return -signal.SIGKILL

    def _hang_up(self) -> None:
        self._answers.close()
        self._line.close()


def _how_ended(process: subprocess.Popen[bytes]) -> int:
    try:
        return process.wait(GRACE_S)
    except subprocess.TimeoutExpired:  # something that it imported keeps it
        process.kill()
        return process.wait()

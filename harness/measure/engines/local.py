"""This machine: fresh processes for every call, forked from a server that has done the imports."""

from __future__ import annotations

import os
import sys
import threading
from collections import defaultdict
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path

from harness.errors import NothingMeasured
from harness.measure.engines.engine import Answer, Engine, Resources
from harness.measure.engines.server import EndedOnStarting, Server
from harness.registry import ROOT

# Threads that a library starts when it is imported would not survive the fork, as those of OpenBLAS
# and of Arrow's allocator, which learn2learn brings by way of pandas. Those of OpenMP are to sleep
# while they wait for a turn, for others are timed meanwhile; but between two operators, waking each
# other would cost more than the work, so they first spin for some microseconds.
ENVIRONMENT = {
    "OPENBLAS_NUM_THREADS": "1",
    "JE_ARROW_MALLOC_CONF": "background_thread:false",
    "OMP_WAIT_POLICY": "PASSIVE",
    "GOMP_SPINCOUNT": "10000",
}
# The last two are what torch itself imports on first use: at every first meta tensor, and when it
# counts operations.
ALWAYS = ("torch", "torch.func", "harness.measure.worker", "sympy", "torch._dynamo")


class LocalEngine(Engine):
    """Calls functions in fresh processes; a server for each set of imports.

    All servers but the first are forked from it, so that what it imported is imported and kept
    once. A server answers one call at a time. Who calls while it does is given another one. All
    code comes from one tree: this one, unless another checkout's folder is given.
    """

    in_turns = True

    def __init__(self, root: Path | None = None) -> None:
        self._root = root
        self._first: Server | None = None
        self._idle: dict[tuple[str, ...], list[Server]] = defaultdict(list)
        self._servers: list[Server] = []
        self._starting = threading.Lock()

    def _called(
        self,
        function: str,
        text: str,
        limit_s: float,
        imports: Sequence[str],
        ranks: int | None,
        resources: Resources,
    ) -> list[Answer]:
        known = tuple(imports)
        idle = self._idle[known]
        try:
            server = idle.pop()
        except IndexError:
            server = self._another(known)
        try:
            request = {"call": function, "text": text, "limit_s": limit_s, "ranks": ranks}
            answers = [Answer(**each) for each in server.ask(request)]
            idle.append(server)
            return answers
        except (OSError, EOFError, ValueError):  # it ended, or the engine is being left
            status = self._ended(server)
            return [Answer("", status, 0, "the server that starts workers ended")] * (ranks or 1)

    def _another(self, imports: tuple[str, ...]) -> Server:
        with self._starting:
            server = self._start(imports)
            if server is None:  # a worker that does these imports says what is wrong with them
                server = self._start(())
        if server is None:
            raise NothingMeasured("the servers that start workers are ended from outside")
        self._servers.append(server)
        return server

    def _start(self, imports: tuple[str, ...]) -> Server | None:
        """Return a server that has the imports, if it is fit for forking after them."""
        if self._first is None:
            self._first = self._first_of_all()
        if self._first.threads > 1:
            raise NothingMeasured(
                f"importing torch started {self._first.threads - 1} threads, so workers cannot be "
                "forked. Unset variables that make it do so (such as OMP_* or *_NUM_THREADS)."
            )
        try:
            server = self._first.fork(imports) if self._first.forks else self._started(imports)
        except EndedOnStarting:
            return None
        except (OSError, EOFError):  # the first was ended from outside
            self._first.ended()
            self._first = None
            return None
        if server.threads > 1:
            server.ended()
            return None
        return server

    def _started(self, imports: tuple[str, ...]) -> Server:
        path = os.pathsep.join(
            filter(None, [str(self._root or ROOT), os.environ.get("PYTHONPATH")])
        )
        environment = os.environ | ENVIRONMENT | {"PYTHONPATH": path}
        return Server.start([*ALWAYS, *imports], environment, self._root)

    def _first_of_all(self) -> Server:
        try:
            return self._started(())
        except EndedOnStarting as error:
            raise NothingMeasured(
                f"the server that starts workers ended with status {error} on starting. "
                f"Try: {sys.executable} -c 'import {', '.join(ALWAYS)}'"
            ) from None

    def close(self) -> None:
        for server in [*self._servers]:  # a call in another thread may still wait for one of them
            self._ended(server)
        self._idle.clear()
        if self._first is not None:
            self._first.ended()
            self._first = None

    def _ended(self, server: Server) -> int:
        with suppress(ValueError):
            self._servers.remove(server)
            return server.ended()
        return 0

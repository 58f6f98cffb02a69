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
from harness.measure.engines.engine import ANY, Answer, Engine, Resources
from harness.measure.engines.server import EndedOnStarting, Gone, Server
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
TRIES = 3  # at a first server that something else keeps ending


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
        self._forks = True  # until a tree of before that could turns out not to
        self._idle: dict[tuple[str, ...], list[Server]] = defaultdict(list)
        self._servers: list[Server] = []
        self._closed = False
        self._changing = threading.Lock()

    def call_ranks(
        self,
        function: str,
        text: str,
        limit_s: float,
        imports: Sequence[str],
        ranks: int | None,
        resources: Resources = ANY,
    ) -> list[Answer]:
        request = {"call": function, "text": text, "limit_s": limit_s, "ranks": ranks}
        idle, server = self._idle[tuple(imports)], None
        try:
            try:
                server = idle.pop()
            except IndexError:
                server = self._another(tuple(imports))
            answers = [Answer(**each) for each in server.ask(request)]
        except Gone:  # it ended, or the engine is being left
            status = 0 if server is None else self._ended(server)
            return [Answer("", status, 0, "the server that starts workers ended")] * (ranks or 1)
        idle.append(server)
        return answers

    def _another(self, imports: tuple[str, ...]) -> Server:
        """Return a further server; a worker that does the imports says what is wrong with them."""
        server = self._fit(imports) or self._fit(())
        if server is None:
            raise NothingMeasured("no server that starts workers is fit for it.")
        with self._changing:
            if not self._closed:
                self._servers.append(server)
                return server
        server.ended()
        raise Gone

    def _fit(self, imports: tuple[str, ...]) -> Server | None:
        """Return a server that has the imports, if it is fit for forking after them."""
        try:
            server = self._forked(imports)
        except EndedOnStarting:
            return None
        if server.threads == 1:
            return server
        server.ended()
        return None

    def _forked(self, imports: tuple[str, ...]) -> Server:
        for _ in range(TRIES):
            if (first := self._first_server()) is None:
                return self._started(imports)
            try:
                return first.fork(imports)
            except Gone:  # it was ended from outside
                self._forget(first)
        raise NothingMeasured("the server that starts workers was ended from outside too often.")

    def _first_server(self) -> Server | None:
        """Return the server that others are forked from, if this tree's can be."""
        with self._changing:
            if self._closed:
                raise Gone
            if self._first is None and self._forks:
                self._first = self._first_started()
                self._forks = self._first.forks
                if not self._forks:
                    self._servers.append(self._first)
                    self._idle[()].append(self._first)
            return self._first if self._forks else None

    def _first_started(self) -> Server:
        try:
            server = self._started(())
        except EndedOnStarting as error:
            raise NothingMeasured(
                f"the server that starts workers ended with status {error} on starting. "
                f"Try: {sys.executable} -c 'import {', '.join(ALWAYS)}'"
            ) from None
        if server.threads > 1:  # forking it would not be safe
            server.ended()
            raise NothingMeasured(
                f"importing torch started {server.threads - 1} threads, so workers cannot be "
                "forked. Unset variables that make it do so (such as OMP_* or *_NUM_THREADS)."
            )
        return server

    def _started(self, imports: tuple[str, ...]) -> Server:
        paths = [str(self._root or ROOT), os.environ.get("PYTHONPATH")]
        path = os.pathsep.join(filter(None, paths))
        environment = os.environ | ENVIRONMENT | {"PYTHONPATH": path}
        return Server.start([*ALWAYS, *imports], environment, self._root)

    def _forget(self, first: Server) -> None:
        with self._changing:
            if self._first is not first:
                return
            self._first = None
        first.ended()

    def close(self) -> None:
        with self._changing:
            self._closed = True
            first, self._first = self._first, None
        for server in [*self._servers]:  # a call in another thread may still wait for one of them
            self._ended(server)
        self._idle.clear()
        if first is not None and self._forks:
            first.ended()

    def _ended(self, server: Server) -> int:
        with suppress(ValueError):
            self._servers.remove(server)
            return server.ended()
        return 0

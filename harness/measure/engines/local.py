"""This machine: fresh processes for every call, forked from a server that has done the imports."""

from __future__ import annotations

import contextlib
import json
import os
import subprocess
import sys
from collections import defaultdict
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any, TypeAlias

from harness.errors import NothingMeasured
from harness.measure.engines.engine import Answer, Engine, Resources
from harness.registry import ROOT

# Threads that a library starts when it is imported would not survive the fork. Those of OpenMP are
# to sleep while they wait for a turn, for others are timed meanwhile; but between two operators,
# waking each other would cost more than the work, so they first spin for some microseconds.
ENVIRONMENT = {
    "OPENBLAS_NUM_THREADS": "1",
    "OMP_WAIT_POLICY": "PASSIVE",
    "GOMP_SPINCOUNT": "10000",
}
# The last two are what torch itself imports on first use: at every first meta tensor, and when it
# counts operations.
ALWAYS = ("torch", "torch.func", "harness.measure.worker", "sympy", "torch._dynamo")


Server: TypeAlias = "subprocess.Popen[str]"


class LocalEngine(Engine):
    """Calls functions in fresh processes; a server for each set of imports.

    A server answers one call at a time. Who calls while it does is given another one. All code
    comes from one tree: this one, unless another checkout's folder is given.
    """

    in_turns = True

    def __init__(self, root: Path | None = None) -> None:
        self._root = root
        self._idle: dict[tuple[str, ...], list[Server]] = defaultdict(list)
        self._servers: list[Server] = []

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
            assert server.stdin is not None
            request = {"call": function, "text": text, "limit_s": limit_s, "ranks": ranks}
            server.stdin.write(json.dumps(request) + "\n")
            server.stdin.flush()
            answers = [Answer(**each) for each in _read(server)]
            idle.append(server)
            return answers
        except (BrokenPipeError, EOFError, ValueError):  # it ended, or the engine is being left
            status = self._stopped(server)
            return [Answer("", status, 0, "the server that starts workers ended")] * (ranks or 1)

    def _another(self, imports: tuple[str, ...]) -> Server:
        server, threads = _start(imports, self._root)
        if threads > 1:  # forking it would not be safe, so let the workers do these imports
            _stop(server)
            server, threads = _start((), self._root)
        if threads > 1:
            _stop(server)
            raise NothingMeasured(
                f"importing torch started {threads - 1} threads, so workers cannot be forked. "
                "Unset variables that make it do so (such as OMP_* or *_NUM_THREADS)."
            )
        self._servers.append(server)
        return server

    def close(self) -> None:
        for server in [*self._servers]:  # a call in another thread may still wait for one of them
            self._stopped(server)
        self._idle.clear()

    def _stopped(self, server: Server) -> int:
        with suppress(ValueError):
            self._servers.remove(server)
            return _stop(server)
        return 0


def _start(imports: tuple[str, ...], root: Path | None) -> tuple[subprocess.Popen[str], int]:
    server = subprocess.Popen(
        [sys.executable, "-m", "harness.measure.forkserver", *ALWAYS, *imports],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
        env=os.environ | ENVIRONMENT | {"PYTHONPATH": _python_path(root or ROOT)},
        cwd=root,  # which Python would search before any path
    )
    try:
        return server, int(_read(server)["threads"])
    except EOFError:
        raise NothingMeasured(
            f"the server that starts workers ended with status {_stop(server)} on starting. "
            f"Try: {sys.executable} -m harness.measure.forkserver {' '.join(ALWAYS)}"
        ) from None


def _python_path(root: Path) -> str:
    """Let the server find the harness wherever it is started from."""
    return os.pathsep.join(filter(None, [str(root), os.environ.get("PYTHONPATH")]))


def _read(server: subprocess.Popen[str]) -> Any:
    assert server.stdout is not None
    line = server.stdout.readline()
    if not line:
        raise EOFError
    return json.loads(line)


def _stop(server: subprocess.Popen[str]) -> int:
    """Close its requests: it ends the child in flight, if any, and itself."""
    assert server.stdin is not None
    assert server.stdout is not None
    with server.stdout, contextlib.suppress(BrokenPipeError):
        server.stdin.close()
    return server.wait()

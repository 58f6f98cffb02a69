"""A cage for code that reads hostile files: a process of its own, with bounds that are watched."""

from __future__ import annotations

import contextlib
import io
import json
import os
import resource
import select
import signal
import sys
import time
import traceback
from collections.abc import Callable
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

MOST_MEMORY = 2 << 30  # bytes of address space beyond what is taken already
MUCH_MEMORY = 1 << 30  # bytes of memory, beyond likewise

WRITES = os.O_WRONLY | os.O_RDWR | os.O_CREAT | os.O_TRUNC | os.O_APPEND
CHANGES = {"os.mkdir", "os.remove", "os.rename", "os.rmdir", "os.symlink", "os.link", "os.truncate"}
FOLLOW = {"os.mkdir", "os.truncate"}
"""Of these, what a link at the end of a path leads to; the others change the link itself."""
STARTS = {"os.system", "os.exec", "os.posix_spawn", "subprocess.Popen"}
HARMLESS = ("git", os.devnull)


@dataclass
class Told:
    """What became of a call in a cage."""

    code: int | None = None
    out: str = ""
    error: str = ""
    peak: int = 0  # bytes
    outside: list[str] = field(default_factory=list)
    """What it wrote or started that it must not."""
    seconds: float = 0.0

    @property
    def hung(self) -> bool:
        return self.code is None and not self.error


def caged(call: Callable[[], int], folder: Path, limit_s: float) -> Told:
    """Make the call in a process that is ended at the limit and may write to the folder alone."""
    reader, writer = os.pipe()
    start = time.monotonic()
    child = os.fork()
    if child == 0:
        os.close(reader)
        os.setsid()
        _answer(call, folder, writer)
    os.close(writer)
    parts: list[bytes] = []
    while (left := start + limit_s - time.monotonic()) > 0:
        if select.select([reader], [], [], left)[0]:
            parts.append(os.read(reader, 1 << 20))
            if not parts[-1]:
                break
    os.close(reader)
    ended = bool(parts) and not parts[-1]
    with contextlib.suppress(ProcessLookupError):
        os.killpg(child, signal.SIGKILL)
    status = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
    told = Told(**json.loads(text)) if (text := b"".join(parts)) and ended else Told()
    if ended and not text:
        told.error = f"its process ended with status {status}"
    told.seconds = time.monotonic() - start
    return told


def _answer(call: Callable[[], int], folder: Path, writer: int) -> None:
    told, allowed = Told(), os.path.realpath(folder)
    out, error = io.StringIO(), io.StringIO()
    os.chdir(folder)
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024
    try:
        taken = int(Path("/proc/self/statm").read_text().split()[0]) * os.sysconf("SC_PAGE_SIZE")
        resource.setrlimit(resource.RLIMIT_AS, (taken + MOST_MEMORY,) * 2)
        sys.addaudithook(lambda event, arguments: _watch(event, arguments, allowed, told.outside))
        with contextlib.redirect_stdout(out), contextlib.redirect_stderr(error):
            told.code = call()
    except SystemExit as left:
        told.code = left.code if isinstance(left.code, int) else 1
    except BaseException:
        error.write(traceback.format_exc())
    told.out, told.error = out.getvalue(), error.getvalue()
    told.peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024 - before
    with os.fdopen(writer, "w") as pipe:
        pipe.write(json.dumps(asdict(told)))
    os._exit(0)


def _watch(event: str, arguments: tuple[Any, ...], allowed: str, outside: list[str]) -> None:
    """Take down what is written outside the folder, and what is started."""
    follows = event in FOLLOW
    if event == "open":
        path, _, flags = arguments
        if isinstance(path, int) or not isinstance(flags, int) or not flags & WRITES:
            return
        follows = not flags & os.O_NOFOLLOW
    elif event in CHANGES | STARTS:
        path = arguments[1 if event in ("os.rename", "os.link") else 0]
    else:
        return
    name = os.fsdecode(path) if isinstance(path, str | bytes | os.PathLike) else str(path)
    if event in STARTS:
        if os.path.basename(name) not in HARMLESS:
            outside.append(f"{event} {name}")
    elif name not in HARMLESS:
        parent, last = os.path.split(os.path.abspath(name))
        place = os.path.realpath(name) if follows else f"{os.path.realpath(parent)}{os.sep}{last}"
        # The folder itself may be made if it is not there.
        if not place.startswith(f"{allowed}{os.sep}") and (event, place) != ("os.mkdir", allowed):
            outside.append(f"{event} {name}")

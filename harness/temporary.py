"""Temporary folders that are told from leftovers by a lock.

Whoever uses a folder holds a lock on a file in it. The kernel lets go of the lock when the process
ends, however it ends, so a folder whose lock can be had is a leftover. Numbers of processes would
not do: containers that share a temporary folder have numbers of their own.
"""

from __future__ import annotations

import contextlib
import fcntl
import os
import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path

from harness.errors import UsageError

PREFIX = "harness.gate."
LOCK = "lock"

SHORT = Path("/tmp")  # where most systems keep what is temporary
LONGEST_SOCKET = 100
"""Bytes of a socket's path: Linux takes 107, macOS 103."""


@contextlib.contextmanager
def temporary_folder(*, for_sockets: bool = False) -> Iterator[Path]:
    """Make a folder that no other process takes for a leftover, for as long as the block lasts."""
    parent = _short_enough() if for_sockets else Path(tempfile.gettempdir())
    folder, lock = _made_and_locked(parent)
    try:
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)
        os.close(lock)  # not before: it must not look like a leftover while it is being removed


def remove_leftovers() -> bool:
    """Remove the folders whose processes have ended without doing so; say if there were any."""
    found = False
    for parent in {Path(tempfile.gettempdir()), SHORT}:
        for folder in parent.glob(f"{PREFIX}*"):
            if folder.is_symlink() or not _is_ours(folder):
                continue
            # One that is just being made, removed or used by another gate is not ours to remove.
            with contextlib.suppress(OSError), _locked(folder):
                shutil.rmtree(folder, ignore_errors=True)
                found = True
    return found


def _made_and_locked(parent: Path) -> tuple[Path, int]:
    while True:
        try:
            folder = Path(tempfile.mkdtemp(prefix=PREFIX, dir=parent))
        except OSError as error:
            raise UsageError(
                f"{parent}: cannot make a temporary folder there: {error.strerror}. "
                "Set TMPDIR to a folder with free space where you may write."
            ) from None
        # Between the two, it looks like a leftover to another gate: then another one is made.
        with contextlib.suppress(BlockingIOError, FileNotFoundError):
            return folder, _lock(folder)


@contextlib.contextmanager
def _locked(folder: Path) -> Iterator[None]:
    lock = _lock(folder)
    try:
        yield
    finally:
        os.close(lock)


def _lock(folder: Path) -> int:
    """Return the lock on a folder; BlockingIOError if another has it, or if it is gone."""
    path = folder / LOCK
    lock = os.open(path, os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW, 0o600)
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        # Another may have removed it in the meantime, with all that stood beside it.
        if not os.path.samestat(os.fstat(lock), path.stat()):
            raise BlockingIOError
    except OSError:
        os.close(lock)
        raise
    return lock


def _is_ours(folder: Path) -> bool:
    try:
        return folder.stat().st_uid == os.getuid()
    except OSError:  # it has just gone
        return False


def _short_enough() -> Path:
    """Return a folder in which a socket's path is not too long for the system."""
    usual = Path(tempfile.gettempdir())
    for parent in (usual, SHORT):
        # As long as the names that are made there, and a socket's in them.
        if len(os.fsencode(parent / f"{PREFIX}12345678" / "again")) <= LONGEST_SOCKET and os.access(
            parent, os.W_OK | os.X_OK
        ):
            return parent
    raise UsageError(
        f"TMPDIR={usual}: too long for a socket's path, and {SHORT} is not writable. "
        f"Set TMPDIR to a folder whose path has fewer than {LONGEST_SOCKET - 30} characters."
    )

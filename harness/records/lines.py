"""Files of lines that are only ever appended, each whole or not at all.

Every line is on disk before the next one is begun, so a kill can tear the last line and no other.
"""

from __future__ import annotations

import contextlib
import fcntl
import os
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO

from harness.errors import StoreError
from harness.reading import lines_in


def lines_of(path: Path) -> Iterator[tuple[bytes, bool]]:
    """Yield each line of a file and whether it is whole: a kill may have torn the last one."""
    if path.exists() and not (path.is_file() or path.is_dir()):  # a pipe or device need not end
        raise StoreError(f"{path}: not a file. Name one that holds lines.")
    with path.open("rb") as file:
        for line in lines_in(file, path):
            whole = line.endswith(b"\n")
            yield (line[:-1] if whole else line), whole


def read_lines(path: Path) -> tuple[list[bytes], bytes]:
    """Return the whole lines of a file, and what a kill has left of one more."""
    found = list(lines_of(path))
    torn = b"" if not found or found[-1][1] else found.pop()[0]
    return [line for line, _ in found], torn


class Appender:
    """A file of lines that is open for appending, by one process at a time."""

    def __init__(self, path: Path, file: int) -> None:
        self._path, self._file = path, file

    def set_torn_line_aside(self, into: Path) -> bool:
        """Move the rest of a torn last line to another file, and say whether there was one."""
        torn = b""
        for line, whole in lines_of(self._path):
            torn = b"" if whole else line
        if not torn:
            return False
        with open_in_place(into, os.O_APPEND) as aside:
            aside.write(torn + b"\n")
        os.ftruncate(self._file, os.fstat(self._file).st_size - len(torn))
        return True

    def append(self, text: str) -> None:
        """Add lines; a disk without room for all of them gets none."""
        line = memoryview(text.encode())
        start = os.lseek(self._file, 0, os.SEEK_END)
        try:
            while line:
                line = line[os.write(self._file, line) :]
            os.fsync(self._file)
        except OSError:
            os.ftruncate(self._file, start)
            raise


def open_in_place(path: Path, flags: int) -> BinaryIO:
    """Open a file for writing where it stands: a link in a folder of others may lead anywhere."""
    return os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_NOFOLLOW | flags, 0o666), "wb")


@contextlib.contextmanager
def appending(path: Path, *, wait: bool = False) -> Iterator[Appender]:
    """Open a file that is there, and wait for or raise BlockingIOError at another who has it."""
    with path.open("r+b", buffering=0) as file:
        fcntl.flock(file, fcntl.LOCK_EX if wait else fcntl.LOCK_EX | fcntl.LOCK_NB)
        yield Appender(path, file.fileno())


@contextlib.contextmanager
def explained(what: str, next_step: str) -> Iterator[None]:
    """Turn an operating system's error into a message that names its subject and the way out."""
    try:
        yield
    except OSError as error:
        raise StoreError(f"{what}: {error.strerror or error}. {next_step}") from error

"""A run folder: one manifest, and records that are only ever appended.

Every record is on disk before the next block starts, so whatever kills a run costs the block in
flight at most. A last line that was torn by a kill is recognised and set aside.
"""

from __future__ import annotations

import contextlib
import fcntl
import os
from collections.abc import Iterator
from pathlib import Path

from harness.errors import StoreError, UsageError
from harness.records.manifest import Manifest, manifest_from
from harness.records.record import Record, record_from

MANIFEST, RECORDS, TORN = "manifest.json", "records.jsonl", "records.torn"

RESUME = "What was recorded before is whole: put this right, then go on with resume= or report."
ANOTHER = "Name a new or an empty folder, where you may write and there is room."
READABLE = "Name a run folder that is whole and that you may read."


class Store:
    """The files of one run. Make one with `create` or `open`."""

    def __init__(self, folder: Path, manifest: Manifest, notes: tuple[str, ...] = ()) -> None:
        self.folder = folder
        self.manifest = manifest
        self.notes = notes  # what was found amiss in its files, and what became of it

    @classmethod
    def create(cls, folder: Path, manifest: Manifest) -> Store:
        """Start a run in a new or empty folder."""
        require_fresh(folder)
        with _explained(f"out={folder}", ANOTHER):
            folder.mkdir(parents=True, exist_ok=True)
            try:
                (folder / RECORDS).touch()
                _replace(folder / MANIFEST, manifest.to_json().encode())
            except OSError:
                (folder / RECORDS).unlink(missing_ok=True)  # so that the folder is empty again
                raise
        return cls(folder, manifest)

    @classmethod
    def open(cls, folder: Path) -> Store:
        """Open the run in a folder for reading."""
        path = folder / MANIFEST
        with _explained(str(path), READABLE):
            if not path.is_file():
                raise UsageError(
                    f"{folder}: not a run (it has no {MANIFEST}). "
                    "Name a run folder, such as those that `run` makes under results/."
                )
            text = path.read_bytes()
        return cls(folder, manifest_from(text, str(path)))

    def records(self) -> list[Record]:
        """Return the records in the order of their writing; a torn last line is left out."""
        path = self.folder / RECORDS
        with _explained(str(path), READABLE):
            whole, _, torn = path.read_bytes().rpartition(b"\n")
        if torn:
            self._note(f"{path}: the last record was torn and is left out.")
        lines = whole.split(b"\n") if whole else []
        return [record_from(line, f"{path}, line {n}") for n, line in enumerate(lines, start=1)]

    @contextlib.contextmanager
    def writing(self) -> Iterator[Writer]:
        """Open the records for appending; one process at a time may."""
        path = self.folder / RECORDS
        with contextlib.ExitStack() as stack:
            with _explained(str(path), RESUME):  # nothing of what the caller does meanwhile
                file = stack.enter_context(path.open("r+b", buffering=0))
                try:
                    fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
                except BlockingIOError:
                    raise UsageError(
                        f"{self.folder}: another process is writing to this run. "
                        "Wait for it to end, or name another folder."
                    ) from None
                self._set_torn_line_aside(file.fileno())
            yield Writer(path, file.fileno())

    def _set_torn_line_aside(self, file: int) -> None:
        text = (self.folder / RECORDS).read_bytes()
        end = text.rfind(b"\n") + 1
        if torn := text[end:]:
            with (self.folder / TORN).open("ab") as aside:
                aside.write(torn + b"\n")
            os.ftruncate(file, end)
            self._note(
                f"{self.folder / RECORDS}: the last record was torn; it is set aside in {TORN} "
                "and its block is measured again."
            )

    def _note(self, note: str) -> None:
        if note not in self.notes:
            self.notes += (note,)


class Writer:
    """Appends whole records or nothing."""

    def __init__(self, path: Path, file: int) -> None:
        self._path, self._file = path, file

    def append(self, record: Record) -> None:
        line = memoryview(record.to_line().encode())
        with _explained(str(self._path), RESUME):
            start = os.lseek(self._file, 0, os.SEEK_END)
            try:
                while line:
                    line = line[os.write(self._file, line) :]
                os.fsync(self._file)
            except OSError:
                os.ftruncate(self._file, start)
                raise


def require_fresh(folder: Path) -> None:
    """Say so when a folder can't become a new run's."""
    with _explained(f"out={folder}", ANOTHER):
        if (folder / MANIFEST).exists():
            raise UsageError(
                f"out={folder}: a run is there. Name a new or an empty folder, "
                f"or finish the run with resume={folder}."
            )
        if folder.is_dir() and any(folder.iterdir()):
            raise UsageError(f"out={folder}: not empty. {ANOTHER}")
        standing = next(
            parent for parent in (folder, *folder.absolute().parents) if parent.exists()
        )
        if not standing.is_dir():
            raise UsageError(f"out={folder}: {standing} is a file. {ANOTHER}")
        if not os.access(standing, os.W_OK | os.X_OK):
            raise UsageError(f"out={folder}: may not write in {standing}. {ANOTHER}")


def replace_file(path: Path, content: bytes) -> None:
    """Write a file whole or not at all."""
    with _explained(str(path), RESUME):
        _replace(path, content)


def _replace(path: Path, content: bytes) -> None:
    draft = path.with_name(f".{path.name}.draft")
    try:
        with draft.open("wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        draft.replace(path)
    except OSError:
        with contextlib.suppress(OSError):
            draft.unlink()
        raise


@contextlib.contextmanager
def _explained(what: str, next_step: str) -> Iterator[None]:
    """Turn an operating system's error into a message that names its subject and the way out."""
    try:
        yield
    except OSError as error:
        raise StoreError(f"{what}: {error.strerror or error}. {next_step}") from error

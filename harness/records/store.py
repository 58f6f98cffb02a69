"""A run folder: one manifest, and records that are only ever appended.

Every record is on disk as soon as its block, or its round, has ended, so whatever kills a run costs
what is in flight at most. A last line that was torn by a kill is recognised and set aside.
"""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterator, Mapping
from pathlib import Path

from harness.builtin import builtin_passes
from harness.declare.passes import Pass, Seen
from harness.errors import UsageError
from harness.reading import read_whole
from harness.records.lines import Appender, appending, explained, lines_of, open_in_place
from harness.records.manifest import Manifest, manifest_from
from harness.records.record import Record, records_from

MANIFEST, RECORDS, TORN = "manifest.json", "records.jsonl", "records.torn"

RESUME = "All earlier records are kept. Correct this, then use resume= or report."
ANOTHER = "Name a new or empty folder with free space, where you may write."
ANOTHER_FILE = "Name a file in a folder with free space, where you may write."
MOST_OF_MANIFEST = 2**26  # with 100,000 blocks it has a tenth of that
READABLE = "Name a complete run folder that you may read."


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
        with explained(f"out={folder}", ANOTHER):
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
        with explained(str(path), READABLE):
            if not path.is_file():
                raise UsageError(
                    f"{folder}: not a run (it has no {MANIFEST}). "
                    "Name a run folder, such as those that `run` makes under results/."
                )
            text = read_whole(path, MOST_OF_MANIFEST)
        return cls(folder, manifest_from(text, str(path)))

    def records(self, passes: Mapping[str, Pass[Seen]] | None = None) -> list[Record[Seen]]:
        """Return the records in the order of their writing; a torn last line is left out.

        The passes are those that are known; without any, the harness's own are.
        """
        known = builtin_passes() if passes is None else passes
        path = self.folder / RECORDS
        found: list[Record[Seen]] = []
        with explained(str(path), READABLE):
            for number, (line, whole) in enumerate(lines_of(path), start=1):
                if whole:
                    found += records_from(line, f"{path}, line {number}", known)
                else:
                    self._note(f"{path}: the last record is incomplete and was left out.")
        return found

    @contextlib.contextmanager
    def writing(self) -> Iterator[Writer]:
        """Open the records for appending; one process at a time may."""
        path = self.folder / RECORDS
        if path.is_symlink():
            raise UsageError(f"{path}: a link, behind which nothing is written. {RESUME}")
        with contextlib.ExitStack() as stack:
            with explained(str(path), RESUME):  # nothing of what the caller does meanwhile
                try:
                    lines = stack.enter_context(appending(path))
                except BlockingIOError:
                    raise UsageError(
                        f"{self.folder}: another process is writing to this run. "
                        "Wait for it to end, or name another folder."
                    ) from None
                if lines.set_torn_line_aside(self.folder / TORN):
                    self._note(
                        f"{path}: the last record was incomplete; it was moved to {TORN}, "
                        "and its block is measured again."
                    )
            yield Writer(path, lines)

    def _note(self, note: str) -> None:
        if note not in self.notes:
            self.notes += (note,)


class Writer:
    """Appends whole records or nothing."""

    def __init__(self, path: Path, lines: Appender) -> None:
        self._path, self._lines = path, lines

    def append(self, *records: Record[Seen]) -> None:
        with explained(str(self._path), RESUME):
            self._lines.append("".join(record.to_line() for record in records))


def require_fresh(folder: Path) -> None:
    """Say so when a folder can't become a new run's."""
    with explained(f"out={folder}", ANOTHER):
        if (folder / MANIFEST).exists():
            raise UsageError(
                f"out={folder}: the folder already holds a run. Name a new or empty folder, "
                f"or finish the run with resume={folder}."
            )
        if folder.is_dir() and not all(map(_left_by_a_start, folder.iterdir())):
            raise UsageError(f"out={folder}: the folder is not empty. {ANOTHER}")
        standing = next(
            parent for parent in (folder, *folder.absolute().parents) if parent.exists()
        )
        if not standing.is_dir():
            raise UsageError(f"out={folder}: {standing} is a file. {ANOTHER}")
        if not os.access(standing, os.W_OK | os.X_OK):
            raise UsageError(f"out={folder}: no permission to write in {standing}. {ANOTHER}")


def _left_by_a_start(path: Path) -> bool:
    """Whether a run that was killed before it had a manifest left this; it measured nothing."""
    if path.name == RECORDS:
        return path.is_file() and not path.is_symlink() and not path.stat().st_size
    return path == _draft(path.parent / MANIFEST)


def replace_file(path: Path, content: bytes, next_step: str = RESUME) -> None:
    """Write a file whole or not at all."""
    with explained(str(path), next_step):
        _replace(path, content)


def require_replaceable(path: Path, what: str) -> None:
    """Say so before it is wanted if a file could not be written whole."""
    with explained(what, ANOTHER_FILE):
        if path.exists() and not path.is_file():
            raise UsageError(f"{what}: not a file. {ANOTHER_FILE}")
        open_in_place(_draft(path), os.O_APPEND).close()
        _draft(path).unlink()


def _replace(path: Path, content: bytes) -> None:
    draft = _draft(path)
    try:
        with open_in_place(draft, os.O_TRUNC) as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        draft.replace(path)
    except OSError:
        with contextlib.suppress(OSError):
            draft.unlink()
        raise


def _draft(path: Path) -> Path:
    return path.with_name(f".{path.name}.draft")

"""Files under a name, in a folder or in a zip archive, read in place.

Nothing is unpacked, so that no member of an archive can become a path of this machine.
"""

from __future__ import annotations

import hashlib
import os
import zipfile
from abc import ABC, abstractmethod
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from harness.errors import UsageError

MOST_BYTES = 64 * 2**20
"""Of one image's file: none of a published set comes near."""


class Damaged(UsageError):
    """A file is not what its set says it is; the message names it."""

    def __init__(self, file: str, why: str) -> None:
        self.file = file
        super().__init__(f"{file} is damaged: {why}. Download it again, or repair it.")


@dataclass(frozen=True)
class Tree(ABC):
    """Files by their names below `path`; hidden ones are left out."""

    path: Path

    @cached_property
    def files(self) -> dict[str, int]:
        """The size of every file, by names that are in order."""
        return dict(sorted((n, s) for n, s in self._listed() if _is_plain(n)))

    @abstractmethod
    def _listed(self) -> Iterator[tuple[str, int]]:
        """Yield names, with / between their parts, and sizes."""

    @abstractmethod
    def _content(self, name: str) -> bytes:
        """Return a file's bytes, of which there are known to be few."""

    @property
    @abstractmethod
    def stamp(self) -> str:
        """Text that is another once a file is."""

    def read(self, name: str) -> bytes:
        """Return a file's bytes, or say what is wrong with it."""
        if self.files[name] > MOST_BYTES:
            raise Damaged(self.named(name), f"it has {self.files[name]:,} bytes")
        try:
            content = self._content(name)
        except (OSError, zipfile.BadZipFile, NotImplementedError, RuntimeError, EOFError) as error:
            raise Damaged(self.named(name), f"it can't be read ({error})") from None
        except Exception as error:  # zlib.error and what else a decompressor raises
            raise Damaged(self.named(name), f"it can't be unpacked ({error})") from None
        return content

    def named(self, name: str) -> str:
        """Return what a user calls a file of the tree."""
        return f"{self.path.name}/{name}"


@dataclass(frozen=True)
class Folder(Tree):
    """The files of a folder and of all that it holds."""

    def _listed(self) -> Iterator[tuple[str, int]]:
        for folder, folders, names in os.walk(self.path):
            folders[:] = [name for name in folders if not name.startswith(".")]
            within = Path(folder).relative_to(self.path)
            for name in names:
                yield (within / name).as_posix(), (Path(folder) / name).stat().st_size

    def _content(self, name: str) -> bytes:
        return (self.path / name).read_bytes()

    @property
    def stamp(self) -> str:
        return stamp_of({name: self.path / name for name in self.files})


@dataclass(frozen=True)
class Zip(Tree):
    """The files of an archive; a folder that holds all of them is not part of their names."""

    @cached_property
    def _archive(self) -> zipfile.ZipFile:
        try:
            return zipfile.ZipFile(self.path)
        except (OSError, zipfile.BadZipFile, ValueError) as error:
            raise Damaged(self.path.name, f"it can't be opened as a zip ({error})") from None

    @cached_property
    def _outer(self) -> str:
        """The one folder that everything is in, with its slash, or nothing."""
        tops = {info.filename.partition("/")[0] for info in self._infos if "/" in info.filename}
        alone = len(tops) == 1 and all("/" in info.filename for info in self._infos)
        return f"{tops.pop()}/" if alone else ""

    @cached_property
    def _infos(self) -> list[zipfile.ZipInfo]:
        """The members that are files; one that would leave the archive's folder is refused."""
        # ZipInfo.is_dir fails at a member without a name.
        infos = [info for info in self._archive.infolist() if not info.filename.endswith("/")]
        for info in infos:
            parts = info.filename.replace("\\", "/").split("/")
            if parts[0] in ("", "..") or ".." in parts or ":" in parts[0]:
                raise Damaged(self.path.name, f"its member {info.filename!r} points out of it")
        return [info for info in infos if not info.filename.startswith("__MACOSX/")]

    def _listed(self) -> Iterator[tuple[str, int]]:
        for info in self._infos:
            yield info.filename.removeprefix(self._outer), info.file_size

    def _content(self, name: str) -> bytes:
        with self._archive.open(self._outer + name) as file:
            return file.read(MOST_BYTES)

    @property
    def stamp(self) -> str:
        return stamp_of({self.path.name: self.path})


def tree_at(folder: Path, name: str) -> Tree | None:
    """Return the folder of that name, or else the zip archive, where there is either."""
    if (folder / name).is_dir():
        return Folder(folder / name)
    archive = folder / f"{name}.zip"
    return Zip(archive) if archive.is_file() else None


def stamp_of(paths: Mapping[str, Path]) -> str:
    """Return a hash of names, sizes and times of change."""
    digest = hashlib.sha256()
    for name, path in paths.items():
        about = path.stat()
        digest.update(f"{name}\0{about.st_size}\0{about.st_mtime_ns}\n".encode())
    return digest.hexdigest()


def _is_plain(name: str) -> bool:
    return not any(part.startswith(".") for part in name.split("/"))

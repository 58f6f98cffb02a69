"""A set decoded once: a memory-mapped array of bytes, and the names and hashes of its classes.

It lies in `.packed` beside the data or, where nothing can be written there, in the user's cache. A
set whose files have changed is packed anew. What is read is checked against its class's checksum
when it is first drawn.
"""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import tempfile
import zlib
from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from harness.errors import UsageError
from harness.reading import from_json, read_whole
from suites.image_sets.source import Form, Source
from suites.image_sets.tree import Damaged

FORMAT = 1
FOLDER = ".packed"
ARRAY, INDEX = "images.npy", "index.json"


@dataclass(frozen=True, eq=False)
class Packed:
    """The images of a set, classes one after another, [examples, channels, side, side]."""

    folder: Path
    layout: str
    sha256: str
    """Of all pixels and of the names and sizes of the classes."""
    classes: tuple[str, ...]
    counts: NDArray[np.int64]
    checksums: tuple[int, ...]
    images: NDArray[np.uint8]
    _checked: set[int] = field(default_factory=set)

    @cached_property
    def starts(self) -> NDArray[np.int64]:
        return np.cumsum(self.counts) - self.counts

    def of_class(self, index: int) -> NDArray[np.uint8]:
        """Return every image of one class, as a view of the file."""
        start = int(self.starts[index])
        return self.images[start : start + int(self.counts[index])]

    def check(self, classes: Sequence[int]) -> None:
        """Hold classes to their checksums, each once."""
        for index in set(classes) - self._checked:
            if zlib.crc32(self.of_class(index).tobytes()) != self.checksums[index]:
                raise UsageError(
                    f"{self.folder / ARRAY} is damaged in the class {self.classes[index]}. "
                    f"Delete the folder {self.folder}: it is made again from the data."
                )
            self._checked.add(index)


def packed(name: str, source: Source, form: Form, home: Path) -> Packed:
    """Return the packed set that lies beside `home`'s data, after packing it if need be."""
    key = hashlib.sha256(f"{FORMAT}\n{source.layout}\n{source.stamp}\n{form}".encode()).hexdigest()
    places = [place / f"{name}-{key[:16]}" for place in (home / FOLDER, cache_folder())]
    for place in places:
        if (place / INDEX).is_file():
            return _opened(place)
    for place in places:
        if place.parent == home / FOLDER and place.parent.is_symlink():
            continue  # it came with the data, and may lead anywhere
        try:
            place.parent.mkdir(parents=True, exist_ok=True)
            scratch = Path(tempfile.mkdtemp(prefix=f"{name}-", dir=place.parent))
        except OSError:
            continue
        try:
            _write(source, form, scratch)
            _settle(scratch, place)
        finally:
            shutil.rmtree(scratch, ignore_errors=True)
        return _opened(place)
    raise UsageError(
        f"the set {name} can't be packed: neither {places[0].parent} nor {places[1].parent} can be "
        "written. Make one of them writable, or name another cache in XDG_CACHE_HOME."
    )


def cache_folder() -> Path:
    """Return where sets are packed whose own folder can't be written."""
    cache = os.environ.get("XDG_CACHE_HOME")
    base = Path(cache) if cache else Path.home() / ".cache"
    return base / "meta-acceleration-harness" / "packed"


def _write(source: Source, form: Form, folder: Path) -> None:
    classes = source.classes()
    if not classes:
        raise Damaged(source.layout, "there is no image in it")
    shape = (sum(one.count for one in classes), form.channels, form.side, form.side)
    needed, free = int(np.prod(shape)), shutil.disk_usage(folder).free
    if needed > free:
        raise UsageError(
            f"packing needs {needed / 1e9:.1f} GB in {folder.parent}, but only {free / 1e9:.1f} GB "
            "are free. Free some space there."
        )
    images = np.lib.format.open_memmap(folder / ARRAY, mode="w+", dtype=np.uint8, shape=shape)
    digest, checksums, row = hashlib.sha256(), [], 0
    for one in classes:
        start, checksum = row, 0
        digest.update(f"{one.name}\0{one.count}\0".encode())
        for image in one.images():
            images[row] = form(image)
            checksum = zlib.crc32(images[row], checksum)
            digest.update(images[row])
            row += 1
        if row - start != one.count:
            raise Damaged(one.name, f"it has {row - start} images instead of {one.count}")
        checksums.append(checksum)
    images.flush()
    index = {
        "layout": source.layout,
        "sha256": digest.hexdigest(),
        "classes": [
            [one.name, one.count, checksum]
            for one, checksum in zip(classes, checksums, strict=True)
        ],
    }
    (folder / INDEX).write_text(json.dumps(index))


def _settle(scratch: Path, place: Path) -> None:
    """Give a finished pack its name; whoever came first with the same one is kept."""
    scratch.chmod(0o755)
    try:
        scratch.rename(place)
    except OSError:
        if not (place / INDEX).is_file():
            raise


def _opened(folder: Path) -> Packed:
    try:
        index = from_json(read_whole(folder / INDEX))
        names, counts, checksums = zip(*index["classes"], strict=True)
        words = (index["layout"], index["sha256"], *names)
        if not all(isinstance(word, str) for word in words):
            raise ValueError("its index names something otherwise than by a word")
        images = np.load(folder / ARRAY, mmap_mode="r", allow_pickle=False)
        if images.dtype != np.uint8 or images.ndim != 4 or len(images) != sum(counts):
            raise ValueError("its shape differs from its index")
        return Packed(
            folder, index["layout"], index["sha256"], names, np.array(counts), checksums, images
        )
    except (OSError, EOFError, ValueError, KeyError, TypeError, RecursionError) as error:
        raise UsageError(
            f"the packed set in {folder} is damaged ({error}). "
            "Delete the folder: it is made again from the data."
        ) from None

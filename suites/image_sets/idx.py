"""MNIST's idx files, plain or gzipped (LeCun et al. 1998).

All ten digits are in every split: the training file's last 5,000 images validate.
"""

from __future__ import annotations

import gzip
import zlib
from collections.abc import Iterator
from functools import partial
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from suites.image_sets.source import ImageClass, Source, from_arrays
from suites.image_sets.tree import Damaged, stamp_of

HOMES = ("MNIST/raw", "mnist", "")
FILES = (
    "train-images-idx3-ubyte",
    "train-labels-idx1-ubyte",
    "t10k-images-idx3-ubyte",
    "t10k-labels-idx1-ubyte",
)
MOST_BYTES = 2**30
VALIDATION = 12
"""One training image in so many validates: 5,000 of the 60,000."""


def read(data_dir: Path) -> Source | None:
    for home in HOMES:
        paths = [_plain_or_gzipped(data_dir / home / name) for name in FILES]
        there = [path for path in paths if path is not None]
        if len(there) == len(FILES):
            layout = f"{home + '/' if home else ''}*-ubyte, idx"
            stamp = stamp_of({path.name: path for path in there})
            return Source(layout, tuple(there), stamp, partial(_classes, there))
    return None


def read_idx(path: Path, dimensions: int) -> NDArray[np.uint8]:
    """Return an array of bytes; its header is held to the file before memory is taken for it."""
    try:
        with gzip.open(path) if path.suffix == ".gz" else path.open("rb") as file:
            start = file.read(4 + 4 * dimensions)
            if len(start) < 4 + 4 * dimensions or start[:4] != bytes((0, 0, 8, dimensions)):
                raise Damaged(path.name, f"it is no idx file of {dimensions} dimensions of bytes")
            shape = np.frombuffer(start, ">u4")[1:].tolist()
            size = int(np.prod(shape, dtype=object))
            if size > MOST_BYTES:
                raise Damaged(path.name, f"it says that it holds {size:,} bytes")
            content = file.read(size + 1)
    except (OSError, EOFError, zlib.error) as error:
        raise Damaged(path.name, f"it can't be read ({error})") from None
    if len(content) != size:
        more = "more" if len(content) > size else f"{len(content):,}"
        raise Damaged(path.name, f"it holds {more} bytes, not the {size:,} of its header")
    return np.frombuffer(content, np.uint8).reshape(shape)


def _plain_or_gzipped(path: Path) -> Path | None:
    packed = path.with_name(f"{path.name}.gz")
    return path if path.is_file() else packed if packed.is_file() else None


def _classes(paths: list[Path]) -> tuple[ImageClass, ...]:
    (images, labels), test = (_table(*paths[place : place + 2]) for place in (0, 2))
    last = len(images) - len(images) // VALIDATION
    tables = {
        "train": (images[:last], labels[:last]),
        "valid": (images[last:], labels[last:]),
        "test": test,
    }
    return tuple(
        ImageClass(f"{split}/{digit}", int((labels == digit).sum()), partial(_of, images, rows))
        for split, (images, labels) in tables.items()
        for digit in np.unique(labels).tolist()
        for rows in (np.flatnonzero(labels == digit),)
    )


def _table(images_at: Path, labels_at: Path) -> tuple[NDArray[np.uint8], NDArray[np.uint8]]:
    images, labels = read_idx(images_at, 3), read_idx(labels_at, 1)
    if len(images) != len(labels):
        raise Damaged(labels_at.name, f"it has {len(labels)} labels for {len(images)} images")
    return images, labels


def _of(images: NDArray[np.uint8], rows: NDArray[np.int64]) -> Iterator[Image.Image]:
    return from_arrays(images[row] for row in rows)

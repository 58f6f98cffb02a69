"""What a reader finds: classes of images that are not decoded yet, and the form they are to get."""

from __future__ import annotations

import io
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from suites.image_sets.tree import Damaged, Tree

SUFFIXES = (".png", ".jpg", ".jpeg", ".bmp")
MOST_PIXELS = 50_000_000


@dataclass(frozen=True)
class ImageClass:
    """So many images of one class, opened one after another."""

    name: str
    """Unique in its set; what a rule of splitting reads."""
    count: int
    images: Callable[[], Iterator[Image.Image]]


@dataclass(frozen=True)
class Source:
    """A set as it lies in data_dir."""

    layout: str
    where: tuple[Path, ...]
    """The folders and files that it is made of."""
    stamp: str
    """Text that is another once a file of it is."""
    classes: Callable[[], tuple[ImageClass, ...]]
    """Lists them, which may take reading all of it."""


Reader = Callable[[Path], Source | None]
"""Looks for one layout in a folder of data; nothing where there is none."""


@dataclass(frozen=True)
class Form:
    """What every image of a set is made into: square, of bytes, channels first."""

    channels: int
    side: int
    inverted: bool = False
    """Whether ink on white becomes light on black."""

    def __call__(self, image: Image.Image) -> NDArray[np.uint8]:
        grey = image.convert("L" if self.channels == 1 else "RGB")
        if grey.size != (self.side, self.side):
            grey = grey.resize((self.side, self.side), Image.Resampling.LANCZOS)
        pixels = np.asarray(grey, np.uint8)
        if self.inverted:
            pixels = 255 - pixels
        return pixels[None] if self.channels == 1 else pixels.transpose(2, 0, 1)


def decoded(content: bytes, file: str) -> Image.Image:
    """Return an image with its pixels, whose number is bounded before memory is taken for them."""
    try:
        image = Image.open(io.BytesIO(content))
        if image.width * image.height > MOST_PIXELS:
            raise Damaged(file, f"it says that it has {image.width} by {image.height} pixels")
        image.load()
    except Damaged:
        raise
    except Exception as error:  # Pillow's decoders raise almost anything on a broken file
        raise Damaged(file, f"it can't be decoded ({error or type(error).__name__})") from None
    return image


def from_arrays(arrays: Iterable[NDArray[np.uint8]]) -> Iterator[Image.Image]:
    return (Image.fromarray(array) for array in arrays)


def class_folders(tree: Tree, below: str = "") -> tuple[ImageClass, ...]:
    """Return one class for every folder that holds images, called as the folder is from `below` on.

    Images of a class are in the order of their names.
    """
    members: dict[str, list[str]] = {}
    for name in tree.files:
        folder, _, file = name.removeprefix(below).rpartition("/")
        if name.startswith(below) and folder and file.lower().endswith(SUFFIXES):
            members.setdefault(folder, []).append(name)
    return tuple(
        ImageClass(folder, len(names), opening(tree, names))
        for folder, names in sorted(members.items())
    )


def opening(tree: Tree, names: Sequence[str]) -> Callable[[], Iterator[Image.Image]]:
    """Return what opens these files, one after another."""
    return lambda: (decoded(tree.read(name), tree.named(name)) for name in names)

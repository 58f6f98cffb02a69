"""A folder of one's own: every folder in it that holds images is a class."""

from __future__ import annotations

from pathlib import Path

from suites.image_sets.source import Form, Source, class_folders
from suites.image_sets.tree import Damaged, Folder

EXPECTED = "CLASS/*.png (or .jpg), or train/CLASS/*.png, valid/CLASS/*.png and test/CLASS/*.png"
LARGEST_SIDE = 84


def read(folder: Path) -> Source:
    tree = Folder(folder)
    return Source("class folders", (folder,), tree.stamp, lambda: class_folders(tree))


def form_of(folder: Path) -> Form:
    """Return the form of the first image: grey or in colour, no larger than mini-ImageNet's."""
    for one in class_folders(Folder(folder)):
        for image in one.images():
            grey = image.getbands() in (("1",), ("L",), ("I",), ("F",))
            return Form(1 if grey else 3, min(*image.size, LARGEST_SIDE))
    raise Damaged(folder.name, f"no folder in it holds an image; expected is {EXPECTED}")

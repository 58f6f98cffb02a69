"""Sets that are kept as folders of class folders, in one of the ways in which that is done."""

from __future__ import annotations

import csv
from collections.abc import Sequence
from functools import partial
from pathlib import Path

from suites.image_sets.source import ImageClass, Reader, Source, class_folders, opening
from suites.image_sets.splits import SPELLINGS
from suites.image_sets.tree import Damaged, Tree, stamp_of, tree_at


def class_folders_in(*homes: str) -> Reader:
    """Read the first of these folders or zips that is there, all its classes together."""

    def read(data_dir: Path) -> Source | None:
        for home in homes:
            tree = tree_at(data_dir, home)
            if tree is not None:
                classes = partial(class_folders, tree)
                return Source(f"{home}/, class folders", (tree.path,), tree.stamp, classes)
        return None

    return read


def split_folders_in(*homes: str) -> Reader:
    """Read the first of these folders or zips that has folders of classes for every split."""

    def read(data_dir: Path) -> Source | None:
        for home in homes:
            tree = tree_at(data_dir, home)
            if tree is not None and (tops := _splits_of(tree)):
                classes = partial(_of_splits, tree, tops)
                layout = f"{home}/, class folders by split"
                return Source(layout, (tree.path,), tree.stamp, classes)
        return None

    return read


def listed_images_in(*homes: str) -> Reader:
    """Read the first of these that has a folder images and Ravi's lists of files and classes.

    They are train.csv, val.csv and test.csv, with the columns filename and label.
    """

    def read(data_dir: Path) -> Source | None:
        for home in homes:
            folder = data_dir / home
            lists = [folder / f"{split}.csv" for split in ("train", "val", "test")]
            images = tree_at(folder, "images")
            if images is not None and all(path.is_file() for path in lists):
                stamp = f"{images.stamp} {stamp_of({path.name: path for path in lists})}"
                classes = partial(_listed, lists, images)
                where = (images.path, *lists)
                return Source(f"{home}/images and lists", where, stamp, classes)
        return None

    return read


def _splits_of(tree: Tree) -> list[str]:
    """Return the top folders that are called after splits, where there is one of each."""
    tops = dict.fromkeys(name.partition("/")[0] for name in tree.files)
    found = [top for top in tops if top in SPELLINGS]
    return found if {SPELLINGS[top] for top in found} == set(SPELLINGS.values()) else []


def _of_splits(tree: Tree, tops: Sequence[str]) -> tuple[ImageClass, ...]:
    every = class_folders(tree)
    return tuple(one for one in every if one.name.partition("/")[0] in tops)


def _listed(lists: Sequence[Path], images: Tree) -> tuple[ImageClass, ...]:
    found: dict[str, list[str]] = {}
    for path in lists:
        rows = csv.DictReader(path.read_text(encoding="utf-8", errors="replace").splitlines())
        if not {"filename", "label"} <= set(rows.fieldnames or ()):
            raise Damaged(path.name, "its first line is not filename,label")
        for row in rows:
            if row["filename"] not in images.files:
                raise Damaged(
                    path.name,
                    f"it lists {row['filename']!r}, which is not in {images.path.name}",
                )
            found.setdefault(f"{path.stem}/{row['label']}", []).append(row["filename"])
    return tuple(
        ImageClass(name, len(files), opening(images, files)) for name, files in found.items()
    )

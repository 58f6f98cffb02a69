"""Omniglot's two parts, as folders or zip archives (Lake et al. 2015).

Vinyals et al. 2016 gave five of the background alphabets to validation and the last 423 characters
of the evaluation part to testing.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from pathlib import Path

from suites.image_sets.source import ImageClass, Source, class_folders
from suites.image_sets.splits import Split
from suites.image_sets.tree import Damaged, Folder, Tree, tree_at

PARTS = ("images_background", "images_evaluation")
HOMES = ("", "omniglot-py", "omniglot")
VALIDATION = ("Armenian", "Bengali", "Early_Aramaic", "Hebrew", "Mkhedruli_(Georgian)")
LAST_TRAINED = ("Gurmukhi", "character41")


def read(data_dir: Path) -> Source | None:
    for home in HOMES:
        trees = {part: tree_at(data_dir / home, part) for part in PARTS}
        there = {part: tree for part, tree in trees.items() if tree is not None}
        if not there:
            continue
        if missing := [part for part in PARTS if part not in there]:
            raise Damaged(
                home or "Omniglot",
                f"it has {', '.join(there)} but neither a folder nor a zip archive {missing[0]}",
            )
        kept = {"folders" if isinstance(tree, Folder) else "zips" for tree in there.values()}
        layout = f"{'/'.join([*([home] if home else []), 'images_*'])}, {' and '.join(kept)}"
        where = tuple(tree.path for tree in there.values())
        stamp = " ".join(tree.stamp for tree in there.values())
        return Source(layout, where, stamp, partial(_classes, there))
    return None


def _classes(trees: dict[str, Tree]) -> tuple[ImageClass, ...]:
    """Return the characters of both parts, called as in the published folders."""
    return tuple(
        ImageClass(f"{part}/{one.name}", one.count, one.images)
        for part, tree in trees.items()
        for one in class_folders(tree)
    )


def vinyals(names: Sequence[str]) -> Split:
    """Split by alphabets as Vinyals et al. did: 1,028, 172 and 423 characters."""
    found: Split = {"train": [], "valid": [], "test": []}
    for place, name in enumerate(names):
        part, alphabet, character = name.split("/")
        if part == PARTS[0]:
            split = "valid" if alphabet in VALIDATION else "train"
        else:
            split = "test" if (alphabet, character) > LAST_TRAINED else "train"
        found[split].append(place)
    return found

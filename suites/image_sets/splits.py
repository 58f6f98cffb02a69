"""Rules that say which class is in which split; each takes the names of all classes of a set.

A rule returns the places of the training, validation and test classes, in an order that no seed
changes.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Sequence
from pathlib import Path

from harness.errors import UsageError

Split = dict[str, list[int]]
Rule = Callable[[Sequence[str]], Split]
SPLITS = ("train", "valid", "test")
SPELLINGS = {"train": "train", "valid": "valid", "val": "valid", "validation": "valid"} | {
    "test": "test"
}


def by_folder(names: Sequence[str]) -> Split:
    """Split as the first part of every name says: train, valid (or val, validation) or test."""
    return _sorted_by(names, lambda name: SPELLINGS.get(name.partition("/")[0]))


def in_shares(train: int, valid: int, test: int) -> Rule:
    """Split by a hash of the names into parts of these sizes, or in proportion to them.

    A class that is added or taken away moves few others.
    """

    def rule(names: Sequence[str]) -> Split:
        whole = train + valid + test
        order = sorted(range(len(names)), key=lambda place: _hash(names[place]))
        first, second = (round(len(names) * part / whole) for part in (train, train + valid))
        return {
            "train": sorted(order[:first]),
            "valid": sorted(order[first:second]),
            "test": sorted(order[second:]),
        }

    return rule


def by_folder_or(other: Rule) -> Rule:
    """Split as folders do where the names begin with splits, and otherwise by another rule."""

    def rule(names: Sequence[str]) -> Split:
        tops = {name.partition("/")[0] for name in names}
        return by_folder(names) if tops <= set(SPELLINGS) else other(names)

    return rule


def held_out(valid: Sequence[str], test: Sequence[str]) -> Rule:
    """Split by lists of words that names contain as a part; all others train."""
    split_of = dict.fromkeys(valid, "valid") | dict.fromkeys(test, "test")

    def split(name: str) -> str:
        return next((split_of[part] for part in name.split("/") if part in split_of), "train")

    return lambda names: _sorted_by(names, split)


def in_turns(*splits: str) -> Rule:
    """Split by place in the order of names: the first class into the first, and so on in turns."""

    def rule(names: Sequence[str]) -> Split:
        place_of = {name: place for place, name in enumerate(sorted(names))}
        return _sorted_by(names, lambda name: splits[place_of[name] % len(splits)])

    return rule


def of_lists(folder: Path) -> Rule:
    """Split as the files train.txt, val.txt (or valid.txt) and test.txt list names, one a line.

    A name may leave out the folders before it. Matching Networks' lists for Omniglot end in a
    rotation, rot000 say, which is left out.
    """
    listed: dict[str, str] = {}
    for split, spellings in (("train", "train"), ("valid", "val valid"), ("test", "test")):
        paths = [folder / f"{spelling}.txt" for spelling in spellings.split()]
        path = next((path for path in paths if path.is_file()), None)
        if path is None:
            raise UsageError(
                f"there is no {paths[0].name} in the folder {folder}. A split by lists takes "
                "train.txt, val.txt and test.txt there, with the name of a class on every line."
            )
        for line in path.read_text(encoding="utf-8").split():
            name = line.partition("/rot")[0].rstrip("/")
            if listed.setdefault(name, split) != split:
                raise UsageError(
                    f"{path.name}: {name} is already listed for {listed[name]}. List it once."
                )

    def rule(names: Sequence[str]) -> Split:
        tails = {tail for name in names for tail in _tails(name)}
        if unknown := [name for name in listed if name not in tails]:
            raise UsageError(
                f"the lists in {folder} name {unknown[0]}, which is not a class of the set. Its "
                f"classes have names such as {names[0]}."
            )
        return _sorted_by(
            names, lambda name: next((listed[t] for t in _tails(name) if t in listed), None)
        )

    return rule


def _tails(name: str) -> list[str]:
    parts = name.split("/")
    return ["/".join(parts[start:]) for start in range(len(parts))]


def _sorted_by(names: Sequence[str], split_of: Callable[[str], str | None]) -> Split:
    """Split by what is said of every name; a class of which nothing is said is in no split."""
    found: Split = {split: [] for split in SPLITS}
    for place, name in enumerate(names):
        split = split_of(name)
        if split is not None:
            found[split].append(place)
    return found


def _hash(name: str) -> bytes:
    return hashlib.sha256(name.encode()).digest()

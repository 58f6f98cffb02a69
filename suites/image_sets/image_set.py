"""One set of images: how it lies in a folder of data, who publishes it, how it is split."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from harness.errors import Absent, UnknownName, UsageError
from suites.image_sets.image_split import ImageSplit, split_of
from suites.image_sets.packed import Packed, packed
from suites.image_sets.source import Form, Reader, Source
from suites.image_sets.splits import SPLITS, Rule, of_lists

LISTS = "lists:"


@dataclass(frozen=True)
class Layout:
    """One way in which a set may lie in data_dir."""

    expected: str
    """What is looked for, in words."""
    read: Reader


@dataclass(frozen=True)
class ImageSet:
    """What is known of one set."""

    name: str
    title: str
    form: Form
    layouts: tuple[Layout, ...]
    rules: Mapping[str, Rule]
    """Ways to split its classes; the first is taken where nothing else is asked for."""
    published: str
    licence: str
    classes: int | None = None
    images: int | None = None
    """How many there are in the whole set, where that is known."""
    md5: Mapping[str, str] = field(default_factory=dict)
    """Of the archives and files as they are published."""
    rotated: bool = False
    """Whether training classes count four times, turned by quarters."""

    def source(self, data_dir: Path) -> Source:
        """Return the set as it lies there, or say how it should."""
        for layout in self.layouts:
            source = layout.read(data_dir)
            if source is not None:
                return source
        raise self.absent("is not in data_dir")

    def absent(self, why: str) -> Absent:
        ways = "; or ".join(layout.expected for layout in self.layouts)
        return Absent(
            f"{self.title} {why}. Give data_dir=FOLDER, where FOLDER holds {ways}. "
            f"It is published at {self.published}"
        )

    def open(self, data_dir: Path) -> Packed:
        """Return the packed set, after packing it if need be."""
        return packed(self.name, self.source(data_dir), self.form, data_dir)

    def split(self, images: Packed, rule: str, name: str, data_dir: Path) -> ImageSplit:
        """Return the split called train, valid or test by the rule of that name."""
        if name not in SPLITS:
            raise UnknownName("split", name, SPLITS, where=self.title)
        places = self._rule(rule, data_dir)(images.classes)[name]
        if not places:
            raise UsageError(
                f"{self.title}: the split {name} has no classes. Give it some, or use another rule."
            )
        rotated = self.rotated and name == "train"
        return split_of(images, name, f"classes of {self.title}", places, rotated)

    def _rule(self, name: str, data_dir: Path) -> Rule:
        if name.startswith(LISTS):
            return of_lists(data_dir / name.removeprefix(LISTS))
        if name and name not in self.rules:
            raise UnknownName(
                f"rule to split {self.title}", name, self.rules, f"Or write {LISTS}FOLDER."
            )
        return self.rules[name or next(iter(self.rules))]

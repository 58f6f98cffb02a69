"""What `python -m harness data` says of the data sets that the workloads here can read."""

from __future__ import annotations

import contextlib
import hashlib
from collections.abc import Iterator
from pathlib import Path

from harness.declare.data import Finding, Opened, State
from harness.errors import Absent, UsageError
from harness.registry import data
from suites.cifar_batches import FOLDER, PUBLISHED, TEST, TRAIN, read_cifar10
from suites.image_sets.image_set import ImageSet
from suites.image_sets.packed import Packed
from suites.image_sets.splits import SPLITS
from suites.image_sets.table import OWN, SETS, located
from suites.images import Images
from suites.wrench import FILES as WRENCH_FILES
from suites.wrench import PUBLISHED as WRENCH_PUBLISHED
from suites.wrench import read_wrench

SIZES = ((5, 1), (5, 5), (20, 1), (20, 5))
"""Ways and shots that are usual."""
EVALUATED = Images.eval_queries


@data("few_shot_images")
class FewShotImages:
    """Published sets of images and folders of your own, read to the last image and packed."""

    @staticmethod
    def inspect(data_dir: Path) -> Iterator[Finding]:
        known: set[str] = set()
        for one in SETS.values():
            with contextlib.suppress(UsageError):  # missing or damaged, as is told next
                known |= {_top(path, data_dir) for path in one.source(data_dir).where}
            yield _found(one, one.name, data_dir)
        for folder in sorted(data_dir.iterdir()):
            if folder.is_dir() and folder.name[0] != "." and folder.name not in known:
                word = f"{OWN}{folder.name}"
                try:
                    own, path = located(word, str(data_dir))
                except UsageError:  # no folder of class folders
                    continue
                yield _found(own, word, path or folder)


@data("cifar10")
class Cifar10Batches:
    """CIFAR-10's original batches."""

    @staticmethod
    def inspect(data_dir: Path) -> Iterator[Finding]:
        state: State
        opens: tuple[Opened, ...] = ()
        try:
            train, test = read_cifar10(str(data_dir))
            count = len(train.labels) + len(test.labels)
            state, detail = _state(count, 60_000), f"{count:,} images in {FOLDER}"
            opens = (Opened("cifar10", {}),)
        except Absent:
            state, detail = "missing", "It was not found."
        except UsageError as error:
            state, detail = "damaged", str(error)
        expected = f"{FOLDER}/ with {TRAIN[0]} to {TRAIN[-1]} and {TEST}"
        licence = "none stated"
        yield Finding(
            "cifar10", "CIFAR-10", state, detail, expected, PUBLISHED, licence, opens=opens
        )


@data("wrench")
class WrenchSets:
    """Weakly labelled sentences."""

    @staticmethod
    def inspect(data_dir: Path) -> Iterator[Finding]:
        for folder in sorted(path.parent for path in data_dir.glob("*/label.json")):
            state: State
            opens: tuple[Opened, ...] = ()
            try:
                read = read_wrench(str(data_dir), folder.name)
                counts = (len(part.texts) for part in (read.train, read.valid, read.test))
                detail = "{:,} sentences to train, {:,} to validate, {:,} to test".format(*counts)
                state, opens = "whole", (Opened("noisy_text", {"wrench": folder.name}),)
            except UsageError as error:
                state, detail = "damaged", str(error)
            expected = f"{folder.name}/ with {', '.join(WRENCH_FILES)}"
            title, licence = f"WRENCH's {folder.name}", "that of the sentences"
            yield Finding(
                folder.name, title, state, detail, expected, WRENCH_PUBLISHED, licence, opens=opens
            )


def _found(one: ImageSet, word: str, folder: Path) -> Finding:
    expected = "; or ".join(layout.expected for layout in one.layouts)
    state: State
    opens: tuple[Opened, ...] = ()
    notes: tuple[str, ...] = ()
    try:
        images = one.open(folder)
        images.check(range(len(images.classes)))
        count = int(images.counts.sum())
        state = _state(count, one.images)
        of_whole = f" of {one.images:,}" if state == "partial" else ""
        detail = (
            f"{count:,}{of_whole} images of {len(images.classes):,} classes in {images.layout}, "
            f"sha256 {images.sha256}"
        )
        opens = tuple(_opened(one, word, images, folder))
        notes = tuple(_hashes(one, folder))
    except Absent:
        state, detail = "missing", "It was not found."
    except UsageError as error:
        state, detail = "damaged", str(error)
    return Finding(
        word, one.title, state, detail, expected, one.published, one.licence, notes, opens
    )


def _state(count: int, whole: int | None) -> State:
    return "whole" if whole is None or count == whole else "partial"


def _opened(one: ImageSet, word: str, images: Packed, folder: Path) -> Iterator[Opened]:
    """Yield the usual tasks for which every split has classes and examples enough."""
    pools = [one.split(images, "", split, folder) for split in SPLITS]
    classes = min(len(pool.classes) for pool in pools)
    examples = min(int(pool.counts.min()) for pool in pools)
    for ways, shots in SIZES:
        if ways <= classes and shots + EVALUATED <= examples:
            yield Opened("images", {"data": word, "ways": ways, "shots": shots})


def _hashes(one: ImageSet, folder: Path) -> Iterator[str]:
    """Yield whether files are those published, where that is known of them."""
    for name, known in one.md5.items():
        for path in [path for depth in ("", "*/", "*/*/") for path in folder.glob(depth + name)]:
            with path.open("rb") as file:
                found = hashlib.file_digest(file, "md5").hexdigest()
            same = "is" if found == known else "differs from"
            yield f"{name} {same} the published file, by its md5"


def _top(path: Path, data_dir: Path) -> str:
    return path.relative_to(data_dir).parts[0]

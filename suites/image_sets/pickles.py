"""Sets that are published as pickles of arrays, read by `suites.restricted_pickle`."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import lru_cache, partial
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from harness.errors import UsageError
from suites.image_sets.source import ImageClass, Reader, Source, decoded, from_arrays
from suites.image_sets.tree import Damaged, stamp_of
from suites.restricted_pickle import read_pickle, text_keys

CIFAR100 = "cifar-100-python"


def cifar100(data_dir: Path) -> Source | None:
    """Read CIFAR-100's Python version; classes are called superclass/class."""
    paths = {name: data_dir / CIFAR100 / name for name in ("train", "test", "meta")}
    if not all(path.is_file() for path in paths.values()):
        return None
    return _source(f"{CIFAR100}/, pickles", paths, partial(_cifar100, list(paths.values())))


def one_file_a_split(pattern: str, spellings: Sequence[str], *homes: str) -> Reader:
    """Read sets of which each split is a pickle of all images and of who is in which class."""

    def read(data_dir: Path) -> Source | None:
        for home in homes:
            paths = _one_of_each(data_dir / home, pattern, spellings)
            if paths:
                layout = f"{home + '/' if home else ''}{pattern.format('*')}, pickles"
                return _source(layout, paths, partial(_of_files, paths))
        return None

    return read


def tiered(*homes: str) -> Reader:
    """Read tiered-ImageNet's pickles: encoded images in one, labels in another for each split."""

    def read(data_dir: Path) -> Source | None:
        for home in homes:
            images = _one_of_each(data_dir / home, "{}_images_png.pkl", ("train", "val", "test"))
            labels = _one_of_each(data_dir / home, "{}_labels.pkl", ("train", "val", "test"))
            if images and labels:
                paths = {path.name: path for path in (*images.values(), *labels.values())}
                return _source(f"{home}/, pickles", paths, partial(_tiered, images, labels))
        return None

    return read


def _source(
    layout: str, paths: Mapping[str, Path], classes: Callable[[], tuple[ImageClass, ...]]
) -> Source:
    return Source(layout, tuple(paths.values()), stamp_of(paths), classes)


def _one_of_each(folder: Path, pattern: str, spellings: Sequence[str]) -> dict[str, Path]:
    """Return the file of every split, or nothing; a split may be spelled in ways parted by |."""
    found = {}
    for each in spellings:
        there = [path for s in each.split("|") if (path := folder / pattern.format(s)).is_file()]
        if not there:
            return {}
        found[each.partition("|")[0]] = there[0]
    return found


def _table(path: Path) -> dict[str, Any]:
    try:
        return dict(text_keys(read_pickle(path)))
    except UsageError:
        raise
    except Exception as error:  # a damaged pickle can raise almost anything
        why = f"it can't be read ({type(error).__name__}: {error})"
        raise Damaged(path.name, why) from None


def _images(path: Path, table: Mapping[str, Any], key: str) -> NDArray[np.uint8]:
    found = table.get(key)
    if not isinstance(found, np.ndarray) or found.dtype != np.uint8 or found.ndim not in (2, 4):
        raise Damaged(path.name, f"it has no array of bytes called {key}")
    return found


def _cifar100(paths: Sequence[Path]) -> tuple[ImageClass, ...]:
    *parts, meta = (_table(path) for path in paths)
    pixels, fine, coarse = [], [], []
    for path, part in zip(paths, parts, strict=False):
        rows = _images(path, part, "data")
        if rows.shape[1:] != (3072,) or not (
            len(rows) == len(part.get("fine_labels", ())) == len(part.get("coarse_labels", ()))
        ):
            raise Damaged(path.name, "it has not 3,072 bytes and two labels for each image")
        pixels.append(rows.reshape(-1, 3, 32, 32).transpose(0, 2, 3, 1))
        fine.append(part["fine_labels"])
        coarse.append(part["coarse_labels"])
    images, labels, above = (np.concatenate(part) for part in (pixels, fine, coarse))
    found = []
    for label in np.unique(labels):
        own = np.flatnonzero(labels == label)
        try:
            inner, outer = (
                meta["fine_label_names"][label],
                meta["coarse_label_names"][above[own[0]]],
            )
        except (KeyError, IndexError):
            raise Damaged(paths[-1].name, f"it has no name for class {label}") from None
        name = f"{_text(outer)}/{_text(inner)}"
        found.append(ImageClass(name, len(own), partial(_chosen, images, own)))
    return tuple(sorted(found, key=lambda one: one.name))


def _of_files(paths: Mapping[str, Path]) -> tuple[ImageClass, ...]:
    found = []
    for split, path in paths.items():
        table = _table(path)
        if "class_dict" in table:  # mini-ImageNet's cache
            images, members = _images(path, table, "image_data"), text_keys(table["class_dict"])
        else:
            images, labels = _images(path, table, "data"), np.array(table.get("labels", ()))
            members = {str(one): np.flatnonzero(labels == one) for one in np.unique(labels)}
        for name, rows in sorted(members.items()):
            chosen = np.array(rows, np.int64)
            if (
                images.ndim != 4
                or not len(chosen)
                or not 0 <= chosen.min() <= chosen.max() < len(images)
            ):
                raise Damaged(path.name, f"class {name} has no images, or names some it lacks")
            one = partial(_chosen, images, chosen)
            found.append(ImageClass(f"{split}/{name}", len(chosen), one))
    return tuple(found)


def _tiered(images: Mapping[str, Path], labels: Mapping[str, Path]) -> tuple[ImageClass, ...]:
    # One split's images at a time: the training split alone takes gigabytes.
    loaded = lru_cache(maxsize=1)(lambda path: read_pickle(path))
    found = []
    for split, path in labels.items():
        table = _table(path)
        try:
            of_image, names = np.array(table["label_specific"]), table["label_specific_str"]
            called = [_text(names[label]) for label in np.unique(of_image)]
        except (KeyError, IndexError, TypeError) as error:
            raise Damaged(path.name, f"it lacks labels or their names ({error})") from None
        for name, label in zip(called, np.unique(of_image), strict=True):
            rows = np.flatnonzero(of_image == label)
            one = partial(_encoded, loaded, images[split], rows)
            found.append(ImageClass(f"{split}/{name}", len(rows), one))
    return tuple(found)


def _chosen(images: NDArray[np.uint8], rows: NDArray[np.int64]) -> Iterator[Image.Image]:
    return from_arrays(images[row] for row in rows)


def _encoded(loaded: Any, path: Path, rows: NDArray[np.int64]) -> Iterator[Image.Image]:
    try:
        images = loaded(path)
    except UsageError:
        raise
    except Exception as error:
        raise Damaged(path.name, f"it can't be read ({type(error).__name__}: {error})") from None
    for row in rows:
        if row >= len(images):
            raise Damaged(path.name, f"it has {len(images)} images, and a label for another")
        try:
            content = np.asarray(images[row], np.uint8).tobytes()
        except Exception as error:
            raise Damaged(path.name, f"its image {row} can't be read ({error})") from None
        yield decoded(content, f"{path.name}, image {row}")


def _text(word: Any) -> str:
    return word.decode() if isinstance(word, bytes) else str(word)

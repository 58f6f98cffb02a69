"""Small sets in the layouts in which the real ones are published."""

from __future__ import annotations

import gzip
import io
import pickle
import struct
import zipfile
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from suites.image_sets.omniglot import PARTS
from suites.image_sets.splits import SPLITS
from suites.image_sets.table import SETS

ALPHABETS = {
    "images_background": {"Armenian": 3, "Greek": 6, "Latin": 7},
    "images_evaluation": {"Angelic": 4, "Gurmukhi": 5, "Tibetan": 5},
}
DRAWINGS = 7
SUPERCLASSES = ("fish", "flowers", "people", "small_mammals")


def noise(*shape: int, seed: int = 0) -> NDArray[np.uint8]:
    return np.random.default_rng(seed).integers(0, 256, shape, np.uint8)


def encoded(pixels: NDArray[Any], kind: str = "PNG") -> bytes:
    file = io.BytesIO()
    Image.fromarray(pixels).save(file, kind)
    return file.getvalue()


def write(path: Path, content: bytes) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content)
    return path


def drawing(seed: int) -> bytes:
    """Return a drawing as Omniglot's are: one bit a pixel, dark on light."""
    light = np.random.default_rng(seed).random((15, 15)) > 0.1
    return encoded(light.repeat(7, 0).repeat(7, 1))


def omniglot_files() -> dict[str, bytes]:
    files, seed = {}, 0
    for part, alphabets in ALPHABETS.items():
        for alphabet, characters in alphabets.items():
            # As published, Gurmukhi has 45 characters, the last four of which are tested on.
            first = 39 if alphabet == "Gurmukhi" else 1
            for character in range(first, first + characters):
                for who in range(1, DRAWINGS + 1):
                    seed += 1
                    name = f"{part}/{alphabet}/character{character:02}/{seed:04}_{who:02}.png"
                    files[name] = drawing(seed)
    return files


def omniglot_folders(home: Path) -> Path:
    for name, content in omniglot_files().items():
        write(home / name, content)
    return home


def omniglot_zips(home: Path, files: dict[str, bytes] | None = None) -> Path:
    home.mkdir(parents=True, exist_ok=True)
    for part in PARTS:
        with zipfile.ZipFile(home / f"{part}.zip", "w") as archive:
            for name, content in (files or omniglot_files()).items():
                if name.startswith(f"{part}/"):
                    archive.writestr(name, content)
    return home


def class_folders(
    home: Path, classes: Iterable[str], images: int = 6, side: int = 32, kind: str = "png"
) -> Path:
    """Write folders of colour images, each with its own noise."""
    for place, name in enumerate(classes):
        for number in range(images):
            pixels = noise(side, side, 3, seed=place * 1000 + number)
            content = encoded(pixels, "JPEG" if kind == "jpg" else kind.upper())
            write(home / name / f"{number:03}.{kind}", content)
    return home


def split_folders(home: Path, valid: str = "val", classes: int = 5, **more: Any) -> Path:
    names = [f"{split}/n{n}" for split in ("train", valid, "test") for n in range(classes)]
    return class_folders(home, names, **more)


def cifar100(home: Path, fine: dict[str, str], images: int = 12) -> Path:
    """Write pickles of CIFAR-100's Python version, of classes and their superclasses."""
    names, above = sorted(fine), sorted(set(fine.values()))
    meta = {b"fine_label_names": names, b"coarse_label_names": above}
    write(home / "meta", pickle.dumps({k: [n.encode() for n in v] for k, v in meta.items()}, 2))
    for place, (part, each) in enumerate((("train", images - 2), ("test", 2))):
        labels = [label for label in range(len(names)) for _ in range(each)]
        table = {
            b"data": noise(len(labels), 3072, seed=place),
            b"fine_labels": labels,
            b"coarse_labels": [above.index(fine[names[label]]) for label in labels],
        }
        write(home / part, pickle.dumps(table, protocol=2))
    return home


def mini_pickles(home: Path, valid: str = "val", classes: int = 5, images: int = 8) -> Path:
    for place, split in enumerate(("train", valid, "test")):
        rows = {f"n{place}{n}": list(range(n, classes * images, classes)) for n in range(classes)}
        table = {"image_data": noise(classes * images, 84, 84, 3, seed=place), "class_dict": rows}
        write(home / f"mini-imagenet-cache-{split}.pkl", pickle.dumps(table))
    return home


def mini_lists(home: Path, classes: int = 5, images: int = 6) -> Path:
    for place, split in enumerate(("train", "val", "test")):
        rows = ["filename,label"]
        for label in range(classes):
            for number in range(images):
                name = f"n{place}{label}{number:08}.jpg"
                pixels = noise(90, 100, 3, seed=place * 1000 + label * 100 + number)
                write(home / "images" / name, encoded(pixels, "JPEG"))
                rows.append(f"{name},n{place}{label}")
        (home / f"{split}.csv").write_text("\n".join(rows) + "\n")
    return home


def fc100_pickles(home: Path, classes: int = 5, images: int = 6) -> Path:
    for place, split in enumerate(("train", "val", "test")):
        labels = [place * 10 + n for n in range(classes) for _ in range(images)]
        table = {"data": noise(len(labels), 32, 32, 3, seed=place), "labels": labels}
        write(home / f"FC100_{split}.pickle", pickle.dumps(table, protocol=2))
    return home


def tiered_pickles(home: Path, classes: int = 5, images: int = 6) -> Path:
    for place, split in enumerate(("train", "val", "test")):
        labels = np.repeat(np.arange(classes), images)
        pngs = [
            np.frombuffer(encoded(noise(84, 84, 3, seed=place * 1000 + n)), np.uint8)[:, None]
            for n in range(len(labels))
        ]
        names = [f"n{place}{n}" for n in range(classes)]
        table = {"label_specific": labels, "label_specific_str": names}
        write(home / f"{split}_images_png.pkl", pickle.dumps(pngs))
        write(home / f"{split}_labels.pkl", pickle.dumps(table))
    return home


def idx(path: Path, array: NDArray[np.uint8]) -> None:
    header = struct.pack(f">{1 + array.ndim}I", 0x800 + array.ndim, *array.shape)
    content = header + array.tobytes()
    write(path, gzip.compress(content) if path.suffix == ".gz" else content)


def mnist(home: Path, suffix: str = "", train: int = 1200, test: int = 120) -> Path:
    for part, count in (("train", train), ("t10k", test)):
        idx(home / f"{part}-images-idx3-ubyte{suffix}", noise(count, 28, 28))
        labels = (np.arange(count) % 10).astype(np.uint8)
        idx(home / f"{part}-labels-idx1-ubyte{suffix}", labels)
    return home


def counts(name: str, data_dir: Path, rule: str = "") -> dict[str, Any]:
    """Return, for every split, how many classes of how many images there are."""
    known = SETS[name]
    images = known.open(data_dir)
    found = {}
    for split in SPLITS:
        pool = known.split(images, rule, split, data_dir)
        found[split] = (len(pool.classes), *sorted(set(pool.counts.tolist())))
    return found

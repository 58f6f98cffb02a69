"""CIFAR-10's original batches for Python, read without running what a pickle may ask for."""

from __future__ import annotations

from functools import cache
from pathlib import Path
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from harness.errors import Absent, UsageError
from suites.restricted_pickle import read_pickle, text_keys

FOLDER = "cifar-10-batches-py"
TRAIN = tuple(f"data_batch_{number}" for number in range(1, 6))
TEST = "test_batch"
PIXELS, CLASSES = 3 * 32 * 32, 10
PUBLISHED = "https://www.cs.toronto.edu/~kriz/cifar.html"


class Images(NamedTuple):
    """Images (count, 3, 32, 32) and their labels."""

    pixels: NDArray[np.uint8]
    labels: NDArray[np.int64]


@cache
def read_cifar10(data_dir: str | None) -> tuple[Images, Images]:
    """Return the training and the test images, in the order in which they are published."""
    if data_dir is None:
        raise Absent(
            f"CIFAR-10 needs a folder of data. Give data_dir=FOLDER, where FOLDER/{FOLDER} holds "
            f"{TRAIN[0]} to {TRAIN[-1]} and {TEST}: the Python version at {PUBLISHED}"
        )
    folder = Path(data_dir) / FOLDER
    missing = [name for name in (*TRAIN, TEST) if not (folder / name).is_file()]
    if missing:
        raise Absent(
            f"there is no {FOLDER}/{missing[0]} in data_dir. Unpack the Python version of CIFAR-10 "
            f"there, from {PUBLISHED}"
        )
    batches = [_batch(folder / name) for name in TRAIN]
    train = Images(*(np.concatenate(parts) for parts in zip(*batches, strict=True)))
    return train, _batch(folder / TEST)


def _batch(path: Path) -> Images:
    try:
        table = text_keys(read_pickle(path))
        pixels, labels = table["data"], np.array(table["labels"], np.int64)
        known = isinstance(pixels, np.ndarray) and pixels.dtype == np.uint8
    except Exception as error:  # a damaged pickle can raise almost anything
        raise _damaged(path.name, f"it can't be read ({type(error).__name__}: {error})") from None
    if not known or pixels.shape != (len(labels), PIXELS) or not len(labels):
        raise _damaged(path.name, f"its images are not one row of {PIXELS} bytes for each label")
    if labels.min() < 0 or labels.max() >= CLASSES:
        raise _damaged(path.name, f"it has labels outside 0 to {CLASSES - 1}")
    return Images(pixels.reshape(-1, 3, 32, 32), labels)


def _damaged(name: str, what: str) -> UsageError:
    return UsageError(f"CIFAR-10's {name}: {what}. Fetch it again from {PUBLISHED}")

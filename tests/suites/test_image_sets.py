"""Every published layout is read, to the pixel; what is damaged is named, and nothing escapes."""

from __future__ import annotations

import json
import pickle
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from harness.errors import Absent, UnknownName
from suites.image_sets import source
from suites.image_sets.splits import SPLITS
from suites.image_sets.table import SETS, located

from . import image_layouts as made

CIFAR = {
    # Of each, some that train, validate and test, by the lists of either set.
    "ray": "fish", "trout": "fish", "shark": "fish", "flatfish": "fish",
    "rose": "flowers", "poppy": "flowers", "tulip": "flowers",
    "man": "people", "baby": "people", "boy": "people",
    "mouse": "small_mammals", "shrew": "small_mammals",
}  # fmt: skip


LAYOUTS: dict[str, tuple[str, Callable[[Path], Any], dict[str, Any]]] = {
    "cifar-fs, as learn2learn sorts it": (
        "cifar_fs",
        lambda d: made.split_folders(d / "cifarfs/processed"),
        dict.fromkeys(SPLITS, (5, 6)),
    ),
    "cifar-fs, as it is published": (
        "cifar_fs",
        lambda d: made.class_folders(d / "cifarfs/cifar100/data", CIFAR),
        {"train": (6, 6), "valid": (2, 6), "test": (4, 6)},
    ),
    "cifar-fs, from CIFAR-100": (
        "cifar_fs",
        lambda d: made.cifar100(d / "cifar-100-python", CIFAR),
        {"train": (6, 12), "valid": (2, 12), "test": (4, 12)},
    ),
    "fc100, pickles": (
        "fc100",
        lambda d: made.fc100_pickles(d / "FC100"),
        dict.fromkeys(SPLITS, (5, 6)),
    ),
    "fc100, folders": (
        "fc100",
        lambda d: made.split_folders(d / "fc100"),
        dict.fromkeys(SPLITS, (5, 6)),
    ),
    "fc100, from CIFAR-100": (
        "fc100",
        lambda d: made.cifar100(d / "cifar-100-python", CIFAR),
        {"train": (7, 12), "valid": (2, 12), "test": (3, 12)},
    ),
    "mini-ImageNet, pickles": (
        "mini_imagenet",
        lambda d: made.mini_pickles(d),
        dict.fromkeys(SPLITS, (5, 8)),
    ),
    "mini-ImageNet, learn2learn's pickles": (
        "mini_imagenet",
        lambda d: made.mini_pickles(d / "mini-imagenet", valid="validation"),
        dict.fromkeys(SPLITS, (5, 8)),
    ),
    "mini-ImageNet, images and lists": (
        "mini_imagenet",
        lambda d: made.mini_lists(d / "miniImagenet"),
        dict.fromkeys(SPLITS, (5, 6)),
    ),
    "mini-ImageNet, folders": (
        "mini_imagenet",
        lambda d: made.split_folders(d / "mini_imagenet", kind="jpg"),
        dict.fromkeys(SPLITS, (5, 6)),
    ),
    "tiered-ImageNet, pickles": (
        "tiered_imagenet",
        lambda d: made.tiered_pickles(d / "tiered-imagenet"),
        dict.fromkeys(SPLITS, (5, 6)),
    ),
    "tiered-ImageNet, folders": (
        "tiered_imagenet",
        lambda d: made.split_folders(d / "tiered_imagenet"),
        dict.fromkeys(SPLITS, (5, 6)),
    ),
    "CUB": (
        "cub",
        lambda d: made.class_folders(
            d / "CUB_200_2011/images", [f"{n:03}.Bird" for n in range(1, 10)], kind="jpg"
        ),
        {"train": (5, 6), "valid": (2, 6), "test": (2, 6)},
    ),
    "MNIST": ("mnist", lambda d: made.mnist(d / "MNIST/raw"), {}),
    "MNIST, gzipped": ("mnist", lambda d: made.mnist(d / "mnist", ".gz"), {}),
}


@pytest.mark.parametrize("layout", LAYOUTS)
def test_a_published_layout_is_found_and_split(layout: str, tmp_path: Path) -> None:
    name, make, expected = LAYOUTS[layout]
    make(tmp_path)
    found = made.counts(name, tmp_path)
    assert found == (expected or {"train": (10, 110), "valid": (10, 10), "test": (10, 12)})


def test_splits_share_no_class(tmp_path: Path) -> None:
    made.cifar100(tmp_path / "cifar-100-python", CIFAR)
    for name in ("cifar_fs", "fc100"):
        images = SETS[name].open(tmp_path)
        classes = [
            one for split in SPLITS for one in SETS[name].split(images, "", split, tmp_path).classes
        ]
        assert sorted(classes) == sorted(f"{above}/{fine}" for fine, above in CIFAR.items())
        if name == "fc100":
            of = {one.partition("/")[0]: 0 for one in classes}
            assert len(of) == len(made.SUPERCLASSES)


def test_cifar_100s_rows_become_images(tmp_path: Path) -> None:
    made.cifar100(tmp_path / "cifar-100-python", CIFAR)
    images = SETS["cifar_fs"].open(tmp_path)
    table = pickle.loads((tmp_path / "cifar-100-python/train").read_bytes())
    first = sorted(CIFAR).index("rose")
    rows = table[b"data"][np.array(table[b"fine_labels"]) == first]
    own = images.of_class(images.classes.index("flowers/rose"))
    assert np.array_equal(own[:10], rows.reshape(-1, 3, 32, 32))


def test_mini_imagenets_cache_is_kept_to_the_pixel(tmp_path: Path) -> None:
    made.mini_pickles(tmp_path)
    images = SETS["mini_imagenet"].open(tmp_path)
    table = pickle.loads((tmp_path / "mini-imagenet-cache-val.pkl").read_bytes())
    own = images.of_class(images.classes.index("val/n12"))
    expected = table["image_data"][table["class_dict"]["n12"]]
    assert np.array_equal(own, expected.transpose(0, 3, 1, 2))


def test_tiered_imagenets_images_are_those_of_their_labels(tmp_path: Path) -> None:
    made.tiered_pickles(tmp_path / "tiered-imagenet")
    images = SETS["tiered_imagenet"].open(tmp_path)
    own = images.of_class(images.classes.index("test/n21"))
    expected = [made.noise(84, 84, 3, seed=2000 + n).transpose(2, 0, 1) for n in range(6, 12)]
    assert np.array_equal(own, np.stack(expected))


def test_idx_files_are_kept_to_the_pixel(tmp_path: Path) -> None:
    made.mnist(tmp_path, ".gz")
    images = SETS["mnist"].open(tmp_path)
    expected = made.noise(1200, 28, 28)[3:1100:10]
    assert np.array_equal(images.of_class(images.classes.index("train/3"))[:, 0], expected)


def test_what_is_not_there_is_asked_for_with_its_layout_and_source(tmp_path: Path) -> None:
    for known in SETS.values():
        with pytest.raises(Absent, match="is not in data_dir. Give data_dir=FOLDER") as caught:
            known.source(tmp_path)
        assert known.published in str(caught.value)
        assert all(layout.expected in str(caught.value) for layout in known.layouts)


def test_an_unknown_set_names_the_nearest() -> None:
    with pytest.raises(UnknownName, match="did you mean 'omniglot'.*Or write folder:PATH"):
        located("omniglott", None)


def test_an_unknown_rule_and_split_name_the_nearest(tmp_path: Path) -> None:
    made.omniglot_zips(tmp_path)
    with pytest.raises(UnknownName, match="did you mean 'vinyals'"):
        made.counts("omniglot", tmp_path, "vinials")
    images = SETS["omniglot"].open(tmp_path)
    with pytest.raises(UnknownName, match="Allowed: test, train, valid"):
        SETS["omniglot"].split(images, "", "tset", tmp_path)


def test_lists_of_cifar_are_the_papers_numbers_of_classes() -> None:
    path = Path(source.__file__).with_name("cifar100_splits.toml")
    import tomllib

    table = tomllib.loads(path.read_text())
    assert {(name, split): len(set(listed)) for name, lists in table.items()
            for split, listed in lists.items()} == {
        ("cifar_fs", "valid"): 16,
        ("cifar_fs", "test"): 20,
        ("fc100", "valid"): 4,
        ("fc100", "test"): 4,
    }  # fmt: skip
    assert json.dumps(table).count("-") == 1  # non-insect_invertebrates

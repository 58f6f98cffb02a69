"""The sets that are known, and how a set is called."""

from __future__ import annotations

import tomllib
from pathlib import Path

from harness.errors import Absent, UnknownName
from suites.image_sets import folders, idx, omniglot, own_folder, pickles
from suites.image_sets.image_set import ImageSet, Layout
from suites.image_sets.source import Form
from suites.image_sets.splits import by_folder_or, held_out, in_shares, in_turns

_HELD_OUT = tomllib.loads(Path(__file__).with_name("cifar100_splits.toml").read_text())
_CIFAR100 = Layout("CIFAR-100's Python version in cifar-100-python/", pickles.cifar100)
_CIFAR100_MD5 = {
    "cifar-100-python/train": "16019d7e3df5f24257cddd939b257f8d",
    "cifar-100-python/test": "f0ef6b0ae62326f3e7ffdfab6717acfc",
    "cifar-100-python/meta": "7973b15100ade9c7d40fb424638fde48",
}
_MINI = ("mini-imagenet", "miniimagenet", "mini_imagenet", "miniImagenet", "")
_TIERED = ("tiered-imagenet", "tieredimagenet", "tiered_imagenet")
_BY_FOLDER = by_folder_or(in_shares(64, 16, 20))

_ALL = (
    ImageSet(
        name="omniglot",
        title="Omniglot",
        form=Form(1, 28, inverted=True),
        layouts=(
            Layout(
                "images_background and images_evaluation, each a folder or a zip, directly or in "
                "omniglot-py/ or omniglot/",
                omniglot.read,
            ),
        ),
        rules={"shuffled": in_shares(1100, 100, 423), "vinyals": omniglot.vinyals},
        published="https://github.com/brendenlake/omniglot (folder python)",
        licence="MIT",
        classes=1623,
        images=32_460,
        md5={
            "images_background.zip": "68d2efa1b9178cc56df9314c21c6e718",
            "images_evaluation.zip": "6b91aef0f799c5bb55b94e3f2daec811",
        },
        rotated=True,
    ),
    ImageSet(
        name="cifar_fs",
        title="CIFAR-FS",
        form=Form(3, 32),
        layouts=(
            Layout(
                "cifarfs/processed/ or cifar_fs/ with train/CLASS/*.png, val/ and test/",
                folders.split_folders_in("cifarfs/processed", "cifar_fs", "cifar-fs", "cifarfs"),
            ),
            Layout(
                "cifar100/data/CLASS/*.png, directly or in cifarfs/",
                folders.class_folders_in("cifarfs/cifar100/data", "cifar100/data"),
            ),
            _CIFAR100,
        ),
        rules={"bertinetto": by_folder_or(held_out(**_HELD_OUT["cifar_fs"]))},
        published="https://www.cs.toronto.edu/~kriz/cifar.html (CIFAR-100, Python version) or "
        "https://zenodo.org/record/7978538 (cifar100.zip)",
        licence="none stated",
        classes=100,
        images=60_000,
        md5=_CIFAR100_MD5,
    ),
    ImageSet(
        name="fc100",
        title="FC100",
        form=Form(3, 32),
        layouts=(
            Layout(
                "FC100_train.pickle, FC100_val.pickle and FC100_test.pickle, directly or in FC100/",
                pickles.one_file_a_split(
                    "FC100_{}.pickle", ("train", "val", "test"), "FC100", "fc100", ""
                ),
            ),
            Layout(
                "fc100/ with train/CLASS/*.png, val/ and test/",
                folders.split_folders_in("fc100", "FC100"),
            ),
            _CIFAR100,
        ),
        rules={"oreshkin": by_folder_or(held_out(**_HELD_OUT["fc100"]))},
        published="https://www.cs.toronto.edu/~kriz/cifar.html (CIFAR-100, Python version) or "
        "https://zenodo.org/record/7978538 (fc100.zip)",
        licence="none stated",
        classes=100,
        images=60_000,
        md5=_CIFAR100_MD5,
    ),
    ImageSet(
        name="mini_imagenet",
        title="mini-ImageNet",
        form=Form(3, 84),
        layouts=(
            Layout(
                "mini-imagenet-cache-train.pkl, -val.pkl (or -validation.pkl) and -test.pkl, there "
                "or in mini-imagenet/",
                pickles.one_file_a_split(
                    "mini-imagenet-cache-{}.pkl", ("train", "val|validation", "test"), *_MINI
                ),
            ),
            Layout(
                "mini-imagenet/ with images/*.jpg and Ravi's train.csv, val.csv and test.csv",
                folders.listed_images_in(*_MINI[:-1]),
            ),
            Layout(
                "mini-imagenet/ with train/CLASS/*.jpg, val/ and test/",
                folders.split_folders_in(*_MINI[:-1]),
            ),
        ),
        rules={"ravi": _BY_FOLDER},
        published="https://zenodo.org/record/7978538 (pickles); lists: "
        "https://github.com/twitter-research/meta-learning-lstm (data/miniImagenet)",
        licence="ImageNet's: non-commercial research",
        classes=100,
        images=60_000,
    ),
    ImageSet(
        name="tiered_imagenet",
        title="tiered-ImageNet",
        form=Form(3, 84),
        layouts=(
            Layout(
                "tiered-imagenet/ with {train,val,test}_images_png.pkl and _labels.pkl",
                pickles.tiered(*_TIERED),
            ),
            Layout(
                "tiered-imagenet/ with train/CLASS/*.jpg, val/ and test/",
                folders.split_folders_in(*_TIERED),
            ),
        ),
        rules={"ren": _BY_FOLDER},
        published="https://zenodo.org/record/7978538 (pickles), from "
        "https://github.com/renmengye/few-shot-ssl-public",
        licence="ImageNet's: non-commercial research",
        classes=608,
        images=779_165,
    ),
    ImageSet(
        name="cub",
        title="CUB-200-2011",
        form=Form(3, 84),
        layouts=(
            Layout(
                "CUB_200_2011/images/CLASS/*.jpg, unpacked, directly or in cub/ or cubirds200/",
                folders.class_folders_in(
                    "CUB_200_2011/images",
                    "cub/CUB_200_2011/images",
                    "cubirds200/CUB_200_2011/images",
                ),
            ),
        ),
        rules={"chen": in_turns("train", "valid", "train", "test")},
        published="https://www.vision.caltech.edu/datasets/cub_200_2011/ (CUB_200_2011.tgz)",
        licence="non-commercial research",
        classes=200,
        images=11_788,
        md5={"CUB_200_2011.tgz": "97eceeb196236b17998738112f37df78"},
    ),
    ImageSet(
        name="mnist",
        title="MNIST",
        form=Form(1, 28),
        layouts=(
            Layout(
                "the four idx files, plain or .gz, directly or in MNIST/raw/ or mnist/",
                idx.read,
            ),
        ),
        rules={"examples": _BY_FOLDER},
        published="http://yann.lecun.com/exdb/mnist/",
        licence="CC BY-SA 3.0",
        classes=10,
        images=70_000,
        md5={
            "train-images-idx3-ubyte.gz": "f68b3c2dcbeaaa9fbdd348bbdeb94873",
            "train-labels-idx1-ubyte.gz": "d53e105ee54ea40749a09fcbcd1e9432",
            "t10k-images-idx3-ubyte.gz": "9fb629c4189551a2d022fa330f9573f3",
            "t10k-labels-idx1-ubyte.gz": "ec29112dd5afa0611ce80d1b7f02629c",
        },
    ),
)
SETS = {one.name: one for one in _ALL}
OWN = "folder:"


def located(word: str, data_dir: str | None) -> tuple[ImageSet, Path | None]:
    """Return the set that is called so and the folder that its files are looked for in, if any."""
    if word.startswith(OWN):
        return _own(word, data_dir)
    if word not in SETS:
        raise UnknownName("set of images", word, SETS, f"Or write {OWN}PATH, a folder of your own.")
    return SETS[word], None if data_dir is None else Path(data_dir)


def _own(word: str, data_dir: str | None) -> tuple[ImageSet, Path]:
    folder = Path(data_dir or "") / Path(word.removeprefix(OWN)).expanduser()
    if not folder.is_absolute() and data_dir is None:
        raise Absent(
            f"data = {word!r} is looked for in data_dir. Give data_dir=FOLDER, or write the whole "
            "path of the folder."
        )
    if not folder.is_dir():
        raise Absent(
            f"data = {word!r}: there is no folder {folder.name} in {folder.parent}. It should hold "
            f"a folder of images for each class: {own_folder.EXPECTED}."
        )
    own = ImageSet(
        name=folder.name,
        title=folder.name,
        form=own_folder.form_of(folder),
        layouts=(Layout(own_folder.EXPECTED, own_folder.read),),
        rules={"shuffled": by_folder_or(in_shares(60, 20, 20))},
        published="no place that is known: the folder is your own",
        licence="your own",
    )
    return own, folder

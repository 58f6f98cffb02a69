"""Every published layout is read, to the pixel; what is damaged is named, and nothing escapes."""

from __future__ import annotations

import importlib.util
import io
import json
import pickle
import struct
import zipfile
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from harness.errors import Absent, UnknownName, UsageError
from suites.image_sets import omniglot, source, tree
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


def counts(name: str, data_dir: Path, rule: str = "") -> dict[str, Any]:
    """Return, for every split, how many classes of how many images there are."""
    known = SETS[name]
    images = known.open(data_dir)
    found = {}
    for split in SPLITS:
        pool = known.split(images, rule, split, data_dir)
        found[split] = (len(pool.classes), *sorted(set(pool.counts.tolist())))
    return found


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
    found = counts(name, tmp_path)
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


class TestOmniglot:
    @pytest.mark.parametrize("home", ["", "omniglot-py", "omniglot"])
    @pytest.mark.parametrize("make", [made.omniglot_folders, made.omniglot_zips])
    def test_is_found_as_folders_or_zips(self, tmp_path: Path, home: str, make: Any) -> None:
        make(tmp_path / home)
        assert counts("omniglot", tmp_path) == {
            "train": (4 * 20, 7),
            "valid": (2, 7),
            "test": (8, 7),
        }

    def test_is_the_same_either_way(self, tmp_path: Path) -> None:
        made.omniglot_folders(tmp_path / "a")
        made.omniglot_zips(tmp_path / "b")
        first, second = (SETS["omniglot"].open(tmp_path / name) for name in "ab")
        assert first.sha256 == second.sha256
        assert np.array_equal(first.images, second.images)

    def test_is_light_on_dark_and_28_by_28(self, tmp_path: Path) -> None:
        made.omniglot_zips(tmp_path)
        images = SETS["omniglot"].open(tmp_path)
        (name, content), *_ = made.omniglot_files().items()
        assert images.classes[0] == name.rpartition("/")[0]
        drawn = Image.open(io.BytesIO(content)).convert("L")
        expected = 255 - np.asarray(drawn.resize((28, 28), Image.Resampling.LANCZOS))
        assert np.array_equal(images.images[0, 0], expected)
        assert images.images.mean() < 64

    def test_vinyals_alphabets_validate_and_his_last_characters_test(self, tmp_path: Path) -> None:
        made.omniglot_zips(tmp_path)
        known = SETS["omniglot"]
        images = known.open(tmp_path)
        of = {split: known.split(images, "vinyals", split, tmp_path).classes for split in SPLITS}
        assert {one.split("/")[1] for one in of["valid"]} == {"Armenian"}
        assert Counter(one.split("/")[1] for one in of["test"]) == {"Gurmukhi": 2, "Tibetan": 5}
        assert set(of["train"]) & {"images_evaluation/Gurmukhi/character41"}

    def test_vinyals_rule_is_torchmetas_lists(self) -> None:
        torchmeta = importlib.util.find_spec("torchmeta")
        if torchmeta is None or torchmeta.origin is None:
            pytest.skip("torchmeta, which has the lists, is not installed")
        folder = Path(torchmeta.origin).parent / "datasets" / "assets" / "omniglot"
        lists = {
            split: json.loads((folder / f"{their}.json").read_text())
            for split, their in (("train", "train"), ("valid", "val"), ("test", "test"))
        }
        expected = {
            f"images_{part}/{alphabet}/{character}": split
            for split, parts in lists.items()
            for part, alphabets in parts.items()
            for alphabet, characters in alphabets.items()
            for character in characters
        }
        names = sorted(expected)
        found = omniglot.vinyals(names)
        assert {split: len(places) for split, places in found.items()} == {
            "train": 1028,
            "valid": 172,
            "test": 423,
        }
        assert all(expected[names[place]] == split for split in SPLITS for place in found[split])

    def test_the_whole_set_is_split_into_1100_100_and_423(self) -> None:
        names = [f"images_background/A/character{n}" for n in range(1623)]
        found = SETS["omniglot"].rules["shuffled"](names)
        assert [len(found[split]) for split in SPLITS] == [1100, 100, 423]

    def test_lists_of_ones_own_split_it(self, tmp_path: Path) -> None:
        made.omniglot_zips(tmp_path)
        lists = tmp_path / "splits"
        lists.mkdir()
        (lists / "train.txt").write_text("Greek/character01/rot000\nGreek/character01/rot090\n")
        (lists / "val.txt").write_text("Latin/character02\n")
        (lists / "test.txt").write_text("images_evaluation/Angelic/character03\n")
        assert counts("omniglot", tmp_path, "lists:splits") == {
            "train": (4, 7),
            "valid": (1, 7),
            "test": (1, 7),
        }
        (lists / "val.txt").write_text("Greek/character01/rot180\n")
        with pytest.raises(UsageError, match="Greek/character01 is listed for train already"):
            counts("omniglot", tmp_path, "lists:splits")
        (lists / "val.txt").write_text("Klingon/character01\n")
        with pytest.raises(UsageError, match="Klingon/character01, of which there is no class"):
            counts("omniglot", tmp_path, "lists:splits")
        (lists / "val.txt").unlink()
        with pytest.raises(UsageError, match="there is no val.txt in the folder"):
            counts("omniglot", tmp_path, "lists:splits")

    def test_a_missing_part_is_named(self, tmp_path: Path) -> None:
        made.omniglot_zips(tmp_path)
        (tmp_path / "images_evaluation.zip").unlink()
        with pytest.raises(UsageError, match="neither a folder nor a zip archive images_evaluat"):
            SETS["omniglot"].open(tmp_path)


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
        counts("omniglot", tmp_path, "vinials")
    images = SETS["omniglot"].open(tmp_path)
    with pytest.raises(UnknownName, match="Allowed: test, train, valid"):
        SETS["omniglot"].split(images, "", "tset", tmp_path)


def truncated(content: bytes) -> bytes:
    return content[: len(content) // 2]


class TestDamage:
    def test_of_a_drawing_is_named(self, tmp_path: Path) -> None:
        made.omniglot_folders(tmp_path)
        path = next((tmp_path / "images_background/Greek/character02").glob("*_05.png"))
        path.write_bytes(truncated(path.read_bytes()))
        with pytest.raises(
            UsageError, match="images_background/Greek/character02/00.._05.png is damaged.*decoded"
        ):
            SETS["omniglot"].open(tmp_path)
        assert not list((tmp_path / ".packed").iterdir())  # half a set is not left to be found

    def test_of_a_zip_is_named(self, tmp_path: Path) -> None:
        made.omniglot_zips(tmp_path)
        path = tmp_path / "images_evaluation.zip"
        whole = path.read_bytes()
        path.write_bytes(truncated(whole))
        with pytest.raises(UsageError, match="images_evaluation.zip is damaged: .*opened as a zip"):
            SETS["omniglot"].open(tmp_path)
        # One byte of a drawing's content.
        place = whole.index(b"IDAT") + 6
        path.write_bytes(whole[:place] + bytes([whole[place] ^ 255]) + whole[place + 1 :])
        with pytest.raises(UsageError, match="images_evaluation.zip/Angelic/.*png is damaged"):
            SETS["omniglot"].open(tmp_path)

    def test_of_a_pickle_is_named(self, tmp_path: Path) -> None:
        made.mini_pickles(tmp_path)
        path = tmp_path / "mini-imagenet-cache-val.pkl"
        path.write_bytes(truncated(path.read_bytes()))
        with pytest.raises(UsageError, match="mini-imagenet-cache-val.pkl is damaged"):
            SETS["mini_imagenet"].open(tmp_path)

    @pytest.mark.parametrize(
        ("table", "why"),
        [
            ({"image_data": 3, "class_dict": {}}, "no array of bytes called image_data"),
            (
                {"image_data": np.zeros((2, 4, 4, 3), np.uint8), "class_dict": {"a": [0, 2]}},
                "class a has no images, or names some it lacks",
            ),
            (
                {"image_data": np.zeros((2, 4, 4, 3), np.uint8), "class_dict": {"a": []}},
                "class a has no images",
            ),
        ],
    )
    def test_of_a_cache_is_said(self, tmp_path: Path, table: Any, why: str) -> None:
        made.mini_pickles(tmp_path)
        made.write(tmp_path / "mini-imagenet-cache-val.pkl", pickle.dumps(table))
        with pytest.raises(UsageError, match=f"mini-imagenet-cache-val.pkl is damaged: .*{why}"):
            SETS["mini_imagenet"].open(tmp_path)

    def test_of_a_list_is_named(self, tmp_path: Path) -> None:
        made.mini_lists(tmp_path / "mini-imagenet")
        path = tmp_path / "mini-imagenet/val.csv"
        path.write_text("filename,label\n../../secret.jpg,n01\n")
        with pytest.raises(UsageError, match="val.csv is damaged: it lists '../../secret.jpg'"):
            SETS["mini_imagenet"].open(tmp_path)
        path.write_text("a,b\n")
        with pytest.raises(UsageError, match="val.csv is damaged: its first line"):
            SETS["mini_imagenet"].open(tmp_path)

    @pytest.mark.parametrize(
        ("header", "why"),
        [
            (struct.pack(">4I", 0x803, 3, 28, 28), "holds 0 bytes, not the 2,352"),
            (struct.pack(">4I", 0x803, 2**31, 2**31, 2**31), "says that it holds 9,9"),
            (struct.pack(">4I", 0x801, 3, 28, 28), "no idx file of 3 dimensions"),
            (b"\0\0", "no idx file of 3 dimensions"),
        ],
    )
    def test_of_an_idx_file_is_said(self, tmp_path: Path, header: bytes, why: str) -> None:
        made.mnist(tmp_path)
        (tmp_path / "t10k-images-idx3-ubyte").write_bytes(header)
        with pytest.raises(UsageError, match=f"t10k-images-idx3-ubyte is damaged: .*{why}"):
            SETS["mnist"].open(tmp_path)

    def test_of_a_gzipped_file_is_named(self, tmp_path: Path) -> None:
        made.mnist(tmp_path, ".gz")
        path = tmp_path / "train-images-idx3-ubyte.gz"
        path.write_bytes(truncated(path.read_bytes()))
        with pytest.raises(UsageError, match="train-images-idx3-ubyte.gz is damaged"):
            SETS["mnist"].open(tmp_path)

    def test_is_found_where_labels_and_images_differ_in_number(self, tmp_path: Path) -> None:
        made.mnist(tmp_path)
        made.idx(tmp_path / "train-labels-idx1-ubyte", np.zeros(7, np.uint8))
        with pytest.raises(UsageError, match="train-labels-idx1-ubyte .*7 labels for 1200 images"):
            SETS["mnist"].open(tmp_path)


class TestHostileFiles:
    @pytest.mark.parametrize("name", ["../out.png", "/etc/out.png", "a/../../out.png", "..\\o.png"])
    def test_a_zips_member_can_not_leave_it(self, tmp_path: Path, name: str) -> None:
        files = made.omniglot_files() | {"images_background/Greek/character02/1.png": b""}
        made.omniglot_zips(tmp_path, files)
        with zipfile.ZipFile(tmp_path / "images_background.zip", "a") as archive:
            archive.writestr(zipfile.ZipInfo(name), made.drawing(0))
        with pytest.raises(UsageError, match="images_background.zip is damaged: .*points out"):
            SETS["omniglot"].open(tmp_path)
        assert {path.name for path in tmp_path.iterdir()} <= {
            "images_background.zip",
            "images_evaluation.zip",
            ".packed",
        }

    def test_a_file_that_grows_is_refused_before_memory_is_taken(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(tree, "MOST_BYTES", 5000)
        files = made.omniglot_files()
        files["images_background/Greek/character02/0000_00.png"] = bytes(5001)
        made.omniglot_zips(tmp_path, files)
        with pytest.raises(UsageError, match="0000_00.png is damaged: it has 5,001 bytes"):
            SETS["omniglot"].open(tmp_path)

    def test_an_image_of_too_many_pixels_is_refused_before_they_are_decoded(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        made.omniglot_folders(tmp_path)
        monkeypatch.setattr(source, "MOST_PIXELS", 100)
        with pytest.raises(UsageError, match="it says that it has 105 by 105 pixels"):
            SETS["omniglot"].open(tmp_path)

    def test_a_pickle_runs_nothing(
        self, tmp_path: Path, capsys: pytest.CaptureFixture[str]
    ) -> None:
        class Bomb:
            def __reduce__(self) -> Any:
                return (print, ("ran",))

        made.mini_pickles(tmp_path)
        made.write(tmp_path / "mini-imagenet-cache-val.pkl", pickle.dumps({"image_data": Bomb()}))
        with pytest.raises(UsageError, match="cache-val.pkl .*asks for builtins.print"):
            SETS["mini_imagenet"].open(tmp_path)
        assert capsys.readouterr().out == ""

    def test_a_pickle_takes_no_memory_that_it_does_not_fill(self, tmp_path: Path) -> None:
        class Huge:
            def __reduce__(self) -> Any:
                return (np.empty(0).__reduce__()[0], (np.ndarray, (10**9, 10**9), b"b"))

        made.mini_pickles(tmp_path)
        made.write(tmp_path / "mini-imagenet-cache-val.pkl", pickle.dumps({"image_data": Huge()}))
        with pytest.raises(UsageError, match="asks for an array of shape .*before its content"):
            SETS["mini_imagenet"].open(tmp_path)

    def test_a_pickle_larger_than_memory_is_not_read(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        import psutil

        made.mini_pickles(tmp_path)
        memory = psutil.virtual_memory()._replace(available=1000)
        monkeypatch.setattr(psutil, "virtual_memory", lambda: memory)
        with pytest.raises(UsageError, match="takes 0.0 GB of memory, and 0.0 GB are free"):
            SETS["mini_imagenet"].open(tmp_path)


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

"""Damaged and hostile files of image sets are refused, and say what to do."""

from __future__ import annotations

import pickle
import struct
import zipfile
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from harness.errors import UsageError
from suites.image_sets import source, tree
from suites.image_sets.table import SETS

from . import image_layouts as made


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

    def test_of_an_image_that_is_none_is_said(self, tmp_path: Path) -> None:
        path = made.tiered_pickles(tmp_path / "tiered-imagenet") / "val_images_png.pkl"
        images = pickle.loads(path.read_bytes())
        images[0] = [[1], [2, 3]]
        path.write_bytes(pickle.dumps(images))
        with pytest.raises(UsageError, match="val_images_png.pkl is damaged: its image 0 can't be"):
            SETS["tiered_imagenet"].open(tmp_path)

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
    @pytest.mark.parametrize(
        "name", ["../out.png", "/etc/out.png", "a/../../out.png", "..\\o.png", ""]
    )
    def test_a_zips_member_can_not_leave_it(self, tmp_path: Path, name: str) -> None:
        files = made.omniglot_files() | {"images_background/Greek/character02/1.png": b""}
        made.omniglot_zips(tmp_path, files)
        with zipfile.ZipFile(tmp_path / "images_background.zip", "a") as archive:
            info = zipfile.ZipInfo("some name")
            info.filename = name
            archive.writestr(info, made.drawing(0))
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

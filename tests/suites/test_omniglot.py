"""Omniglot: its layout, its rotations and its splits."""

from __future__ import annotations

import importlib.util
import io
import json
from collections import Counter
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from harness.errors import UsageError
from suites.image_sets import omniglot
from suites.image_sets.splits import SPLITS
from suites.image_sets.table import SETS

from . import image_layouts as made


class TestOmniglot:
    @pytest.mark.parametrize("home", ["", "omniglot-py", "omniglot"])
    @pytest.mark.parametrize("make", [made.omniglot_folders, made.omniglot_zips])
    def test_is_found_as_folders_or_zips(self, tmp_path: Path, home: str, make: Any) -> None:
        make(tmp_path / home)
        assert made.counts("omniglot", tmp_path) == {
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
        assert made.counts("omniglot", tmp_path, "lists:splits") == {
            "train": (4, 7),
            "valid": (1, 7),
            "test": (1, 7),
        }
        (lists / "val.txt").write_text("Greek/character01/rot180\n")
        with pytest.raises(UsageError, match="Greek/character01 is already listed for train"):
            made.counts("omniglot", tmp_path, "lists:splits")
        (lists / "val.txt").write_text("Klingon/character01\n")
        with pytest.raises(UsageError, match="Klingon/character01, which is not a class"):
            made.counts("omniglot", tmp_path, "lists:splits")
        (lists / "val.txt").unlink()
        with pytest.raises(UsageError, match="there is no val.txt in the folder"):
            made.counts("omniglot", tmp_path, "lists:splits")

    def test_a_missing_part_is_named(self, tmp_path: Path) -> None:
        made.omniglot_zips(tmp_path)
        (tmp_path / "images_evaluation.zip").unlink()
        with pytest.raises(UsageError, match="neither a folder nor a zip archive images_evaluat"):
            SETS["omniglot"].open(tmp_path)

"""A set is decoded once, wherever it may be written, and what was packed is held to its sums."""

from __future__ import annotations

import json
import os
from pathlib import Path

import numpy as np
import pytest

from harness.errors import UsageError
from suites.image_sets import packed
from suites.image_sets.packed import ARRAY, FOLDER, INDEX, Packed
from suites.image_sets.table import SETS

from . import image_layouts as made

KNOWN = SETS["fc100"]


@pytest.fixture
def data_dir(tmp_path: Path) -> Path:
    made.fc100_pickles(tmp_path / "data" / "FC100")
    return tmp_path / "data"


def packs(folder: Path) -> list[Path]:
    return sorted(folder.glob("fc100-*"))


def test_a_set_is_decoded_once_and_mapped_after_that(
    data_dir: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    first = KNOWN.open(data_dir)
    monkeypatch.setattr(packed, "_write", lambda *_: pytest.fail("it is decoded again"))
    second = KNOWN.open(data_dir)
    assert isinstance(second.images, np.memmap)
    assert np.array_equal(first.images, second.images)
    assert first.sha256 == second.sha256
    assert len(packs(data_dir / FOLDER)) == 1


def test_a_changed_file_is_packed_anew(data_dir: Path) -> None:
    before = KNOWN.open(data_dir)
    made.fc100_pickles(data_dir, images=7)  # in data_dir itself, where it is looked for last
    assert KNOWN.open(data_dir).sha256 == before.sha256
    made.fc100_pickles(data_dir / "FC100", images=7)
    assert KNOWN.open(data_dir).sha256 != before.sha256


def test_where_the_data_can_not_be_written_the_cache_is(
    data_dir: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    # A file where the folder would be: root may write wherever a mode forbids it.
    (data_dir / FOLDER).write_text("")
    first = KNOWN.open(data_dir)
    assert packs(tmp_path / "cache" / "meta-acceleration-harness" / "packed") == [first.folder]
    assert KNOWN.open(data_dir).folder == first.folder


def test_nothing_is_written_through_a_link_that_came_with_the_data(
    data_dir: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    outside = tmp_path / "outside"
    outside.mkdir()
    (data_dir / FOLDER).symlink_to(outside)
    packed = KNOWN.open(data_dir)
    assert tmp_path / "cache" in packed.folder.parents
    assert list(outside.iterdir()) == []


def test_a_cache_may_be_a_link_since_it_is_the_users_own(
    data_dir: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    elsewhere, cache = tmp_path / "elsewhere", tmp_path / "cache" / "meta-acceleration-harness"
    elsewhere.mkdir()
    cache.mkdir(parents=True)
    (cache / "packed").symlink_to(elsewhere)
    (data_dir / FOLDER).write_text("")
    assert cache / "packed" in KNOWN.open(data_dir).folder.parents
    assert len(list(elsewhere.iterdir())) == 1


def test_where_nothing_can_be_written_it_says_so(
    data_dir: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "cache").write_text("")
    (data_dir / FOLDER).write_text("")
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    with pytest.raises(UsageError, match="fc100 can't be packed: neither .* XDG_CACHE_HOME"):
        KNOWN.open(data_dir)


def test_too_little_room_is_said_before_any_is_taken(
    data_dir: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    import shutil

    full = shutil.disk_usage(data_dir)._replace(free=100)
    monkeypatch.setattr(shutil, "disk_usage", lambda _: full)
    with pytest.raises(UsageError, match="packing needs 0.0 GB in .*, but only 0.0 GB are free"):
        KNOWN.open(data_dir)
    assert packs(data_dir / FOLDER) == []


def test_who_packs_at_the_same_time_finds_one_pack(
    data_dir: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    rename = os.rename

    def beaten(scratch: Path, place: Path) -> None:
        monkeypatch.setattr(Path, "rename", lambda self, target: rename(self, target))
        KNOWN.open(data_dir)  # another process, which is done first
        rename(scratch, place)

    monkeypatch.setattr(Path, "rename", beaten)
    images = KNOWN.open(data_dir)
    assert packs(data_dir / FOLDER) == [images.folder]
    assert [path.name for path in (data_dir / FOLDER).iterdir()] == [images.folder.name]


def flip_a_byte(pack: Packed, class_index: int) -> None:
    with (pack.folder / ARRAY).open("r+b") as file:
        offset = (pack.folder / ARRAY).stat().st_size - pack.images.nbytes
        place = offset + int(pack.starts[class_index]) * pack.images[0].nbytes + 5
        file.seek(place)
        byte = file.read(1)[0]
        file.seek(place)
        file.write(bytes([byte ^ 1]))


def test_a_class_whose_bytes_have_changed_is_named_when_it_is_drawn(data_dir: Path) -> None:
    flip_a_byte(KNOWN.open(data_dir), 2)
    images = KNOWN.open(data_dir)
    pool = KNOWN.split(images, "", "train", data_dir)
    with pytest.raises(UsageError, match="is damaged in the class train/2. Delete the folder"):
        pool.sample(np.random.default_rng(0), len(pool.classes), 2)
    images.check([0, 1, 3])


@pytest.mark.parametrize(
    ("file", "content"),
    [
        (ARRAY, b"\x93NUMPY"),
        (ARRAY, b""),
        (INDEX, b"{"),
        (INDEX, b'{"classes": []}'),
        (INDEX, b'{"classes": [["a", 3, 0]], "layout": "", "sha256": ""}'),
    ],
)
def test_a_damaged_pack_is_named_with_what_to_do(data_dir: Path, file: str, content: bytes) -> None:
    folder = KNOWN.open(data_dir).folder
    (folder / file).write_bytes(content)
    with pytest.raises(UsageError, match=f"the packed set in {folder} is damaged.*Delete"):
        KNOWN.open(data_dir)


def test_an_index_that_names_a_class_by_no_word_is_damaged(data_dir: Path) -> None:
    folder = KNOWN.open(data_dir).folder
    index = json.loads((folder / INDEX).read_text())
    index["classes"][0][0] = ["a"]
    (folder / INDEX).write_text(json.dumps(index))
    with pytest.raises(UsageError, match=f"the packed set in {folder} is damaged.*a word"):
        KNOWN.open(data_dir)


def test_the_index_tells_what_was_packed(data_dir: Path) -> None:
    folder = KNOWN.open(data_dir).folder
    index = json.loads((folder / INDEX).read_text())
    assert index["layout"] == "FC100/FC100_*.pickle, pickles"
    assert [name for name, _, _ in index["classes"]][:2] == ["train/0", "train/1"]

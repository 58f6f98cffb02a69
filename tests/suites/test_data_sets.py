"""What is found in a data folder: whole or not, damaged and where, and what it opens."""

from __future__ import annotations

import dataclasses
import hashlib
import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from harness.cli import main
from harness.declare.data import Finding
from harness.declare.settings import build
from harness.declare.workload import Place
from suites.cifar_batches import read_cifar10
from suites.data_sets import Cifar10Batches, FewShotImages, WrenchSets
from suites.image_sets.table import SETS
from suites.images import Images

from . import image_layouts as made


@pytest.fixture
def data_dir(tmp_path: Path) -> Iterator[Path]:
    made.omniglot_zips(tmp_path / "omniglot")
    made.class_folders(tmp_path / "birds", [f"bird{n}" for n in range(25)])
    yield tmp_path
    read_cifar10.cache_clear()


def found(data_dir: Path) -> dict[str, Finding]:
    return {
        finding.name: finding
        for sets in (FewShotImages, Cifar10Batches, WrenchSets)
        for finding in sets.inspect(data_dir)
    }


def test_every_known_set_is_told_of(tmp_path: Path) -> None:
    findings = found(tmp_path)
    assert set(findings) == {*SETS, "cifar10"}
    for finding in findings.values():
        assert finding.state == "missing"
        assert finding.expected
        assert finding.published
        assert not finding.opens


def test_a_part_of_a_set_is_not_taken_for_the_whole(data_dir: Path) -> None:
    finding = found(data_dir)["omniglot"]
    assert finding.state == "partial"
    assert finding.detail.startswith(
        "210 of 32,460 images of 30 classes in omniglot/images_*, zips"
    )
    assert SETS["omniglot"].open(data_dir).sha256 in finding.detail


def test_the_whole_of_a_set_is_known_by_its_number_of_images(
    data_dir: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    small = dataclasses.replace(SETS["omniglot"], images=210)
    monkeypatch.setitem(SETS, "omniglot", small)
    assert found(data_dir)["omniglot"].state == "whole"


def test_files_are_held_to_the_published_hashes(
    data_dir: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    archive = (data_dir / "omniglot/images_background.zip").read_bytes()
    md5 = dict(SETS["omniglot"].md5)
    md5["images_background.zip"] = hashlib.md5(archive).hexdigest()
    monkeypatch.setitem(SETS, "omniglot", dataclasses.replace(SETS["omniglot"], md5=md5))
    assert found(data_dir)["omniglot"].notes == (
        "images_background.zip is the published file, by its md5",
        "images_evaluation.zip differs from the published file, by its md5",
    )


def test_what_is_opened_can_be_drawn(data_dir: Path) -> None:
    opened = found(data_dir)["folder:birds"].opens
    assert [(one.settings["ways"], one.settings["shots"]) for one in opened] == [(5, 1)]
    for one in opened:
        assert one.workload == "images"
        place = Place(data_dir=str(data_dir))
        workload = build(Images, one.settings, "images", place)
        for split in ("train", "valid", "test"):
            workload.eval_batch(0, split, 0, 2)


def test_known_sets_are_not_folders_of_ones_own_as_well(data_dir: Path) -> None:
    made.class_folders(data_dir / "CUB_200_2011/images", ["001.Bird", "002.Bird"])
    own = [name for name in found(data_dir) if name.startswith("folder:")]
    assert own == ["folder:birds"]


def test_damage_is_told_with_the_file(data_dir: Path) -> None:
    (data_dir / "birds/bird3/001.png").write_bytes(b"no image")
    finding = found(data_dir)["folder:birds"]
    assert finding.state == "damaged"
    assert finding.detail.startswith("birds/bird3/001.png is damaged: it can't be decoded")
    assert not finding.opens


def test_cifar_10_and_wrench_are_told_of(data_dir: Path) -> None:
    folder = data_dir / "cifar-10-batches-py"
    for name in [*(f"data_batch_{n}" for n in range(1, 6)), "test_batch"]:
        made.write(folder / name, b"no pickle")
    made.write(data_dir / "reviews/label.json", b"{")
    findings = found(data_dir)
    assert findings["cifar10"].state == "damaged"
    assert "CIFAR-10's data_batch_1: it can't be read" in findings["cifar10"].detail
    assert findings["reviews"].state == "damaged"
    assert "there is no train.json in the folder reviews" in findings["reviews"].detail


class TestTheCommand:
    def test_tells_people(self, data_dir: Path, capsys: pytest.CaptureFixture[str]) -> None:
        assert main(["data", f"data_dir={data_dir}"]) == 0
        shown = capsys.readouterr().out
        assert "\nomniglot: partial. 210 of 32,460 images" in shown
        assert (
            '  use it as workload images with data = "folder:birds", ways = 5, shots = 1' in shown
        )
        assert "\ncub: missing. It was not found.\n  expected: CUB_200_2011/images" in shown

    def test_tells_machines(self, data_dir: Path, capsys: pytest.CaptureFixture[str]) -> None:
        assert main(["data", f"data_dir={data_dir}", "--json"]) == 0
        told = {one["name"]: one for one in json.loads(capsys.readouterr().out)}
        assert told["omniglot"]["state"] == "partial"
        assert told["folder:birds"]["opens"][0] == {
            "workload": "images",
            "settings": {"data": "folder:birds", "ways": 5, "shots": 1},
        }

    def test_fails_where_something_is_damaged(
        self, data_dir: Path, capsys: pytest.CaptureFixture[str]
    ) -> None:
        (data_dir / "omniglot/images_background.zip").write_bytes(b"PK")
        assert main(["data", f"data_dir={data_dir}"]) == 1
        assert "omniglot: damaged. images_background.zip is damaged" in capsys.readouterr().out

    def test_needs_a_folder(self, capsys: pytest.CaptureFixture[str]) -> None:
        assert main(["data"]) == 2
        assert "error: data needs a folder to read" in capsys.readouterr().err
        assert main(["data", "data_dir=nowhere"]) == 2
        assert "data_dir=nowhere: no such folder" in capsys.readouterr().err
        assert main(["data", "dir=."]) == 2
        assert "unknown option 'dir' (did you mean 'data_dir'?)" in capsys.readouterr().err

    def test_asks_a_plugin_as_well(
        self, tmp_path: Path, capsys: pytest.CaptureFixture[str]
    ) -> None:
        (tmp_path / "mine.py").write_text(
            "from harness.declare.data import Finding\n"
            "from harness.registry import data\n\n\n"
            '@data("mine")\n'
            "class Mine:\n"
            '    """My own data."""\n\n'
            "    @staticmethod\n"
            "    def inspect(data_dir):\n"
            '        yield Finding("mine", "Mine", "whole", "7 songs.", "songs/", "here", "mine")\n'
        )
        assert main(["data", f"data_dir={tmp_path}", f"plugin={tmp_path / 'mine.py'}"]) == 0
        assert "mine: whole. 7 songs.\n" in capsys.readouterr().out

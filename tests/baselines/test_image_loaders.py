"""torchmeta's and learn2learn's own loaders see the images and labels that our tasks are made of.

Each library reads the same made zip archives in its own way. What it returns for a class and a
file, put into our form, is our packed image to the bit.
"""

from __future__ import annotations

import glob
import hashlib
import importlib.util
import shutil
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
import torch
from PIL import ImageOps

from suites.image_sets.omniglot import PARTS
from suites.image_sets.packed import Packed
from suites.image_sets.table import SETS

from ..suites import image_layouts as made

KNOWN = SETS["omniglot"]


@pytest.fixture(scope="module")
def data_dir(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a folder with the layouts of torchvision's and of torchmeta's Omniglot."""
    folder = tmp_path_factory.mktemp("data")
    made.omniglot_zips(folder / "omniglot-py")
    made.omniglot_folders(folder / "omniglot-py")  # torchvision unpacks what it downloads
    shutil.copytree(folder / "omniglot-py", folder / "omniglot")
    return folder


@pytest.fixture(scope="module")
def ours(data_dir: Path) -> Packed:
    return KNOWN.open(data_dir)


def md5s(folder: Path) -> dict[str, str]:
    return {p: hashlib.md5((folder / f"{p}.zip").read_bytes()).hexdigest() for p in PARTS}


def learn2learns(folder: Path, monkeypatch: pytest.MonkeyPatch, **options: Any) -> Any:
    """Return learn2learn's Omniglot of made archives, whose hashes torchvision would refuse."""
    datasets = pytest.importorskip("learn2learn.vision.datasets")
    omniglot = pytest.importorskip("torchvision.datasets.omniglot")
    monkeypatch.setattr(omniglot.Omniglot, "zips_md5", md5s(folder / "omniglot-py"))
    return datasets.FullOmniglot(str(folder), **options)


def rows_of(theirs: Any, ours: Packed) -> tuple[list[int], list[int]]:
    """Return, for each of learn2learn's images, our row and our class of the same file."""
    rows, classes = [], []
    for part, half in zip(PARTS, theirs.dataset.datasets, strict=True):
        for name, label in half._flat_character_images:
            place = ours.classes.index(f"{part}/{half._characters[label]}")
            files = sorted(Path(half.target_folder, half._characters[label]).iterdir())
            classes.append(place)
            rows.append(int(ours.starts[place]) + [file.name for file in files].index(name))
    return rows, classes


def test_learn2learns_images_and_labels_are_ours(
    data_dir: Path, ours: Packed, monkeypatch: pytest.MonkeyPatch
) -> None:
    theirs = learn2learns(data_dir, monkeypatch)
    rows, classes = rows_of(theirs, ours)
    assert sorted(rows) == list(range(len(ours.images)))
    images, labels = zip(*theirs, strict=True)
    assert len(set(zip(labels, classes, strict=True))) == len(set(labels)) == len(ours.classes)
    found = np.stack([KNOWN.form(image) for image in images])
    assert found.tobytes() == ours.images[rows].tobytes()


def test_learn2learns_own_transforms_give_our_levels(
    data_dir: Path, ours: Packed, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It takes 1 - v / 255 where we take (255 - v) / 255, so floats may differ in the last bit."""
    torchvision = pytest.importorskip("torchvision")
    from PIL.Image import LANCZOS

    transform = torchvision.transforms.Compose(
        [
            torchvision.transforms.Resize(28, interpolation=LANCZOS),
            torchvision.transforms.ToTensor(),
            lambda x: 1.0 - x,
        ]
    )
    theirs = learn2learns(data_dir, monkeypatch, transform=transform)
    expected = torch.from_numpy(ours.images[rows_of(theirs, ours)[0]])
    images = torch.stack([image for image, _ in theirs])
    torch.testing.assert_close(images, expected / 255, rtol=0, atol=1e-6)
    assert torch.equal((images * 255).round().byte(), expected)


def test_torchmetas_images_and_labels_are_ours(
    data_dir: Path, ours: Packed, monkeypatch: pytest.MonkeyPatch
) -> None:
    if importlib.util.find_spec("torchmeta") is None:
        pytest.skip("torchmeta is not installed")
    from baselines.torchmeta_compat import usable_torchmeta

    with usable_torchmeta():
        from torchmeta.datasets import omniglot as module

    # Its own conversion reads zips that a download has left, so the download is ours.
    home = data_dir / "omniglot"
    for part in PARTS:
        shutil.rmtree(home / part, ignore_errors=True)
        archive = home / f"{part}.zip"
        archive.rename(home / f"kept-{part}.zip")

    def fetched(url: str, root: str, filename: str, md5: str) -> None:
        shutil.copy(home / f"kept-{filename}", home / filename)

    monkeypatch.setattr(module, "download_url", fetched)
    in_order = SimpleNamespace(glob=lambda pattern: sorted(glob.glob(pattern)))
    monkeypatch.setattr(module, "glob", in_order)  # files come as the folder lists them otherwise
    seen: dict[str, Any] = {}
    for split in ("train", "test"):
        classes = module.OmniglotClassDataset(
            str(data_dir), meta_split=split, use_vinyals_split=False, download=True
        )
        for index in range(classes.num_classes):
            of_class = classes[index]
            for place in range(len(of_class)):
                image, (label, _) = of_class[place]
                # It inverts before it resizes; ours is the other order, as learn2learn's is.
                seen.setdefault(label, []).append(KNOWN.form(ImageOps.invert(image)))
        classes.close()
    assert sorted(seen) == sorted(ours.classes)
    for place, name in enumerate(ours.classes):
        assert np.stack(seen[name]).tobytes() == ours.of_class(place).tobytes()

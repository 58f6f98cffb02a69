"""The whole real set, where it is: in the folder that OMNIGLOT names, or beside the project."""

from __future__ import annotations

import os
from pathlib import Path

import numpy as np
import pytest

from suites.data_sets import FewShotImages
from suites.image_sets.image_split import ImageSplit
from suites.image_sets.packed import Packed
from suites.image_sets.splits import SPLITS
from suites.image_sets.table import SETS

from ..command import ROOT

KNOWN = SETS["omniglot"]
BESIDE = ROOT.parent / "shared" / "data" / "omniglot"

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def data_dir(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a folder that links to the set, so that nothing is written beside it."""
    real = Path(os.environ.get("OMNIGLOT", BESIDE))
    if not real.is_dir():
        pytest.skip("real Omniglot is not here; name its folder in OMNIGLOT")
    folder = tmp_path_factory.mktemp("data")
    (folder / "omniglot").symlink_to(real)
    return folder


@pytest.fixture(scope="module")
def images(data_dir: Path) -> Packed:
    return KNOWN.open(data_dir)


def pools(images: Packed, rule: str, data_dir: Path) -> dict[str, ImageSplit]:
    return {split: KNOWN.split(images, rule, split, data_dir) for split in SPLITS}


def test_is_whole(images: Packed, data_dir: Path) -> None:
    assert (len(images.classes), set(images.counts.tolist())) == (1623, {20})
    findings = {finding.name: finding for finding in FewShotImages.inspect(data_dir)}
    assert findings["omniglot"].state == "whole"
    assert len(findings["omniglot"].opens) == 4


@pytest.mark.parametrize(
    ("rule", "expected"),
    [("shuffled", (4 * 1100, 100, 423)), ("vinyals", (4 * 1028, 172, 423))],
)
def test_has_the_published_splits(
    images: Packed, data_dir: Path, rule: str, expected: tuple[int, ...]
) -> None:
    found = pools(images, rule, data_dir)
    assert tuple(len(found[split].classes) for split in SPLITS) == expected


@pytest.mark.parametrize(
    ("ways", "shots", "expected"), [(5, 1, 0.44), (5, 5, 0.72), (20, 1, 0.25), (20, 5, 0.52)]
)
def test_pixels_alone_classify_as_well_as_is_known_of_it(
    images: Packed, data_dir: Path, ways: int, shots: int, expected: float
) -> None:
    pool = KNOWN.split(images, "", "test", data_dir)
    rng = np.random.default_rng(0)
    truth = np.repeat(np.arange(ways), 5)
    right = []
    for _ in range(300):
        pixels = pool.sample(rng, ways, shots + 5).reshape(ways, shots + 5, -1)
        centroids = pixels[:, :shots].mean(axis=1)
        queries = pixels[:, shots:].reshape(ways * 5, -1)
        distance = (centroids**2).sum(axis=1) - 2 * queries @ centroids.T
        right.append((distance.argmin(axis=1) == truth).mean())
    assert np.mean(right) == pytest.approx(expected, abs=0.04)

"""The embedded few-shot data set: digits and letters of five scripts, 28 by 28.

It needs no download and no font. Classes are characters, instances are 12 to 16 styles of type,
each seen through one fixed affine map, and splits are scripts, so that no class of one split is in
another. A pixel is 1 where there is ink. `suites.glyphs_render` made the file and states the rules
of the set.

Provenance and licence: the images were rendered from fonts distributed with matplotlib. DejaVu
(Sans, Sans Mono, Serif) derives from Bitstream Vera, (c) 2003 Bitstream, Inc., and Arev, (c) 2006
Tavmjong Bah; both may be used and redistributed freely, and DejaVu's own changes are in the public
domain. STIXGeneral is (c) 2001-2010 the STI Pub Companies, under the SIL Open Font License 1.1,
which does not extend to documents made with a font. The file holds small grey images and no
outlines.
"""

from __future__ import annotations

import hashlib
import io
from dataclasses import dataclass
from functools import cached_property, lru_cache
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from harness.errors import HarnessError, UnknownName
from suites.class_pool import ClassPool

PATH = Path(__file__).with_name("glyphs.npz")
SHA256 = "1f9172be6c48500e0fa85d93f52c1e5c25a8e159c1702ac35c075534926014a4"
SIDE = 28
LEVELS = 15
SCRIPTS_OF_SPLIT = {
    "train": ("digit", "latin"),
    "valid": ("cyrillic",),
    "test": ("greek", "armenian", "georgian"),
}


@dataclass(frozen=True, eq=False)
class GlyphSplit(ClassPool):
    """The classes of one split. Images are float32 in [0, 1], instances of a class adjacent."""

    scripts: tuple[str, ...]
    images: NDArray[np.float32]

    def instances(self, class_index: int) -> NDArray[np.float32]:
        """Return every image of one class, as a read-only [n, 28, 28]."""
        start = self.starts[class_index]
        own: NDArray[np.float32] = self.images[start : start + self.counts[class_index]]
        return own

    def sample(
        self, rng: np.random.Generator, ways: int, instances_per_class: int
    ) -> NDArray[np.float32]:
        """Draw classes, and instances of each, without replacement: [ways, instances, 28, 28]."""
        _, rows = self.draw(rng, ways, instances_per_class)
        images: NDArray[np.float32] = self.images[rows]
        return images


@dataclass(frozen=True, eq=False)
class GlyphSet:
    """Every class of the set; `counts` instances of each follow one another in `images`."""

    classes: tuple[str, ...]
    scripts: tuple[str, ...]
    counts: NDArray[np.int64]
    styles: tuple[str, ...]
    images: NDArray[np.float32]
    made_with: str

    def split(self, name: str) -> GlyphSplit:
        """Return the split named train, valid or test."""
        if name not in SCRIPTS_OF_SPLIT:
            raise UnknownName("split", name, SCRIPTS_OF_SPLIT, where="glyphs")
        return self._splits[name]

    @cached_property
    def _splits(self) -> dict[str, GlyphSplit]:
        return {name: self._members(name) for name in SCRIPTS_OF_SPLIT}

    def _members(self, name: str) -> GlyphSplit:
        members = np.flatnonzero(np.isin(self.scripts, SCRIPTS_OF_SPLIT[name]))
        first, last = members[0], members[-1] + 1
        ends = np.cumsum(self.counts)
        counts = self.counts[first:last]
        images = self.images[ends[first] - counts[0] : ends[last - 1]]
        return GlyphSplit(
            name=name,
            of="glyphs",
            classes=self.classes[first:last],
            scripts=self.scripts[first:last],
            counts=counts,
            starts=np.cumsum(counts) - counts,
            images=images,
        )


@lru_cache(maxsize=1)
def load() -> GlyphSet:
    """Return the shipped set, read once a process."""
    return read(PATH, SHA256)


def read(path: Path, sha256: str) -> GlyphSet:
    """Read a glyph file that must have the given hash."""
    try:
        content = path.read_bytes()
    except OSError as error:
        raise HarnessError(
            f"the glyph data set cannot be read from {path} ({error.strerror}). "
            "It is part of the package: install it again."
        ) from error
    found = hashlib.sha256(content).hexdigest()
    if found != sha256:
        raise HarnessError(
            f"the glyph data set in {path} is damaged: its sha256 is {found}, not {sha256}. "
            "Restore the file from the repository or install the package again."
        )
    with np.load(io.BytesIO(content), allow_pickle=False) as stored:
        grey = (np.arange(LEVELS + 1) / LEVELS).astype(np.float32)
        pixels_of_byte = np.stack([np.repeat(grey, grey.size), np.tile(grey, grey.size)], axis=1)
        images = np.take(pixels_of_byte, stored["packed"], axis=0).reshape(-1, SIDE, SIDE)
        images.flags.writeable = False
        return GlyphSet(
            classes=tuple(map(chr, stored["code_points"])),
            scripts=tuple(stored["scripts"].tolist()),
            counts=stored["counts"].astype(np.int64),
            styles=tuple(stored["style_names"][stored["styles"]].tolist()),
            images=images,
            made_with=str(stored["made_with"]),
        )

"""One split of a packed set, of which tasks are drawn."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from suites.class_pool import ClassPool
from suites.image_sets.packed import Packed


@dataclass(frozen=True, eq=False)
class ImageSplit(ClassPool):
    """Classes of a packed set; with rotations every one counts four times, turned by 0 to 270."""

    packed: Packed
    places: NDArray[np.int64]
    """Where in the packed set each class stands."""
    turns: NDArray[np.int64]
    """By how many quarters each class is turned, counter-clockwise."""

    def sample(self, rng: np.random.Generator, ways: int, examples: int) -> NDArray[np.float32]:
        """Draw classes, and images of each, in [0, 1]: [ways, examples, channels, side, side]."""
        drawn, rows = self.draw(rng, ways, examples)
        self.packed.check(self.places[drawn].tolist())
        images = self.packed.images[rows].astype(np.float32) / np.float32(255)
        for way, turns in enumerate(self.turns[drawn].tolist()):
            if turns:
                images[way] = np.rot90(images[way], turns, axes=(-2, -1))
        return images


def split_of(
    packed: Packed, name: str, of: str, places: Sequence[int], rotated: bool
) -> ImageSplit:
    """Return the split of these classes."""
    turns = np.repeat(np.arange(4 if rotated else 1), len(places))
    chosen = np.tile(np.array(places, np.int64), 4 if rotated else 1)
    return ImageSplit(
        name=name,
        of=of,
        classes=tuple(packed.classes[place] for place in chosen),
        counts=packed.counts[chosen],
        starts=packed.starts[chosen],
        packed=packed,
        places=chosen,
        turns=turns,
    )

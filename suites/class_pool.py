"""Classes of which tasks are drawn: so many, and so many examples of each."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from harness.errors import UsageError


@dataclass(frozen=True, eq=False)
class ClassPool:
    """The classes of one split; examples of a class are adjacent rows of a table."""

    name: str
    of: str
    """What the classes are of, in the plural, for messages."""
    classes: tuple[str, ...]
    counts: NDArray[np.int64]
    starts: NDArray[np.int64]

    def draw(
        self, rng: np.random.Generator, ways: int, examples: int
    ) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
        """Draw classes, and rows of each, without replacement: [ways] and [ways, examples]."""
        self._check_size(ways, examples)
        drawn = rng.choice(len(self.classes), ways, replace=False)
        counts = self.counts[drawn, None]
        order = rng.random((ways, int(self.counts.max())))
        order[np.arange(order.shape[1]) >= counts] = np.inf
        chosen = order.argsort(axis=1)[:, :examples]
        return drawn, self.starts[drawn, None] + chosen

    def _check_size(self, ways: int, examples: int) -> None:
        if not 1 <= ways <= len(self.classes):
            raise UsageError(
                f"cannot draw {ways} ways from the {self.name} {self.of}: "
                f"choose 1 to {len(self.classes)} ways."
            )
        fewest = int(self.counts.min())
        if not 1 <= examples <= fewest:
            raise UsageError(
                f"cannot draw {examples} instances of a class from the {self.name} "
                f"{self.of}: choose 1 to {fewest}, support and query together."
            )

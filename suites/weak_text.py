"""Sentences with two labels each: the true one, and what cheap rules make of them."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

ABSTAINED = -1


@dataclass(frozen=True)
class Sentences:
    """Sentences, their true labels, and their weak ones: ABSTAINED where no rule decides."""

    texts: tuple[str, ...]
    true: NDArray[np.int64]
    weak: NDArray[np.int64]

    def __len__(self) -> int:
        return len(self.texts)

    @property
    def coverage(self) -> float:
        """The share of sentences that have a weak label."""
        return float((self.weak != ABSTAINED).mean())

    @property
    def accuracy(self) -> float:
        """The share of weak labels that are true."""
        covered = self.weak != ABSTAINED
        return float((self.weak == self.true)[covered].mean())

    def part(self, rows: NDArray[np.int64] | slice) -> Sentences:
        chosen = np.arange(len(self))[rows]
        return Sentences(
            tuple(self.texts[row] for row in chosen), self.true[chosen], self.weak[chosen]
        )


@dataclass(frozen=True)
class WeakText:
    """A set of sentences in three splits, and the number of its labels."""

    classes: int
    train: Sentences
    valid: Sentences
    test: Sentences


def majority(votes: NDArray[np.int64], classes: int) -> NDArray[np.int64]:
    """Return what most rules say of every sentence, a row each; they abstain where they tie."""
    counts = np.stack([(votes == label).sum(axis=1) for label in range(classes)], axis=1)
    best = counts.max(axis=1)
    clear = (best > 0) & ((counts == best[:, None]).sum(axis=1) == 1)
    return np.where(clear, counts.argmax(axis=1), ABSTAINED)

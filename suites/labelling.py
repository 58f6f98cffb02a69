"""Labelling functions for reviews of films: eight rules of keywords, and two of polarity.

They were written down without a look at which words go with which label in the sentences. Those of
polarity are published lexicons: VADER's compound score and TextBlob's, where they are far enough
from zero.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray
from textblob.en import polarity
from vaderSentiment.vaderSentiment import SentimentIntensityAnalyzer

from suites.weak_text import ABSTAINED

NEGATIVE, POSITIVE = 0, 1

KEYWORDS: dict[str, tuple[int, str]] = {
    "praise": (
        POSITIVE,
        "best great good excellent wonderful brilliant superb masterpiece perfect terrific fine "
        "impressive fantastic",
    ),
    "charm": (
        POSITIVE,
        "charming charm delightful sweet warm enjoyable pleasant appealing lovely endearing "
        "likable",
    ),
    "wit": (POSITIVE, "funny hilarious witty clever smart fun entertaining amusing humor"),
    "grip": (
        POSITIVE,
        "compelling gripping engrossing powerful moving touching fascinating intelligent honest "
        "beautiful beautifully riveting",
    ),
    "blame": (NEGATIVE, "bad worst awful terrible poor poorly worse horrible lousy weak"),
    "boredom": (NEGATIVE, "boring dull tedious bland slow flat lifeless tired tiresome long"),
    "failure": (
        NEGATIVE,
        "fails lacks mess waste unfortunately never minutes failed disappointing disappointment "
        "nothing neither",
    ),
    "cliche": (
        NEGATIVE,
        "stupid silly ridiculous predictable contrived pretentious familiar formula formulaic "
        "cliches cliched pointless",
    ),
}

# How far from zero a score must be to be a vote.
VADER_SPEAKS, TEXTBLOB_SPEAKS = 0.3, 0.1

WORD = re.compile(r"[a-z']+")


def votes(texts: Sequence[str]) -> NDArray[np.int64]:
    """Return what every function says of every sentence: a row a sentence, a column a function."""
    return np.stack([*_by_keywords(texts), _by_vader(texts), _by_textblob(texts)], axis=1)


def _by_keywords(texts: Sequence[str]) -> list[NDArray[np.int64]]:
    words = [frozenset(WORD.findall(text.lower())) for text in texts]
    rules = [(label, frozenset(listed.split())) for label, listed in KEYWORDS.values()]
    return [
        np.array([ABSTAINED if listed.isdisjoint(found) else label for found in words])
        for label, listed in rules
    ]


def _by_vader(texts: Sequence[str]) -> NDArray[np.int64]:
    analyzer = SentimentIntensityAnalyzer()
    scores = [analyzer.polarity_scores(text)["compound"] for text in texts]
    return _decided(np.array(scores), VADER_SPEAKS)


def _by_textblob(texts: Sequence[str]) -> NDArray[np.int64]:
    return _decided(np.array([polarity(text) for text in texts]), TEXTBLOB_SPEAKS)


def _decided(scores: NDArray[np.float64], least: float) -> NDArray[np.int64]:
    said = np.where(scores > 0, POSITIVE, NEGATIVE)
    return np.where(np.abs(scores) >= least, said, ABSTAINED)

"""Sentences as numbers, and a classifier of them that is small enough to start from nothing."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence

import torch
from torch import Tensor, nn

PADDING, UNKNOWN = 0, 1
FIRST_WORD = 2

WORD = re.compile(r"[^\W\d_]+(?:'[^\W\d_]+)?|\d+|[!?]")


class Vocabulary:
    """The most frequent words of some sentences, each with its number."""

    def __init__(self, texts: Sequence[str], most: int) -> None:
        counts = Counter(word for text in texts for word in words(text))
        # By count, then by the alphabet: the same whatever the order of the sentences.
        ranked = sorted(counts, key=lambda word: (-counts[word], word))[: most - FIRST_WORD]
        self._numbers = {word: FIRST_WORD + place for place, word in enumerate(ranked)}

    def __len__(self) -> int:
        return FIRST_WORD + len(self._numbers)

    def encode(self, texts: Sequence[str], length: int) -> Tensor:
        """Return the first words of every sentence, a row each, padded to the length."""
        table = torch.full((len(texts), length), PADDING)
        for row, text in enumerate(texts):
            numbers = [self._numbers.get(word, UNKNOWN) for word in words(text)[:length]]
            table[row, : len(numbers)] = torch.tensor(numbers, dtype=torch.long)
        return table


def words(text: str) -> list[str]:
    return WORD.findall(text.lower())


class BagOfWords(nn.Module):
    """The mean of a sentence's word vectors under a network with one hidden layer."""

    def __init__(self, words: int, width: int, classes: int, dropout: float) -> None:
        super().__init__()
        self.vectors = nn.Embedding(words, width, padding_idx=PADDING)
        self.drop = nn.Dropout(dropout)
        self.hidden = nn.Linear(width, width)
        self.head = nn.Linear(width, classes)

    def forward(self, numbers: Tensor) -> Tensor:
        there = (numbers != PADDING).unsqueeze(2).to(self.head.weight.dtype)
        mean = (self.vectors(numbers) * there).sum(1) / there.sum(1).clamp(min=1)
        outputs: Tensor = self.head(torch.relu(self.hidden(self.drop(mean))))
        return outputs

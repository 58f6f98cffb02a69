"""BERT classifiers of several sizes, as transformers builds them from nothing but a shape.

transformers asks of every mask whether it hides anything, and so waits for a GPU in every pass. A
mask that it is handed in full it takes as it is, and where nothing is padded there is none.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Literal

import torch
from torch import Tensor, nn
from transformers import BertConfig, BertForSequenceClassification

Size = Literal["tiny", "mini", "minilm", "base"]
Attention = Literal["eager", "sdpa"]


@dataclass(frozen=True)
class Shape:
    """What makes a BERT large or small; a head is 64 wide, as everywhere, or 32 in a MiniLM."""

    layers: int
    width: int
    heads: int
    words: int

    def knowing(self, words: int) -> Shape:
        """Return the shape with this many words."""
        return replace(self, words=words)


SHAPES: dict[Size, Shape] = {
    "tiny": Shape(layers=2, width=128, heads=2, words=2_000),
    "mini": Shape(layers=4, width=256, heads=4, words=4_600),
    "minilm": Shape(layers=6, width=384, heads=12, words=30_522),
    "base": Shape(layers=12, width=768, heads=12, words=30_522),
}


class Bert(nn.Module):
    """From word numbers to logits; 0 pads, if it is told that anything does."""

    def __init__(
        self,
        shape: Shape,
        classes: int,
        longest: int,
        dropout: float,
        attention: Attention,
        padded: bool,
    ) -> None:
        super().__init__()
        self.padded = padded
        config = BertConfig(  # type: ignore[call-arg]  # the last two are its parent's
            vocab_size=shape.words,
            hidden_size=shape.width,
            num_hidden_layers=shape.layers,
            num_attention_heads=shape.heads,
            intermediate_size=4 * shape.width,
            max_position_embeddings=longest,
            hidden_dropout_prob=dropout,
            attention_probs_dropout_prob=dropout,
            num_labels=classes,
            attn_implementation=attention,
        )
        self.bert = BertForSequenceClassification(config)

    def forward(self, numbers: Tensor) -> Tensor:
        hidden = self._hidden(numbers) if self.padded else None
        outputs: Tensor = self.bert(input_ids=numbers, attention_mask=hidden).logits
        return outputs

    def _hidden(self, numbers: Tensor) -> Tensor:
        """Return what is added to every word's attention to each of a sentence's places."""
        dtype = self.bert.classifier.weight.dtype
        seen = torch.zeros(numbers.shape, dtype=dtype, device=numbers.device)
        return seen.masked_fill(numbers == 0, torch.finfo(dtype).min)[:, None, None, :]

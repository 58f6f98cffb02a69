"""Trees of tensors: what states and batches are made of, whatever the family."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator, Mapping
from typing import Any

import torch
from torch import Tensor


def leaves(tree: Any) -> Iterator[Tensor]:
    """Yield the tensors of a tree of dataclasses, mappings, sequences and modules, in a fixed order."""
    if isinstance(tree, Tensor):
        yield tree
    elif isinstance(tree, torch.nn.Module):
        yield from leaves(tree.state_dict(keep_vars=True))
    elif dataclasses.is_dataclass(tree) and not isinstance(tree, type):
        for field in dataclasses.fields(tree):
            yield from leaves(getattr(tree, field.name))
    elif isinstance(tree, Mapping):
        for value in tree.values():
            yield from leaves(value)
    elif isinstance(tree, list | tuple):
        for value in tree:
            yield from leaves(value)


def live_bytes(*trees: Any) -> int:
    """Return the bytes of the distinct storages behind the trees."""
    storages = {t.untyped_storage().data_ptr(): t.untyped_storage() for t in leaves(list(trees))}
    return sum(storage.nbytes() for storage in storages.values())


def all_finite(tree: Any) -> bool:
    return all(bool(torch.isfinite(t).all()) for t in leaves(tree) if t.is_floating_point())


def identical(left: Any, right: Any) -> bool:
    """Say whether two trees hold the same bits, NaN being equal to NaN."""
    pairs = list(zip(leaves(left), leaves(right), strict=True))
    return all(a.shape == b.shape and torch.equal(a.nan_to_num(), b.nan_to_num()) for a, b in pairs)


def relative_error(found: Mapping[str, Tensor], owed: Mapping[str, Tensor]) -> float:
    """Return |found - owed| / |owed| over all entries of owed, in the largest-entry norm.

    One scale for the whole tree: an entry whose true gradient is zero (a bias in front of BatchNorm)
    must not turn rounding into an infinite relative error.
    """
    scale = max(float(t.abs().max()) for t in owed.values())
    error = max(float((found[name] - t).abs().max()) for name, t in owed.items())
    return error / scale if scale > 0 else (0.0 if error == 0 else float("inf"))

"""Trees of tensors: what states and batches are made of, whatever the family."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

import torch
from torch import Tensor


def leaves(tree: Any) -> Iterator[Tensor]:
    """Yield the tensors of dataclasses, mappings, sequences and modules, in a fixed order."""
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
    elif not isinstance(tree, str | int | float | type(None)):
        raise TypeError(
            f"a {type(tree).__name__} cannot be part of a state or batch, which hold tensors, "
            "dataclasses, mappings, sequences, modules, strings and numbers"
        )


def rows(tree: Any, chosen: range) -> Any:
    """Return the tree with these rows of its tensors; what has no rows is left as it is."""
    if isinstance(tree, Tensor):
        return tree[chosen.start : chosen.stop : chosen.step] if tree.dim() else tree
    if dataclasses.is_dataclass(tree) and not isinstance(tree, type):
        parts = {f.name: rows(getattr(tree, f.name), chosen) for f in dataclasses.fields(tree)}
        return dataclasses.replace(tree, **parts)
    if isinstance(tree, Mapping):
        return {name: rows(value, chosen) for name, value in tree.items()}
    if isinstance(tree, list | tuple):
        taken = [rows(value, chosen) for value in tree]
        return type(tree)(*taken) if hasattr(tree, "_fields") else type(tree)(taken)
    return tree


def live_bytes(*trees: Any) -> int:
    """Return the bytes of the distinct storages behind the trees."""
    storages = {t.untyped_storage().data_ptr(): t.untyped_storage() for t in leaves(list(trees))}
    return sum(storage.nbytes() for storage in storages.values())


def all_finite(tree: Any) -> bool:
    return all(bool(torch.isfinite(t).all()) for t in leaves(tree) if t.is_floating_point())


def identical(left: Any, right: Any) -> bool:
    """Say whether two trees hold the same tensors to the last bit: types, shapes and bytes."""
    ours, theirs = list(leaves(left)), list(leaves(right))
    return len(ours) == len(theirs) and all(map(_same, ours, theirs))


def _same(a: Tensor, b: Tensor) -> bool:
    if (a.shape, a.dtype) != (b.shape, b.dtype):
        return False
    return torch.equal(_bytes(a), _bytes(b))


def _bytes(tensor: Tensor) -> Tensor:
    # Flat, since a tensor without dimensions has no last one whose type could be seen otherwise.
    return tensor.detach().cpu().contiguous().flatten().view(torch.uint8)


def relative_error(found: Mapping[str, Tensor], owed: Mapping[str, Tensor]) -> float:
    """Return |found - owed| / |owed| over all entries, in the largest-entry norm.

    One scale for the whole tree: an entry whose true gradient is zero (a bias in front of
    BatchNorm) must not turn rounding into an infinite relative error. Trees of other names or
    shapes are infinitely far from each other, and a NaN anywhere makes the error NaN.
    """
    if {n: t.shape for n, t in found.items()} != {n: t.shape for n, t in owed.items()}:
        return float("inf")
    scale = _largest(owed.values())
    error = _largest(found[name] - t for name, t in owed.items())
    return error / scale if scale > 0 else (0.0 if error == 0 else error * float("inf"))


def _largest(tensors: Iterable[Tensor]) -> float:
    # Python's max would pass over a NaN that is not the first.
    return float(torch.cat([t.abs().flatten() for t in tensors]).max())

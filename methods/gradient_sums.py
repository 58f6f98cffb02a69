"""Gradients summed over a team's ranks while the backward pass that forms them still runs."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

import torch
from torch import Tensor

from harness.declare.learner import Params
from harness.team.communicator import Communicator, Pending


class Weighted(NamedTuple):
    """A tensor's part in a sum."""

    tensor: Tensor
    weight: Tensor | float


def summed_gradients(
    term: Weighted,
    leaves: Params,
    onto: Params,
    riders: Sequence[Weighted],
    team: Communicator,
    bucket_bytes: int,
) -> tuple[Params, list[Tensor]]:
    """Return the team's sum of onto + weight * dloss/dleaves, the term being (loss, weight).

    The sums run in buckets of about this many bytes. Each is on its way as soon as the backward
    pass has formed the last gradient in it: the pass comes to the last leaves first, and so do the
    buckets. Before all go those of the riders, which are ready from the start. No bucket overtakes
    another, whatever is formed first, since all ranks must sum alike.
    """
    backwards = list(reversed(leaves))
    going = _buckets(riders, bucket_bytes)
    awaited = _buckets([Weighted(onto[name], 1.0) for name in backwards], bucket_bytes)
    line = _Line([*going, *awaited], team)
    names = iter(backwards)
    hooks = []
    for bucket in awaited:
        for part in bucket.parts:
            name = next(names)
            bucket.missing.add(name)
            leaves[name].grad = part  # to which the pass adds in place

            def formed(_: Tensor, name: str = name, bucket: _Bucket = bucket) -> None:
                bucket.missing.discard(name)
                line.advance()

            hooks.append(leaves[name].register_post_accumulate_grad_hook(formed))
    try:
        line.advance()
        if term.tensor.requires_grad:
            loss, weight = term
            if not isinstance(weight, Tensor):
                weight = loss.new_full((), weight)  # a copy from the host would wait for the device
            torch.autograd.backward(loss, weight, inputs=list(leaves.values()))
    finally:
        for hook in hooks:
            hook.remove()
        for leaf in leaves.values():
            leaf.grad = None
    line.close()
    parts = [part for bucket in awaited for part in bucket.parts]
    sums = dict(zip(backwards, parts, strict=True))
    return {name: sums[name] for name in leaves}, [p for bucket in going for p in bucket.parts]


def summed(tensors: Sequence[Weighted], team: Communicator, bucket_bytes: int) -> list[Tensor]:
    """Return the team's weighted sums of tensors."""
    line = _Line(_buckets(tensors, bucket_bytes), team)
    line.close()
    return [part for bucket in line.buckets for part in bucket.parts]


@dataclass
class _Bucket:
    """Tensors in one flat piece of memory, and which of them are not yet what is to be summed."""

    flat: Tensor
    parts: list[Tensor]
    missing: set[str] = field(default_factory=set)


@dataclass
class _Line:
    """Buckets in the order in which they leave."""

    buckets: list[_Bucket]
    team: Communicator
    gone: list[Pending] = field(default_factory=list)

    def advance(self) -> None:
        """Send off the buckets at the head of the line that are complete."""
        while len(self.gone) < len(self.buckets) and not self.buckets[len(self.gone)].missing:
            self._send()

    def close(self) -> None:
        """Send off the rest, in which leaves are missing that the loss is no function of; wait."""
        while len(self.gone) < len(self.buckets):
            self._send()
        for pending in self.gone:
            pending.wait()

    def _send(self) -> None:
        self.gone.append(self.team.start_all_reduce(self.buckets[len(self.gone)].flat))


def _buckets(tensors: Sequence[Weighted], bucket_bytes: int) -> list[_Bucket]:
    """Bring weighted tensors, in their order, into buckets."""
    sets: list[list[Weighted]] = []
    room = 0
    for each in tensors:
        size = each.tensor.numel() * each.tensor.element_size()
        if not sets or size > room:
            sets.append([])
            room = bucket_bytes
        sets[-1].append(each)
        room -= size
    return [_bucket(each) for each in sets]


@torch.no_grad()
def _bucket(tensors: Sequence[Weighted]) -> _Bucket:
    sizes = [tensor.numel() for tensor, _ in tensors]
    flat = tensors[0].tensor.new_empty(sum(sizes))
    parts = []
    for (tensor, weight), piece in zip(tensors, flat.split(sizes), strict=True):
        parts.append(piece.view(tensor.shape))
        torch.mul(tensor, weight, out=parts[-1])
    return _Bucket(flat, parts)

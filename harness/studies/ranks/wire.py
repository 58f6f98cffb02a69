"""The wire: what bare all-reduces take between ranks that do nothing else."""

from __future__ import annotations

import statistics
from collections.abc import Callable, Sequence
from time import perf_counter

import torch

from harness.team.communicator import Communicator
from harness.team.together import slowest

TIMES = 40  # all-reduces of each size that are timed
WARM_UP = 5
SMALLEST = 4  # bytes: nothing but latency


def time_wire(
    team: Communicator, sizes: Sequence[int], device: str, synchronize: Callable[[], None]
) -> tuple[float, ...]:
    """Return the seconds of an all-reduce of so many bytes, for each of the sizes.

    The median, since a rank that is kept from its core for a moment says nothing of the wire.
    """
    found = []
    for size in sizes:
        tensor = torch.zeros(max(1, size // 4), device=device)
        for _ in range(WARM_UP):
            team.all_reduce(tensor)
        spans = []
        for _ in range(TIMES):
            synchronize()
            start = perf_counter()
            team.all_reduce(tensor)
            synchronize()
            spans.append(perf_counter() - start)
        found.append(slowest(team, statistics.median(spans)))
    return tuple(found)

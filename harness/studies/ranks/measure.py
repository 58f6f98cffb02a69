"""What a step sends between its ranks, and what bare all-reduces of as many bytes take."""

from __future__ import annotations

import statistics
from collections.abc import Callable, Sequence
from time import perf_counter

import torch

from harness.declare.learner import Learner, workload_of
from harness.declare.passes import Costs, Look
from harness.measure import device
from harness.measure.block import Block
from harness.studies.ranks import Wire
from harness.team.aggregation import slowest
from harness.team.communicator import Communicator

TIMES = 40  # all-reduces of each size that are timed
WARM_UP = 5
SMALLEST = 4  # bytes: nothing but latency


def time_wires(block: Block, learner: Learner) -> Look:
    """Count what a step sends, and time all-reduces of that size and of the smallest."""
    workload, seed = workload_of(learner), block.task_seed
    team = workload.place.team
    if team.size == 1:
        return Look(Wire())
    before = team.traffic.so_far()
    learner.step(learner.init(seed), workload.train_batch(seed, 0))
    calls, sent = team.traffic.calls - before.calls, team.traffic.bytes - before.bytes
    sizes = (SMALLEST, sent) if sent > SMALLEST else (SMALLEST,)
    seconds = time_wire(team, sizes, block.device, device.synchronizer(block.device))
    return Look(Wire(calls, sent, sizes, seconds), Costs(measured_s=TIMES * sum(seconds)))


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

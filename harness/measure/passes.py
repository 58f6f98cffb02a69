"""The passes: what a block's learner does, and what is seen of it."""

from __future__ import annotations

import dataclasses
import itertools
from collections.abc import Callable
from typing import Any

import torch

from harness.declare.learner import Learner, workload_of
from harness.declare.tree import all_finite, live_bytes
from harness.measure import device
from harness.measure.block import Block, Seen
from harness.measure.clock import time_steps
from harness.measure.inner_steps import at_lengths
from harness.measure.memory import peak_of
from harness.measure.operations import operations_of
from harness.measure.training import train_curve, train_trajectory
from harness.studies.ranks.wire import SMALLEST, time_wire
from harness.studies.variants.measure import count_variants, time_variants, train_variants
from harness.team.communicator import Communicator
from harness.team.together import told_by_all

Measure = Callable[[Block, Learner], Seen]
Repeated = tuple[Callable[[int], None], list[Any]]
"""What does a pass's work so many times, and where it leaves the latest result."""

BATCHES = 4  # distinct batches that a timed loop goes round, all in memory before it starts


class NotFinite(Exception):
    """The state holds NaN or infinity after the block's steps."""


def stepping(block: Block, learner: Learner) -> Repeated:
    """Return what takes steps from the same start whenever it is called."""
    state, batches = _prepared(block, learner)
    latest = [state]

    def repeat(steps: int) -> None:
        current = state
        for batch in itertools.islice(itertools.cycle(batches), steps):
            current, _ = learner.step(current, batch)
        latest[0] = current

    return repeat, latest


def adapting(block: Block, learner: Learner) -> Repeated:
    """Return what adapts to one batch after another, from the same state."""
    state, batches = _prepared(block, learner)
    latest: list[Any] = [None]

    def repeat(times: int) -> None:
        for batch in itertools.islice(itertools.cycle(batches), times):
            latest[0] = learner.adapt(state, batch)

    return repeat, latest


REPEATED: dict[str, Callable[[Block, Learner], Repeated]] = {
    "step": stepping,
    "scaling": stepping,
    "adaptation": adapting,
}


def _timed(block: Block, learner: Learner) -> Seen:
    repeat, latest = REPEATED[block.measured](block, learner)
    team = _team_of(learner)
    timing = time_steps(repeat, device.synchronizer(block.device), block.protocol, team)
    _require_finite(latest[0])
    of_team = {
        "allreduce_seconds": timing.allreduce_seconds,
        "imbalance_seconds": timing.imbalance_seconds,
    }
    return (of_team if team.size > 1 else {}) | {
        "seconds": timing.seconds,
        "steps_per_interval": timing.steps_per_interval,
        "warmup_seconds": timing.warmup_seconds,
        "warmup_s": timing.warmup_s,
        "warmup_steady": timing.steady,
        "measured_s": timing.measured_s,
    }


def _memory(block: Block, learner: Learner) -> Seen:
    state, batches = _prepared(block, learner)
    learner.step(state, batches[0])  # what is made once and kept is not a step's own
    peak = peak_of(lambda: learner.step(state, batches[0]), block.device)
    own = {"live_bytes": live_bytes(state, batches[0])} | dataclasses.asdict(peak)
    of_all: list[Seen] = told_by_all(_team_of(learner), own)
    return max(of_all, key=lambda seen: int(seen["live_bytes"] + seen["peak_bytes"]))


def _growth(block: Block, learner: Learner) -> Seen:
    steps = block.protocol.growth_steps
    peaks = [_memory(block, each) for each in at_lengths(block, learner, steps)]
    return {"growth_steps": steps, "growth_bytes": tuple(seen["peak_bytes"] for seen in peaks)}


def _operations(block: Block, learner: Learner) -> Seen:
    (state, batches), team = _prepared(block, learner), _team_of(learner)
    before = team.traffic.so_far()
    counted = _counted_by_all(team, lambda: learner.step(state, batches[0]))
    calls, sent = team.traffic.calls - before.calls, team.traffic.bytes - before.bytes
    if team.size > 1:
        of_calls, of_bytes = zip(*told_by_all(team, (calls, sent)), strict=True)
        counted |= {"allreduce_calls": max(of_calls), "allreduce_bytes": max(of_bytes)}
    if "adaptation" in block.pair.passes:
        adapting = _counted_by_all(team, lambda: learner.adapt(state, batches[0]))
        counted["adaptation_flops"] = adapting["flops"]
    if "variant_times" in block.pair.passes:
        counted |= count_variants(block, learner, _seed(block))
    return counted


def _scaling(block: Block, learner: Learner) -> Seen:
    seen, team = _timed(block, learner), _team_of(learner)
    if team.size == 1:
        return seen
    (state, batches), before = _prepared(block, learner), team.traffic.so_far()
    learner.step(state, batches[0])
    calls, sent = team.traffic.calls - before.calls, team.traffic.bytes - before.bytes
    sizes = (SMALLEST, sent) if sent > SMALLEST else (SMALLEST,)
    synchronize = device.synchronizer(block.device)
    return seen | {
        "allreduce_calls": calls,
        "allreduce_bytes": sent,
        "wire_bytes": sizes,
        "wire_seconds": time_wire(team, sizes, block.device, synchronize),
    }


def _counted_by_all(team: Communicator, call: Callable[[], object]) -> Seen:
    """Count what all ranks did: work that several of them repeat is not saved."""
    own = operations_of(call)
    flops, passes = zip(*told_by_all(team, (own.flops, own.backward_passes)), strict=True)
    total = {"flops": sum(flops), "backward_passes": sum(passes)}
    return total | ({"rank_flops": max(flops)} if team.size > 1 else {})


def _curve(block: Block, learner: Learner) -> Seen:
    curve = train_curve(learner, _seed(block), block.protocol, device.synchronizer(block.device))
    _require_finite([torch.tensor(curve.curve_quality), torch.tensor(curve.test_quality)])
    return dataclasses.asdict(curve) | {"measured_s": curve.train_seconds}


def _trajectory(block: Block, learner: Learner) -> Seen:
    trajectory = train_trajectory(learner, _seed(block), block.protocol.trajectory_steps)
    _require_finite([torch.tensor(trajectory.losses), torch.tensor(trajectory.fingerprint)])
    return dataclasses.asdict(trajectory)


def _variants(block: Block, learner: Learner) -> Seen:
    seen = train_variants(block, learner, _seed(block), device.synchronizer(block.device))
    _require_finite([torch.tensor(seen["variant_valid"]), torch.tensor(seen["variant_test"])])
    return seen


def _variant_times(block: Block, learner: Learner) -> Seen:
    return time_variants(block, learner, _seed(block), device.synchronizer(block.device))


def _prepared(block: Block, learner: Learner) -> tuple[Any, list[Any]]:
    seed, workload = _seed(block), workload_of(learner)
    return learner.init(seed), [workload.train_batch(seed, index) for index in range(BATCHES)]


def _team_of(learner: Learner) -> Communicator:
    return workload_of(learner).place.team


def _seed(block: Block) -> int:
    return block.task_seed


def _require_finite(tree: Any) -> None:
    if not all_finite(tree):
        raise NotFinite("the result holds NaN or infinity after the block's steps")


PASSES: dict[str, Measure] = {
    "step": _timed,
    "adaptation": _timed,
    "scaling": _scaling,
    "memory": _memory,
    "growth": _growth,
    "operations": _operations,
    "curve": _curve,
    "trajectory": _trajectory,
    "variants": _variants,
    "variant_times": _variant_times,
}

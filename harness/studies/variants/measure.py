"""Variants of a learner beside each other: their quality after training, and their time.

A learner that names no variants is its own only one.
"""

from __future__ import annotations

import dataclasses
import gc
import random
from collections.abc import Iterator
from itertools import product
from time import perf_counter, perf_counter_ns
from typing import Any

import torch

from harness.declare.learner import Learner, Variant, workload_of
from harness.declare.passes import Costs, Look, SeenAt
from harness.declare.point import Point
from harness.declare.settings import build
from harness.errors import UsageError
from harness.measure import device
from harness.measure.block import Block
from harness.measure.clock import Window, costs_of, warm_up
from harness.measure.operations import operations_of
from harness.measure.passes import require_finite
from harness.measure.training import EVAL_BATCH
from harness.seeds import derive
from harness.studies.variants import CallOperations, CallTimes, Quality, Settings
from harness.studies.variants.inner_steps import at_lengths

TASKS = 8  # different tasks that single adaptations go round
Cell = tuple[str, int]
"""A variant, and a number of inner steps."""

DIGITS = 5  # significant ones of a quality: more would swell the records and tell no more


def train_variants(block: Block, learner: Learner) -> Look:
    """Train and see every variant's quality on validation tasks and on other, test tasks."""
    asked, seed, named = _asked(block), block.task_seed, _variants(learner)
    synchronize = device.synchronizer(block.device)
    batches = {
        "valid": list(_batches(learner, seed, "valid", asked.tasks)),
        "test": list(_batches(learner, seed, "test", asked.test_tasks)),
    }
    seen: SeenAt = []
    train_seconds, state = 0.0, None
    for name, variant in named.items():
        own = dataclasses.replace(learner, **variant.settings)
        if state is None or not learner.one_training:
            start = perf_counter()
            state = _trained(own, seed, asked.train_steps)
            synchronize()
            train_seconds += perf_counter() - start
        lengths = at_lengths(block, own, asked.inner_steps)
        for steps, each in zip(asked.inner_steps, lengths, strict=True):
            valid, test = (_qualities(each, state, of) for of in batches.values())
            require_finite([torch.tensor(valid), torch.tensor(test)])
            quality = Quality(
                valid=_rounded(sum(valid) / len(valid)),
                test=test,
                known_as=variant.known_as,
                full=variant.full,
                trained_at=getattr(workload_of(learner), "inner_steps", None),
            )
            seen.append((_point(name, steps), quality))
    return Look(seen, Costs(measured_s=train_seconds))


def time_variants(block: Block, learner: Learner) -> Look:
    """Time every variant's adaptation to one task, call by call, and to a batch of tasks.

    A sweep goes through all variants and numbers of steps once, in an order of its own. Calls are
    timed singly and not in intervals of many, since a device adapts to a task once: what its user
    waits for has a median and a tail. Each follows an untimed call of the same variant. Else a
    member of many variants would find its caches full of the others', and one of few would not.
    """
    asked, seed = _asked(block), block.task_seed
    synchronize = device.synchronizer(block.device)
    workload, named = workload_of(learner), _variants(learner)
    singles = [workload.eval_batch(seed, "valid", index, 1) for index in range(TASKS)]
    batch = workload.eval_batch(seed, "valid", 0, asked.batch)
    state = learner.init(seed)
    cells = dict(_cells(block, learner, named))
    shuffle = random.Random(derive(seed, "order of variants", block.round))

    def sweep(tasks: Any) -> dict[Cell, float]:
        order = list(cells)
        shuffle.shuffle(order)
        gc.collect()
        seconds = {}
        for cell in order:
            cells[cell].adapt(state, tasks)
            synchronize()
            start = perf_counter_ns()
            cells[cell].adapt(state, tasks)
            synchronize()
            seconds[cell] = (perf_counter_ns() - start) / 1e9
        return seconds

    def interval(sweeps: int) -> Window:
        spans = (sum(sweep(singles[i % TASKS]).values()) for i in range(sweeps))
        return Window(sweeps, sum(spans))

    windows, steady = warm_up(interval, block.protocol)
    calls = [sweep(singles[index % TASKS]) for index in range(asked.calls)]
    of_batch = sweep(batch)
    measured_s = sum(sum(seconds.values()) for seconds in (*calls, of_batch))
    seen: SeenAt = [
        (
            _point(*cell),
            CallTimes(
                seconds=tuple(call[cell] for call in calls),
                batch_seconds=of_batch[cell],
                batch=asked.batch,
                known_as=named[cell[0]].known_as,
                full=named[cell[0]].full,
            ),
        )
        for cell in cells
    ]
    return Look(seen, costs_of(windows, steady, measured_s))


def count_variants(block: Block, learner: Learner) -> Look:
    """Count the operations of every variant's adaptation to one task."""
    named, seed = _variants(learner), block.task_seed
    task, state = workload_of(learner).eval_batch(seed, "valid", 0, 1), learner.init(seed)

    def counted(cell: Cell, one: Learner) -> CallOperations:
        variant = named[cell[0]]
        flops = operations_of(lambda: one.adapt(state, task)).flops
        return CallOperations(flops, variant.known_as, variant.full)

    cells = _cells(block, learner, named)
    return Look([(_point(*cell), counted(cell, one)) for cell, one in cells])


def _asked(block: Block) -> Settings:
    return build(Settings, block.study, "[study.variants]")


def _point(variant: str, inner_steps: int) -> Point:
    return {"variant": variant, "inner_steps": inner_steps}


def _variants(learner: Learner) -> dict[str, Variant]:
    named = learner.variants() or {learner.name: Variant({}, full=True)}
    full = [name for name, variant in named.items() if variant.full]
    if len(full) != 1:
        raise UsageError(
            f"{learner.name}: {len(full)} of its {len(named)} variants are full, but all others "
            "are held to one that is. Let variants() mark exactly one."
        )
    return named


def _cells(
    block: Block, learner: Learner, named: dict[str, Variant]
) -> Iterator[tuple[Cell, Learner]]:
    """Yield the learner as every variant at every number of steps."""
    steps = _asked(block).inner_steps
    lengths = at_lengths(block, learner, steps)
    for (name, variant), (number, at_length) in product(
        named.items(), zip(steps, lengths, strict=True)
    ):
        yield (name, number), dataclasses.replace(at_length, **variant.settings)


def _trained(learner: Learner, seed: int, steps: int) -> Any:
    workload, state = workload_of(learner), learner.init(seed)
    for step in range(steps):
        state, _ = learner.step(state, workload.train_batch(seed, step))
    return state


def _batches(learner: Learner, seed: int, split: str, count: int) -> Iterator[Any]:
    workload = workload_of(learner)
    for start in range(0, count, EVAL_BATCH):
        yield workload.eval_batch(seed, split, start, min(EVAL_BATCH, count - start))


def _qualities(learner: Learner, state: Any, batches: list[Any]) -> tuple[float, ...]:
    return tuple(
        _rounded(quality)
        for batch in batches
        for quality in learner.evaluate(state, batch).tolist()
    )


def _rounded(quality: float) -> float:
    return float(f"{quality:.{DIGITS}g}")

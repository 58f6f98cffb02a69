"""Variants of a learner beside each other: their quality after training, and their time.

A learner that names no variants is its own only one.
"""

from __future__ import annotations

import dataclasses
import gc
import random
from collections.abc import Callable, Iterator
from itertools import product
from time import perf_counter, perf_counter_ns
from typing import Any

from harness.declare.learner import Learner, Variant, workload_of
from harness.errors import UsageError
from harness.measure.block import Block, Seen
from harness.measure.clock import Window, warm_up
from harness.measure.inner_steps import at_lengths
from harness.measure.operations import operations_of
from harness.measure.training import EVAL_BATCH
from harness.seeds import derive

TASKS = 8  # different tasks that single adaptations go round
DIGITS = 5  # significant ones of a quality: more would swell the records and tell no more


def train_variants(
    block: Block, learner: Learner, seed: int, synchronize: Callable[[], None]
) -> Seen:
    """Train and return every variant's quality on validation tasks and on other, test tasks."""
    protocol = block.protocol
    named = _variants(learner)
    batches = {
        "valid": list(_batches(learner, seed, "valid", protocol.variant_tasks)),
        "test": list(_batches(learner, seed, "test", protocol.variant_test_tasks)),
    }
    valid: list[tuple[float, ...]] = []
    test: list[tuple[tuple[float, ...], ...]] = []
    train_seconds, state = 0.0, None
    for variant in named.values():
        own = dataclasses.replace(learner, **variant.settings)
        if state is None or not learner.one_training:
            start = perf_counter()
            state = _trained(own, seed, protocol.variant_train_steps)
            synchronize()
            train_seconds += perf_counter() - start
        found = [
            {split: _qualities(each, state, of_split) for split, of_split in batches.items()}
            for each in at_lengths(block, own, protocol.variant_steps)
        ]
        valid.append(tuple(_rounded(sum(q["valid"]) / len(q["valid"])) for q in found))
        test.append(tuple(q["test"] for q in found))
    return _about(block, named) | {
        "variant_valid": tuple(valid),
        "variant_test": tuple(test),
        "variant_trained_at": getattr(workload_of(learner), "inner_steps", None),
        "train_seconds": train_seconds,
        "measured_s": train_seconds,
    }


def time_variants(
    block: Block, learner: Learner, seed: int, synchronize: Callable[[], None]
) -> Seen:
    """Time every variant's adaptation to one task, call by call, and to a batch of tasks.

    A sweep goes through all variants and numbers of steps once, in an order of its own. Calls are
    timed singly and not in intervals of many, since a device adapts to a task once: what its user
    waits for has a median and a tail. Each follows an untimed call of the same variant. Else a
    member of many variants would find its caches full of the others', and one of few would not.
    """
    protocol = block.protocol
    workload, named = workload_of(learner), _variants(learner)
    singles = [workload.eval_batch(seed, "valid", index, 1) for index in range(TASKS)]
    batch = workload.eval_batch(seed, "valid", 0, protocol.variant_batch)
    state = learner.init(seed)
    cells = dict(_cells(block, learner, named))
    shuffle = random.Random(derive(seed, "order of variants", block.round))

    def sweep(tasks: Any) -> dict[tuple[int, int], float]:
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

    windows, steady = warm_up(interval, protocol)
    calls = [sweep(singles[index % TASKS]) for index in range(protocol.variant_calls)]
    of_batch = sweep(batch)
    rows, columns = range(len(named)), range(len(protocol.variant_steps))
    return _about(block, named) | {
        "variant_seconds": tuple(
            tuple(tuple(call[row, column] for call in calls) for column in columns) for row in rows
        ),
        "variant_batch": protocol.variant_batch,
        "variant_batch_seconds": tuple(
            tuple(of_batch[row, column] for column in columns) for row in rows
        ),
        "warmup_seconds": tuple(window.seconds for window in windows),
        "warmup_s": sum(window.span for window in windows),
        "warmup_steady": steady,
        "measured_s": sum(sum(seconds.values()) for seconds in (*calls, of_batch)),
    }


def count_variants(block: Block, learner: Learner, seed: int) -> Seen:
    """Count the operations of every variant's adaptation to one task."""
    named = _variants(learner)
    task, state = workload_of(learner).eval_batch(seed, "valid", 0, 1), learner.init(seed)
    flops = {
        cell: operations_of(lambda one=one: one.adapt(state, task)).flops  # type: ignore[misc]  # bound now
        for cell, one in _cells(block, learner, named)
    }
    columns = range(len(block.protocol.variant_steps))
    rows = (tuple(flops[row, column] for column in columns) for row in range(len(named)))
    return _about(block, named) | {"variant_flops": tuple(rows)}


def _variants(learner: Learner) -> dict[str, Variant]:
    named = learner.variants() or {learner.name: Variant({}, full=True)}
    full = [name for name, variant in named.items() if variant.full]
    if len(full) != 1:
        raise UsageError(
            f"{learner.name}: {len(full)} of its {len(named)} variants are full, but all others "
            "are held to one that is. Let variants() mark exactly one."
        )
    return named


def _about(block: Block, named: dict[str, Variant]) -> Seen:
    return {
        "variants": tuple(named),
        "variant_known_as": tuple(variant.known_as for variant in named.values()),
        "variant_full": next(name for name, variant in named.items() if variant.full),
        "variant_steps": block.protocol.variant_steps,
    }


def _cells(
    block: Block, learner: Learner, named: dict[str, Variant]
) -> Iterator[tuple[tuple[int, int], Learner]]:
    """Yield every variant at every number of steps, with its place in the records' tables."""
    lengths = at_lengths(block, learner, block.protocol.variant_steps)
    places = product(enumerate(named.values()), enumerate(lengths))
    for (row, variant), (column, at_length) in places:
        yield (row, column), dataclasses.replace(at_length, **variant.settings)


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

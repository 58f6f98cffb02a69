"""Variants of a learner beside each other: their quality after training, and their time.

A learner that names no variants is its own only one.
"""

from __future__ import annotations

import dataclasses
import gc
import random
from collections.abc import Iterator
from itertools import product
from time import perf_counter
from typing import Any

import torch

from harness.declare.learner import Learner, Variant, workload_of
from harness.declare.passes import Costs, Look, Pace, SeenAt
from harness.declare.point import Point
from harness.declare.settings import build
from harness.errors import UsageError
from harness.measure import device
from harness.measure.block import Block
from harness.measure.clock import Window, warm_up
from harness.measure.operations import operations_of
from harness.measure.passes import clock_of, require_finite
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
                means=variant.means,
                trained_at=getattr(workload_of(learner), "inner_steps", None),
            )
            seen.append((_point(name, steps), quality))
    return Look(seen, Costs(measured_s=train_seconds))


class VariantTurns:
    """Times every variant's adaptation to one task, call by call, and to a batch of tasks.

    A turn goes through all variants and numbers of steps once, in an order of its own; the first
    one calls each with a batch as well. Calls are timed singly and not in intervals of many, since
    a device adapts to a task once: what its user waits for has a median and a tail. Each follows an
    untimed call of the same variant. Else a member of many variants would find its caches full of
    the others', and one of few would not.
    """

    def __init__(self, block: Block, learner: Learner) -> None:
        self._asked, self._protocol, seed = _asked(block), block.protocol, block.task_seed
        workload = workload_of(learner)
        self._singles = [workload.eval_batch(seed, "valid", index, 1) for index in range(TASKS)]
        self._batch = workload.eval_batch(seed, "valid", 0, self._asked.batch)
        self._clock, self._state = clock_of(block, learner), learner.init(seed)
        self._named = _variants(learner)
        self._cells = dict(_cells(block, learner, self._named))
        self._shuffle = random.Random(derive(seed, "order of variants", block.round))
        self._calls: list[dict[Cell, Window]] = []
        self._of_batch: dict[Cell, Window] = {}

    def warm_up(self) -> Pace:
        self._warm = warm_up(self._warming, self._protocol)
        return Pace(1, self._asked.calls)

    def take(self, steps: int) -> None:
        for _ in range(steps):
            if not self._calls:
                self._of_batch = self._sweep(self._batch)
            self._calls.append(self._sweep(self._singles[len(self._calls) % TASKS]))

    def look(self) -> Look:
        seen: SeenAt = [
            (
                _point(*cell),
                CallTimes(
                    seconds=tuple(call[cell].span for call in self._calls),
                    wall_seconds=tuple(call[cell].wall for call in self._calls),
                    batch_seconds=self._of_batch[cell].span if self._of_batch else None,
                    batch=self._asked.batch,
                    known_as=self._named[cell[0]].known_as,
                    full=self._named[cell[0]].full,
                ),
            )
            for cell in self._cells
        ]
        return Look(
            seen, self._warm.costs([_whole(each) for each in (*self._calls, self._of_batch)])
        )

    def _sweep(self, tasks: Any) -> dict[Cell, Window]:
        order = list(self._cells)
        self._shuffle.shuffle(order)
        gc.collect()
        return {cell: self._call(self._cells[cell], tasks) for cell in order}

    def _call(self, learner: Learner, tasks: Any) -> Window:
        learner.adapt(self._state, tasks)
        self._clock.synchronize()
        return self._clock.once(lambda: learner.adapt(self._state, tasks))

    def _warming(self, sweeps: int) -> Window:
        windows = [_whole(self._sweep(self._singles[index % TASKS])) for index in range(sweeps)]
        return Window(sweeps, sum(each.span for each in windows))


def _whole(sweep: dict[Cell, Window]) -> Window:
    calls = sweep.values()
    return Window(1, sum(call.span for call in calls), wall=sum(call.wall for call in calls))


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
            f"{learner.name}: {len(full)} of its {len(named)} variants are marked as full, but the "
            "others are compared with a single full one. Let variants() mark exactly one."
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

"""Training: a learning curve with its test quality, and a trajectory to the last bit."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from time import perf_counter
from typing import Any

import torch

from harness.declare.learner import Learner, workload_of
from harness.declare.protocol import Protocol
from harness.declare.tree import leaves
from harness.records.seen import Curve, Trajectory
from harness.team.aggregation import require_agreement, slowest

EVAL_BATCH = 25


def train_curve(
    learner: Learner, seed: int, protocol: Protocol, synchronize: Callable[[], None]
) -> Curve:
    """Train from the seed's start, looking at the same validation tasks every so many steps."""
    workload = workload_of(learner)
    state, steps, quality, train_seconds = learner.init(seed), [], [], 0.0
    watched: dict[str, list[float]] = {}
    for step in range(1, protocol.curve_steps + 1):
        batch = workload.train_batch(seed, step - 1)
        start = perf_counter()
        state, _ = learner.step(state, batch)
        synchronize()
        train_seconds += perf_counter() - start
        if step % protocol.curve_every == 0 or step == protocol.curve_steps:
            seen = list(_qualities(learner, state, seed, "valid", protocol.curve_tasks))
            steps.append(step)
            quality.append(sum(seen) / len(seen))
            for name, value in learner.watched(state).items():
                watched.setdefault(name, []).append(value)
    test = tuple(_qualities(learner, state, seed, "test", protocol.test_tasks))
    team = workload.place.team
    require_agreement(team, "a learning curve", [quality, test])
    return Curve(
        tuple(steps),
        tuple(quality),
        test,
        {name: tuple(values) for name, values in watched.items()},
        slowest(team, train_seconds),
    )


def train_trajectory(learner: Learner, seed: int, steps: int) -> Trajectory:
    """Take the first steps of training and keep what would show any difference in them."""
    workload = workload_of(learner)
    state = learner.init(seed)
    losses, prints = [], []
    for step in range(steps):
        state, loss = learner.step(state, workload.train_batch(seed, step))
        losses.append(float(loss))
        prints.append(_projection(state, seed))
    require_agreement(workload.place.team, "weights", prints)
    return Trajectory(tuple(losses), tuple(prints))


def _qualities(learner: Learner, state: Any, seed: int, split: str, count: int) -> Iterator[float]:
    workload = workload_of(learner)
    for start in range(0, count, EVAL_BATCH):
        batch = workload.eval_batch(seed, split, start, min(EVAL_BATCH, count - start))
        yield from learner.evaluate(state, batch).tolist()


def _projection(state: Any, seed: int) -> float:
    """Project all tensors of a state on one random direction: equal only if they all are."""
    generator = torch.Generator().manual_seed(seed)
    return sum(
        float(
            leaf.detach().cpu().double().flatten()
            @ torch.randn(leaf.numel(), generator=generator, dtype=torch.float64)
        )
        for leaf in leaves(state)
        if leaf.is_floating_point()
    )

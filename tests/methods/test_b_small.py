"""B-SMALL: its naive definition with any spreads, and MAML without noise and prior."""

from __future__ import annotations

import dataclasses
import math

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from baselines.naive_b_small import adaptations, gradient
from harness.declare.problem import Problem
from harness.declare.settings import build
from harness.declare.tree import identical
from harness.declare.workload import Place
from harness.errors import UsageError
from methods.b_small import BSmall, divergences
from suites.maml_problems import MamlProblems, RandomTasks
from suites.sinusoid import Sinusoid
from tests.methods.related_cases import (
    require_maml,
    require_same,
    require_same_adaptation,
    trained,
)

SEEN = settings(max_examples=12, deadline=None)
PROBLEMS = MamlProblems.strategy()
GENTLE = PROBLEMS.map(lambda problem: problem.with_settings(inner_lr=0.1))
"""Where noise is large and inner steps are too, deviations go beyond all numbers."""
WORKLOAD = RandomTasks(Place(dtype="float64"), meta_batch=2, inner_steps=2, inner_lr=0.1)
SEED = 6


@SEEN
@given(GENTLE, st.sampled_from([-8.0, -3.0]), st.sampled_from([0.0, 1e-3]))
def test_the_gradient_is_the_naive_one_after_training_too(
    problem: Problem, spread: float, prior_weight: float
):
    learner = BSmall(problem.workload, spread=spread, prior_weight=prior_weight, spread_lr=0.1)
    state, batch = trained(learner, problem, 2), problem.workload.train_batch(problem.seed, 2)
    found, owed = learner.meta_gradient(state, batch), gradient(learner, state, batch)
    require_same(found, owed, problem.inner_steps)
    require_same_adaptation(
        learner.adapt(state, batch), adaptations(learner, state, batch), problem.inner_steps
    )


@SEEN
@given(PROBLEMS)
def test_without_noise_and_prior_it_is_maml(problem: Problem):
    learner = BSmall(problem.workload, spread=-40.0, prior_weight=0.0)
    require_maml(learner, problem, learner.init(problem.seed))


def test_noise_is_another_for_every_look_and_the_same_for_the_same_state():
    learner = BSmall(WORKLOAD, spread=-1.0)
    state, batch = learner.init(SEED), WORKLOAD.train_batch(SEED, 0)
    same = dataclasses.replace(batch, **{n: p[[0, 0]] for n, p in vars(batch).items()})
    grads = [
        learner.meta_gradient(each, tasks).loss
        for each, tasks in (
            (state, same),
            (state, same),
            (dataclasses.replace(state, seed=1), same),
            (dataclasses.replace(state, steps={n: s + 1 for n, s in state.steps.items()}), same),
        )
    ]
    assert torch.equal(grads[0], grads[1])
    assert len({float(loss) for loss in grads}) == 3
    alone = learner.meta_gradient(
        state, dataclasses.replace(same, **{n: p[:1] for n, p in vars(same).items()})
    ).loss
    assert not torch.equal(alone, grads[0])  # of two equal tasks each has noise of its own


def test_held_out_tasks_see_no_noise():
    learner = BSmall(WORKLOAD, spread=-1.0)
    state, batch = learner.init(SEED), WORKLOAD.eval_batch(SEED, "test", 0, 2)
    other = dataclasses.replace(state, seed=state.seed + 1)
    assert identical(learner.adapt(state, batch), learner.adapt(other, batch))


def test_what_noise_drowns_is_left_out_at_meta_test():
    learner = BSmall(WORKLOAD, prior_weight=0.0, spread_lr=0.0)
    state, batch = learner.init(SEED), WORKLOAD.eval_batch(SEED, "test", 0, 1)
    [whole] = learner.adapt(state, batch)
    assert learner.watched(state) == {"sparsity": 0.0}
    spread = state.params["spread.head.weight"].clone()
    spread[:, 0] = 4.0
    loud = dataclasses.replace(state, params=state.params | {"spread.head.weight": spread})
    [left] = learner.adapt(loud, batch)
    assert float(left["head.weight"][:, 0].abs().max()) == 0
    assert torch.equal(left["head.weight"][:, 1:], whole["head.weight"][:, 1:])
    weights = sum(p.numel() for n, p in state.params.items() if n.startswith("spread."))
    assert learner.watched(loud)["sparsity"] == pytest.approx(len(spread) / weights)


def test_the_divergence_falls_to_nothing_as_noise_grows():
    """And is near the exact one, -ln(a) / 2 + E ln |1 + sqrt(a) e| + constant, by its changes."""
    dropped = torch.tensor([-4.0, -1.0, 1.0, 3.0, 30.0], dtype=torch.float64)
    found = divergences(dropped)
    assert float(found[-1]) == pytest.approx(0.0, abs=1e-6)
    assert bool((found.diff() < 0).all())
    noise = torch.linspace(-9, 9, 2_000_001, dtype=torch.float64)
    density = (-(noise**2) / 2).exp() / math.sqrt(2 * math.pi)
    exact = [
        float((density * (1 + math.exp(a / 2) * noise).abs().log()).sum() * (noise[1] - noise[0]))
        - a / 2
        for a in dropped.tolist()
    ]
    for a, b in ((0, 1), (1, 2), (2, 3), (3, 4)):
        assert float(found[a] - found[b]) == pytest.approx(exact[a] - exact[b], abs=0.02)


def test_a_strong_prior_makes_weights_sparse():
    learner = BSmall(Sinusoid(meta_batch=2), prior_weight=1.0, spread=-4.0, spread_lr=0.5)
    state = learner.init(SEED)
    for index in range(15):
        state, _ = learner.step(state, learner.workload.train_batch(SEED, index))
    assert learner.watched(state)["sparsity"] > 0.5


@pytest.mark.parametrize("name", ["prior_weight", "spread_lr"])
def test_negative_settings_are_refused(name: str):
    with pytest.raises(UsageError, match=f"{name} = -1"):
        build(BSmall, {name: -1.0}, "b_small", WORKLOAD)

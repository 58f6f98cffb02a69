"""Task weights by SPSA: the estimate is the slope's, the corner is MAML, and weights go down it."""

from __future__ import annotations

import dataclasses
from itertools import product
from unittest.mock import patch

import pytest
import torch
from hypothesis import given, settings

from baselines.reference_maml import ReferenceMaml
from harness.declare.outer import AdamState
from harness.declare.problem import Problem
from harness.declare.settings import build
from harness.declare.tree import identical, relative_error, rows
from harness.declare.workload import Place
from harness.errors import UsageError
from methods import multitask_spsa
from methods.multitask_spsa import WEIGHTS, MultitaskSpsa, WeightedState, naive_gradient
from suites.maml_problems import MamlProblems, RandomTasks

WORKLOAD = RandomTasks(Place(dtype="float64"), meta_batch=3, inner_lr=0.4)
PROBLEMS = MamlProblems.strategy()
SEEN = settings(max_examples=12, deadline=None)
SEED = 5


def trained(learner: MultitaskSpsa, seed: int, steps: int) -> WeightedState:
    state = learner.init(seed)
    for index in range(steps):
        state, _ = learner.step(state, learner.workload.train_batch(seed, index))
    return state


@SEEN
@given(PROBLEMS)
def test_it_is_its_definition_when_weights_have_moved_apart(problem: Problem):
    learner = MultitaskSpsa(problem.workload, weight_lr=0.05, reach=0.1)
    state = trained(learner, problem.seed, 3)
    assert not identical(state.weights, torch.ones_like(state.weights))
    batch = problem.workload.train_batch(problem.seed, 3)
    found, owed = learner.meta_gradient(state, batch), naive_gradient(learner, state, batch)
    torch.testing.assert_close(found.loss, owed.loss, rtol=1e-10, atol=1e-12)
    assert relative_error(found.grads, owed.grads) < 1e-9 * problem.inner_steps
    torch.testing.assert_close(found.grads[WEIGHTS], owed.grads[WEIGHTS], rtol=1e-7, atol=1e-10)


@SEEN
@given(PROBLEMS)
def test_without_a_rate_training_is_maml_s(problem: Problem):
    learner, maml = MultitaskSpsa(problem.workload, weight_lr=0.0), ReferenceMaml(problem.workload)
    state, owed = learner.init(problem.seed), maml.init(problem.seed)
    for index in range(3):
        batch = problem.workload.train_batch(problem.seed, index)
        found, expected = learner.meta_gradient(state, batch), maml.meta_gradient(owed, batch)
        assert relative_error(found.grads, expected.grads) < 1e-9 * problem.inner_steps
        state, owed = learner.step(state, batch)[0], maml.step(owed, batch)[0]
        state = dataclasses.replace(state, params=owed.params)


def test_over_all_signs_the_estimates_have_the_slope_for_mean():
    """To second order of how far they look, by which the mean misses the third derivative."""
    state = trained(MultitaskSpsa(WORKLOAD, weight_lr=0.1), SEED, 2)
    batch = WORKLOAD.train_batch(SEED, 2)
    losses = torch.stack(
        [
            ReferenceMaml(WORKLOAD).meta_gradient(state, rows(batch, range(j, j + 1))).loss
            for j in range(3)
        ]
    )
    weights = state.weights.clone().requires_grad_()
    common = (losses / weights**2 + torch.log(weights**2)).mean()
    [slope] = torch.autograd.grad(common, weights)
    errors = []
    for reach in (0.02, 0.01):
        learner = MultitaskSpsa(WORKLOAD, reach=reach)
        estimates = []
        for signs in product((-1.0, 1.0), repeat=3):
            drawn = torch.tensor(signs, dtype=torch.float64)
            with patch.object(multitask_spsa, "signs", lambda _, drawn=drawn: drawn):
                estimates.append(learner.meta_gradient(state, batch).grads[WEIGHTS])
        errors.append(float((torch.stack(estimates).mean(0) - slope).abs().max()))
    assert errors[1] < 0.01 * float(slope.abs().max())
    assert errors[0] / errors[1] == pytest.approx(4, rel=0.1)


def test_weights_come_to_level_the_tasks_terms():
    """With losses that stay, L is least where w^2 is each task's loss."""
    learner, losses = MultitaskSpsa(WORKLOAD), torch.tensor([0.25, 1.0, 4.0], dtype=torch.float64)
    state = learner.init(SEED)
    for step in range(2000):
        counted = dataclasses.replace(state, steps={"any": torch.tensor(step)})
        slope = learner._slope(losses, state.weights, multitask_spsa.signs(counted))
        state = dataclasses.replace(state, weights=state.weights - 0.02 * slope)
    torch.testing.assert_close(state.weights, losses.sqrt(), rtol=0.05, atol=0)


def test_every_step_draws_other_signs_that_its_seed_alone_decides():
    learner = MultitaskSpsa(dataclasses.replace(WORKLOAD, meta_batch=40))
    state, other = learner.init(SEED), learner.init(SEED + 1)
    later, _ = learner.step(state, learner.workload.train_batch(SEED, 0))
    drawn = [multitask_spsa.signs(each) for each in (state, other, later)]
    assert torch.equal(drawn[0], multitask_spsa.signs(learner.init(SEED)))
    assert len({tuple(s.tolist()) for s in drawn}) == 3
    assert all(set(s.tolist()) == {-1.0, 1.0} for s in drawn)


@pytest.mark.parametrize(
    ("setting", "message"),
    [({"weight_lr": -1.0}, "weight_lr = -1.0"), ({"reach": 1.0}, "reach = 1.0 must be")],
    ids=str,
)
def test_settings_without_sense_are_refused(setting: dict[str, float], message: str):
    with pytest.raises(UsageError, match=message):
        build(MultitaskSpsa, setting, "multitask_spsa", WORKLOAD)


def test_a_state_without_weights_is_refused():
    state = AdamState.start(WORKLOAD.initial(SEED))
    with pytest.raises(UsageError, match="without the weights of their training"):
        MultitaskSpsa(WORKLOAD).step(state, WORKLOAD.train_batch(SEED, 0))

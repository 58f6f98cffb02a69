"""Meta-RKHS: I is MAML to first order, and II is where gradient flow leads a linear network."""

from __future__ import annotations

import dataclasses
import math
from itertools import pairwise

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from baselines.reference_maml import ReferenceMaml
from harness.declare.learner import Params
from harness.declare.problem import Problem
from harness.declare.settings import build
from harness.declare.tree import relative_error
from harness.declare.workload import Place
from harness.errors import UsageError
from methods.adapter import Adapter
from methods.function_space import squared_loss, targets
from methods.meta_rkhs import (
    MOVE,
    MetaRkhsAnalytic,
    MetaRkhsRegularised,
    naive_analytic_adaptations,
    naive_analytic_gradient,
    naive_regularised_gradient,
)
from suites.fewshot import Tasks
from suites.maml_problems import MamlProblems, RandomTasks
from suites.sinusoid import Sinusoid

PROBLEMS = MamlProblems.strategy()
SEEN = settings(max_examples=8, deadline=None)
SEED = 4
SINUSOID = Sinusoid(Place(dtype="float64"), meta_batch=1, shots=4, queries=3, hidden=(12,))
IMAGES = RandomTasks(
    Place(dtype="float64"), meta_batch=2, ways=3, architecture="conv", layers=1, width=3
)


@SEEN
@given(PROBLEMS, st.sampled_from([None, 0.0, 0.7]))
def test_the_regularised_one_is_its_definition(problem: Problem, weight: float | None):
    learner = MetaRkhsRegularised(problem.workload, regulariser=weight)
    state, batch = learner.init(problem.seed), problem.workload.train_batch(problem.seed, 1)
    found = learner.meta_gradient(state, batch)
    owed = naive_regularised_gradient(learner, state, batch)
    torch.testing.assert_close(found.loss, owed.loss, rtol=1e-10, atol=1e-12)
    assert relative_error(found.grads, owed.grads) < 1e-9


@SEEN
@given(PROBLEMS, st.sampled_from([0.1, 1.0, 30.0]), st.sampled_from([None, 1]))
def test_the_analytic_one_is_its_definition(problem: Problem, time: float, chunk: int | None):
    small = problem.with_settings(ways=2, shots=1, queries=2, side=4, meta_batch=2)
    learner = MetaRkhsAnalytic(small.workload, time=time, chunk=chunk)
    state, batch = learner.init(small.seed), small.workload.train_batch(small.seed, 1)
    found = learner.meta_gradient(state, batch)
    owed = naive_analytic_gradient(learner, state, batch)
    torch.testing.assert_close(found.loss, owed.loss, rtol=1e-9, atol=1e-12)
    assert relative_error(found.grads, owed.grads) < 1e-8
    moves = naive_analytic_adaptations(learner, state, batch)
    for one, other in zip(learner.adapt(state, batch), moves, strict=True):
        assert relative_error(one, other) < 1e-8


def test_the_regularised_objective_is_maml_s_but_for_the_second_order_of_the_rate():
    """Where support and query set are one, and so all of a task's examples are."""
    apart = []
    for rate in (0.02, 0.01):
        workload = dataclasses.replace(IMAGES, inner_lr=rate)
        batch = workload.train_batch(SEED, 0)
        batch = Tasks(batch.support_x, batch.support_y, batch.support_x, batch.support_y)
        maml, ours = ReferenceMaml(workload), MetaRkhsRegularised(workload)
        losses = [float(one.meta_gradient(one.init(SEED), batch).loss) for one in (maml, ours)]
        apart.append(abs(losses[0] - losses[1]))
    assert apart[0] / apart[1] == pytest.approx(4, rel=0.2)


def test_as_many_steps_are_regularised_as_are_to_be_taken():
    workload = dataclasses.replace(IMAGES, inner_lr=0.1, inner_steps=3)
    batch = workload.train_batch(SEED, 0)
    by_itself, told = MetaRkhsRegularised(workload), MetaRkhsRegularised(workload, regulariser=0.3)
    found, owed = (each.meta_gradient(each.init(SEED), batch) for each in (by_itself, told))
    assert relative_error(found.grads, owed.grads) < 1e-12


def jacobian(params: Params, x: torch.Tensor) -> torch.Tensor:
    params = {name: p.clone().requires_grad_() for name, p in params.items()}
    ones = SINUSOID.outputs(params, x).flatten()
    grads = [torch.autograd.grad(o, list(params.values()), retain_graph=True) for o in ones]
    return torch.stack([torch.cat([part.flatten() for part in row]) for row in grads])


def test_the_analytic_move_is_where_many_small_steps_on_the_linear_network_lead():
    learner = MetaRkhsAnalytic(SINUSOID, time=2.0)
    state, task = learner.init(SEED), next(iter(SINUSOID.train_batch(SEED, 0)))
    outputs = SINUSOID.outputs(state.params, task.support_x)
    slopes, n = jacobian(state.params, task.support_x), len(task.support_x)
    errors, [adapted] = [], learner.adapt(state, SINUSOID.train_batch(SEED, 0))
    owed = torch.cat([adapted[MOVE + name].flatten() for name in state.params])
    for steps in (400, 800):
        move = torch.zeros_like(owed)
        for _ in range(steps):
            left = (task.support_y - outputs).flatten() - slopes @ move
            move = move + 2.0 / steps * slopes.T @ left / n
        errors.append(float((move - owed).abs().max() / owed.abs().max()))
    assert errors[1] < 0.02
    assert errors[0] / errors[1] == pytest.approx(2, rel=0.1)  # to first order of the step


def test_the_paper_s_formula_gives_the_same_function():
    learner = MetaRkhsAnalytic(SINUSOID, time=0.5)
    state, batch = learner.init(SEED), SINUSOID.train_batch(SEED, 0)
    task, [adapted] = next(iter(batch)), learner.adapt(state, batch)
    support, query = (jacobian(state.params, x) for x in (task.support_x, task.query_x))
    kernel = support @ support.T / len(support)
    values, vectors = torch.linalg.eigh(kernel)
    assert float(values[0]) > 1e-6
    part = vectors @ torch.diag((torch.exp(-0.5 * values) - 1) / values) @ vectors.T
    left = (SINUSOID.outputs(state.params, task.support_x) - task.support_y).flatten()
    owed = SINUSOID.outputs(state.params, task.query_x).flatten() + (
        query @ support.T / len(support) @ part @ left
    )
    torch.testing.assert_close(learner.outputs(adapted, task.query_x).flatten(), owed)


def test_with_more_time_the_support_set_is_fitted_better_and_at_last_exactly():
    losses = []
    for time in (0.1, 1.0, 10.0, 1e4):
        learner = MetaRkhsAnalytic(SINUSOID, time=time)
        state, batch = learner.init(SEED), SINUSOID.train_batch(SEED, 0)
        task, [adapted] = next(iter(batch)), learner.adapt(state, batch)
        losses.append(float(squared_loss(learner.outputs(adapted, task.support_x), task.support_y)))
    assert all(after < before for before, after in pairwise(losses))
    assert losses[-1] < 1e-6


def test_a_network_whose_units_are_all_dead_is_adapted_by_its_last_biases_alone():
    """Its kernel is singular, of rank 1 for each output."""
    learner = MetaRkhsAnalytic(SINUSOID)
    state = learner.init(SEED)
    dead = state.params | {"hidden.0.bias": torch.full((12,), -100.0, dtype=torch.float64)}
    state = dataclasses.replace(state, params=dead)
    batch = SINUSOID.train_batch(SEED, 0)
    task, [adapted] = next(iter(batch)), learner.adapt(state, batch)
    assert all(bool(torch.isfinite(p).all()) for p in adapted.values())
    left = task.support_y - SINUSOID.outputs(dead, task.support_x)
    owed = left.mean() * (1 - math.exp(-learner.time))
    torch.testing.assert_close(adapted[MOVE + "head.bias"], owed[None])
    assert float(adapted[MOVE + "hidden.0.weight"].abs().max()) == 0


def test_an_adapter_answers_as_the_learner_does():
    learner = MetaRkhsAnalytic(IMAGES)
    state, batch = learner.init(SEED), IMAGES.eval_batch(SEED, "test", 0, 1)
    task, [adapted] = next(iter(batch)), learner.adapt(state, batch)
    predict = Adapter(learner, state.params).adapt(task.support_x, task.support_y)
    torch.testing.assert_close(predict(task.query_x), learner.outputs(adapted, task.query_x))


def test_classes_are_learned_by_codes_with_a_mean_of_zero():
    codes = targets(torch.tensor([0, 2]), torch.zeros(2, 4))
    assert codes.tolist() == [[0.75, -0.25, -0.25, -0.25], [-0.25, -0.25, 0.75, -0.25]]


@pytest.mark.parametrize("setting", [{"time": 0.0}, {"chunk": 0}], ids=str)
def test_settings_without_sense_are_refused(setting: dict[str, float]):
    with pytest.raises(UsageError, match=f"{next(iter(setting))} = 0"):
        build(MetaRkhsAnalytic, setting, "meta_rkhs_analytic", SINUSOID)

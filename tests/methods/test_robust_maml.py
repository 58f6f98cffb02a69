"""Robust MAML: its naive definition with any buffer, and MAML with a fixed rate and no replay."""

from __future__ import annotations

import dataclasses
from collections import Counter

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from baselines.naive_robust_maml import adaptations, gradient, met
from baselines.reference_maml import ReferenceMaml
from harness.declare.problem import Problem
from harness.declare.settings import build
from harness.declare.tree import identical, relative_error
from harness.declare.workload import Place
from harness.errors import UsageError
from methods.robust_maml import RobustMaml, RobustState
from suites.fewshot import Tasks
from suites.maml_problems import MamlProblems
from suites.sinusoid import Sinusoid
from tests.methods.related_cases import require_same, require_same_adaptation, trained

SEEN = settings(max_examples=12, deadline=None)
PROBLEMS = MamlProblems.strategy()
SEED = 6


@SEEN
@given(PROBLEMS, st.sampled_from([0.5, 1.0]), st.sampled_from([0.0, 1.0, 4.0]), st.integers(0, 3))
def test_the_gradient_is_the_naive_one_with_tasks_of_the_buffer(
    problem: Problem, replayed: float, sharpness: float, age: int
):
    learner = RobustMaml(problem.workload, replayed=replayed, sharpness=sharpness, capacity=5)
    state, batch = trained(learner, problem, age), problem.workload.train_batch(problem.seed, age)
    owed = gradient(learner, state, batch)
    require_same(learner.meta_gradient(state, batch), owed, problem.inner_steps)
    require_same_adaptation(
        learner.adapt(state, batch), adaptations(learner, state, batch), problem.inner_steps
    )


@SEEN
@given(PROBLEMS)
def test_with_a_fixed_rate_and_nothing_replayed_training_is_maml_s(problem: Problem):
    learner = RobustMaml(problem.workload, replayed=0.0, rate_lr=0.0)
    maml = ReferenceMaml(problem.workload)
    state, owed = trained(learner, problem, 3), trained(maml, problem, 3)
    start = problem.workload.initial(problem.seed)
    moved, owed_move = (
        {name: each.params[name] - p for name, p in start.items()} for each in (state, owed)
    )
    assert relative_error(moved, owed_move) < 1e-5
    assert float(state.params["rate"]) == problem.workload.inner_lr


def test_the_rate_s_gradient_is_what_moving_the_rate_does():
    workload = Sinusoid(Place(dtype="float64"), meta_batch=2, inner_steps=2)
    learner, batch = RobustMaml(workload), workload.train_batch(SEED, 0)
    state = learner.init(SEED)

    def loss(rate: float) -> float:
        there = dataclasses.replace(workload, inner_lr=rate)
        start = ReferenceMaml(there).init(SEED)
        return float(ReferenceMaml(there).meta_gradient(start, batch).loss)

    slope = float(learner.meta_gradient(state, batch).grads["rate"])
    difference = loss(0.01 + 1e-7) - loss(0.01 - 1e-7)
    assert slope == pytest.approx(difference / 2e-7, rel=1e-5)


def test_the_buffer_keeps_the_hardest_tasks_and_forgets_none_that_it_did_not_meet():
    workload = Sinusoid(meta_batch=4)
    learner = RobustMaml(workload, capacity=6, replayed=0.5)
    state = learner.init(SEED)
    for index in range(5):
        batch = workload.train_batch(SEED, index)
        tasks = met(learner, state, batch)
        hard = {} if state.buffer is None else held(state)
        for task in tasks:
            alone = learner.meta_gradient(
                dataclasses.replace(state, buffer=None),
                Tasks(*(part[None] for part in vars(task).values())),
            )
            hard[key(task)] = float(alone.loss)
        state, _ = learner.step(state, batch)
        owed = sorted(hard.values(), reverse=True)[:6]
        assert state.buffer.priorities.tolist() == pytest.approx(owed)
        assert held(state) == pytest.approx({k: hard[k] for k in held(state)})


def key(task) -> float:
    return float(task.support_x.double().sum())


def held(state: RobustState) -> dict[float, float]:
    buffer = state.buffer
    return {key(t): float(p) for t, p in zip(buffer.tasks, buffer.priorities, strict=True)}


@pytest.mark.parametrize(("sharpness", "shares"), [(0.0, (1 / 3, 1 / 3)), (1.0, (4 / 7, 2 / 7))])
def test_a_task_is_met_again_as_often_as_its_priority_says(sharpness, shares):
    workload = Sinusoid(meta_batch=3)
    learner = RobustMaml(workload, sharpness=sharpness, replayed=0.34)
    state, _ = learner.step(learner.init(SEED), workload.train_batch(SEED, 0))
    buffer = dataclasses.replace(state.buffer, priorities=torch.tensor([4.0, 2.0, 1.0]))
    state = dataclasses.replace(state, buffer=buffer)
    batch, drawn = workload.train_batch(SEED, 1), Counter()
    numbers = {key(task): number for number, task in enumerate(buffer.tasks)}
    for seed in range(800):
        tasks, _ = learner._met(dataclasses.replace(state, seed=seed), batch)
        assert identical(list(tasks)[:2], list(batch)[:2])
        drawn[numbers[key(list(tasks)[2])]] += 1
    for number, share in enumerate(shares):
        assert drawn[number] / 800 == pytest.approx(share, abs=0.06)  # over 3 deviations


@pytest.mark.parametrize(
    "wrong", [{"replayed": 1.5}, {"sharpness": -1.0}, {"capacity": -1}, {"rate_lr": -0.1}], ids=str
)
def test_what_does_not_fit_is_refused(wrong):
    with pytest.raises(UsageError, match=next(iter(wrong))):
        build(RobustMaml, wrong, "robust_maml", Sinusoid())

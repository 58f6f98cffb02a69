"""MOML: its naive definition with any memory, and MAML where a memory is replaced at once."""

from __future__ import annotations

import dataclasses

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from baselines.flat import flat
from baselines.naive_moml import gradient, memories
from baselines.reference_maml import ReferenceMaml
from harness.declare.problem import Problem
from harness.declare.settings import build
from harness.declare.tree import identical, relative_error
from harness.errors import UsageError
from methods.moml import Moml
from suites.maml_problems import MamlProblems
from suites.sinusoid import Sinusoid
from suites.sinusoid_set import SinusoidSet
from tests.methods.related_cases import require_same, trained

SEEN = settings(max_examples=12, deadline=None)
PROBLEMS = MamlProblems.strategy().map(lambda problem: problem.with_settings(task_set=5))
SEED = 6


@SEEN
@given(PROBLEMS, st.sampled_from([0.1, 0.5, 1.0]), st.integers(0, 6))
def test_gradient_and_memories_are_the_naive_ones(problem: Problem, rate: float, age: int):
    learner = Moml(problem.workload, rate=rate)
    state, batch = trained(learner, problem, age), problem.workload.train_batch(problem.seed, age)
    owed = gradient(learner, state, batch)
    require_same(learner.meta_gradient(state, batch), owed, problem.inner_steps)
    after, _ = learner.step(state, batch)
    for place, memory in enumerate(memories(learner, state, batch)):
        number = (age * problem.workload.meta_batch + place) % 5
        found = {"memory": after.memory[number]}
        assert relative_error(found, {"memory": flat(memory)}) < 1e-8


@SEEN
@given(PROBLEMS)
def test_a_memory_that_is_replaced_at_once_is_none(problem: Problem):
    """Under `first_order`, too, where MAML's step is its first-order one."""
    learner, maml = Moml(problem.workload, rate=1.0), ReferenceMaml(problem.workload)
    state, owed = learner.init(problem.seed), maml.init(problem.seed)
    for index in range(3):
        batch = problem.workload.train_batch(problem.seed, index)
        there = dataclasses.replace(owed, params=state.params)
        require_same(
            learner.meta_gradient(state, batch),
            maml.meta_gradient(there, batch),
            problem.inner_steps,
        )
        state, _ = learner.step(state, batch)


def test_only_tasks_that_are_met_change_their_memory():
    learner = Moml(SinusoidSet(task_set=7, meta_batch=3))
    state = learner.init(SEED)
    seen = []
    for index in range(3):  # 0 1 2, 3 4 5, 6 0 1
        after, _ = learner.step(state, learner.workload.train_batch(SEED, index))
        changed = (after.memory != state.memory).any(1)
        seen.append(changed.nonzero().flatten().tolist())
        state = after
    assert seen == [[0, 1, 2], [3, 4, 5], [0, 1, 6]]
    assert bool(state.met.all())


def test_held_out_tasks_are_adapted_to_from_the_weights_alone():
    workload = SinusoidSet()
    learner, batch = Moml(workload), workload.eval_batch(SEED, "test", 0, 3)
    state = learner.init(SEED)
    owed = ReferenceMaml(workload).adapt(state, batch)
    state, _ = learner.step(state, workload.train_batch(SEED, 0))
    there = dataclasses.replace(state, params=learner.init(SEED).params)
    assert identical(learner.adapt(there, batch), owed)


def test_sinusoids_of_a_set_come_again_at_new_points():
    """What a point's value is tells the sinusoid: of the same x, the same y."""
    workload = SinusoidSet(task_set=4, shots=200, queries=1)
    first, again = workload.tasks(SEED, "train", 0, 4), workload.tasks(SEED, "train", 4, 4)
    assert not torch.equal(first.support_x, again.support_x)
    for mine, others in ((0, 0), (1, 1), (2, 3)):
        order = first.support_x[mine].flatten().sort()
        right = torch.searchsorted(order.values, again.support_x[others].flatten()).clamp(1, 199)
        near = first.support_y[mine].flatten()[order.indices][right - 1]
        apart = (near - again.support_y[others].flatten()).abs().mean()
        assert (float(apart) < 0.2) is (mine == others)
    held_out = workload.eval_batch(SEED, "test", 0, 4)
    assert not torch.equal(held_out.support_x, first.support_x)


@pytest.mark.parametrize(
    ("settings", "workload", "message"),
    [
        ({"rate": 0.0}, SinusoidSet(), "rate = 0.0 must be above 0"),
        ({"rate": 1.5}, SinusoidSet(), "rate = 1.5 must be above 0"),
        ({}, Sinusoid(), "has no end of tasks. Use a workload that has a task_set"),
        ({}, SinusoidSet(task_set=3), "task_set = 3 must be at least meta_batch = 5"),
    ],
    ids=str,
)
def test_what_does_not_fit_is_refused(settings, workload, message):
    with pytest.raises(UsageError, match=message):
        build(Moml, settings, "moml", workload)

"""MAMF: trained on many tasks at once without adaptation, and adapted to new ones as MAML is."""

from __future__ import annotations

import dataclasses

import pytest
import torch
from hypothesis import given, settings

from baselines.reference_maml import ReferenceMaml
from harness.declare.problem import Problem
from harness.declare.settings import build
from harness.declare.tree import identical, relative_error
from harness.declare.workload import Place
from harness.errors import UsageError
from methods.mamf import Mamf, naive_gradient
from suites.maml_problems import MamlProblems, RandomTasks
from suites.sinusoid import Sinusoid

SEEN = settings(max_examples=20, deadline=None)
SEED = 6


@SEEN
@given(MamlProblems.strategy())
def test_the_gradient_is_the_naive_one(problem: Problem):
    for examples in ("all", "query"):
        learner = Mamf(problem.workload, examples=examples)
        state, batch = learner.init(problem.seed), problem.workload.train_batch(problem.seed, 0)
        found, owed = learner.meta_gradient(state, batch), naive_gradient(learner, state, batch)
        assert relative_error(found.grads, owed.grads) < 1e-9
        torch.testing.assert_close(found.loss, owed.loss)


@SEEN
@given(MamlProblems.strategy())
def test_on_query_sets_it_is_maml_without_inner_steps(problem: Problem):
    still = ReferenceMaml(dataclasses.replace(problem.workload, inner_steps=0))
    learner = Mamf(problem.workload, examples="query")
    state, batch = learner.init(problem.seed), problem.workload.train_batch(problem.seed, 0)
    assert identical(learner.step(state, batch), still.step(state, batch))


@SEEN
@given(MamlProblems.strategy())
def test_held_out_tasks_are_adapted_to_as_by_maml(problem: Problem):
    learner, maml = Mamf(problem.workload), ReferenceMaml(problem.workload)
    state, batch = (
        learner.init(problem.seed),
        problem.workload.eval_batch(problem.seed, "test", 0, 2),
    )
    assert identical(learner.adapt(state, batch), maml.adapt(state, batch))


def test_the_support_set_plays_a_part_unless_query_sets_are_asked_for():
    workload = RandomTasks(Place(dtype="float64"), meta_batch=2)
    batch = workload.train_batch(SEED, 0)
    other = dataclasses.replace(batch, support_x=batch.support_x + 1)
    for examples, same in (("all", False), ("query", True)):
        learner = Mamf(workload, examples=examples)
        state = learner.init(SEED)
        assert identical(learner.step(state, batch), learner.step(state, other)) is same


def test_it_learns_what_sinusoids_have_in_common():
    """Their mean is near 0, so that the loss falls to about their variance, and no further."""
    learner = Mamf(Sinusoid(meta_batch=10, outer_lr=0.01))
    state, losses = learner.init(SEED), []
    for index in range(60):
        state, loss = learner.step(state, learner.workload.train_batch(SEED, index))
        losses.append(float(loss))
    assert sum(losses[-10:]) < sum(losses[:10])


def test_other_examples_are_refused():
    with pytest.raises(UsageError, match="examples = 'support'"):
        build(Mamf, {"examples": "support"}, "mamf", Sinusoid())

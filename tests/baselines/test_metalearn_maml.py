"""parallel-metalearn's MAML is the oracle's with its own BatchNorm, and is not with torch's."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
import torch
from hypothesis import given, settings

from baselines.metalearn_maml import MetalearnMaml
from baselines.reference_maml import ReferenceMaml
from harness.declare.problem import Problem
from harness.declare.protocol import Protocol
from harness.declare.tree import identical, relative_error
from harness.declare.workload import Place
from harness.measure.check import check
from harness.registry import Registry
from suites.maml_problems import MamlProblems, RandomTasks

SEEN = settings(max_examples=20, deadline=None, derandomize=True)
WAYS: list[dict[str, Any]] = [{}, {"chunk": 2}, {"backend": "sequential"}]
CONV = RandomTasks(
    Place(dtype="float64"), meta_batch=3, inner_steps=2, inner_lr=0.4, architecture="conv"
)


@SEEN
@given(MamlProblems.strategy())
def test_gradient_loss_and_adaptation_are_the_oracles(problem: Problem):
    workload, batch = problem.workload, problem.workload.train_batch(problem.seed, 0)
    plain = ReferenceMaml(workload)
    state = plain.init(problem.seed)
    owed = plain.meta_gradient(state, batch)
    for way in WAYS:
        learner = MetalearnMaml(workload, **way)
        found = learner.meta_gradient(state, batch)
        assert relative_error(found.grads, owed.grads) < 1e-10 * problem.inner_steps
        torch.testing.assert_close(found.loss, owed.loss)
    for one, other in zip(plain.adapt(state, batch), learner.adapt(state, batch), strict=True):
        assert relative_error(other, one) < 1e-10 * problem.inner_steps
    assert torch.equal(plain.evaluate(state, batch), learner.evaluate(state, batch))


def test_with_torchs_norm_the_loss_is_right_and_the_gradient_is_not():
    plain, learner = ReferenceMaml(CONV), MetalearnMaml(CONV, norm="torch")
    state, batch = plain.init(1), CONV.train_batch(1, 0)
    owed, found = (one.meta_gradient(state, batch) for one in (plain, learner))
    torch.testing.assert_close(found.loss, owed.loss)
    assert relative_error(found.grads, owed.grads) > 0.01
    one_by_one = MetalearnMaml(CONV, norm="torch", backend="sequential")
    right = one_by_one.meta_gradient(state, batch).grads
    assert relative_error(right, owed.grads) < 1e-10


def test_the_harness_finds_the_wrong_gradient_and_passes_the_right_one():
    registry = Registry()
    entry = registry.find("metalearn_maml", "baseline")
    as_suites_check = Protocol().check_examples
    assert not check(entry, registry, as_suites_check, {"norm": "torch"}).passed
    assert check(entry, registry, 20, {}).passed


@pytest.mark.parametrize("way", WAYS)
def test_nothing_that_was_passed_in_is_changed(way: dict[str, Any]):
    learner = MetalearnMaml(CONV, **way)
    state, batch = learner.init(2), CONV.train_batch(2, 0)
    before = {name: p.clone() for name, p in state.params.items()}
    first = learner.meta_gradient(state, batch).grads
    kept = {name: g.clone() for name, g in first.items()}
    learner.adapt(state, batch)
    again = learner.meta_gradient(state, batch).grads
    assert identical(state.params, before)
    assert identical(again, kept)
    assert identical(first, kept)


def test_no_inner_step_leaves_the_parameters_where_they_were():
    workload = replace(CONV, inner_steps=0)
    learner = MetalearnMaml(workload)
    state = learner.init(3)
    assert identical(learner.adapt(state, workload.train_batch(3, 0))[1], state.params)

"""Meta-SGD: ours and learn2learn's are one, and MAML where all rates are alike and constant."""

from __future__ import annotations

import dataclasses

import pytest
import torch
from hypothesis import given, settings

from baselines.meta_sgd import RATE, MetaSgd, MetaSgdLearner, parted
from baselines.reference_maml import ReferenceMaml
from harness.declare.outer import AdamState
from harness.declare.problem import Problem
from harness.declare.settings import build
from harness.declare.tree import identical, relative_error
from harness.declare.workload import Place
from harness.errors import PeerMissing, UsageError
from harness.measure.check import check
from harness.registry import Registry
from methods.adapter import Adapter
from suites.maml_problems import MamlProblems, RandomTasks

SEEN = settings(max_examples=30, deadline=None, derandomize=True)
PROBLEMS = MamlProblems.strategy()
WORKLOAD = RandomTasks(Place(dtype="float64"), meta_batch=3, inner_steps=2, inner_lr=0.4)
SEED = 6


def of_learn2learn() -> type[MetaSgdLearner]:
    try:
        found: type[MetaSgdLearner] = Registry().find("learn2learn_meta_sgd", "baseline").load()
    except PeerMissing as missing:
        pytest.skip(str(missing))
    return found


def with_rates_of_their_own(state: AdamState, seed: int) -> AdamState:
    """Return the state with a rate for every entry that no other one has, some of them negative."""
    generator = torch.Generator().manual_seed(seed)
    drawn = {
        name: 0.3 * torch.randn(p.shape, generator=generator, dtype=p.dtype)
        for name, p in state.params.items()
        if name.startswith(RATE)
    }
    return dataclasses.replace(state, params=state.params | drawn)


@SEEN
@given(PROBLEMS)
def test_learn2learn_s_is_ours_with_any_rates(problem: Problem):
    ours, theirs = MetaSgd(problem.workload), of_learn2learn()(problem.workload)
    state = with_rates_of_their_own(ours.init(problem.seed), problem.seed)
    batch = problem.workload.train_batch(problem.seed, 0)
    owed, found = ours.meta_gradient(state, batch), theirs.meta_gradient(state, batch)
    assert list(found.grads) == list(owed.grads) == list(state.params)
    torch.testing.assert_close(found.loss, owed.loss, rtol=1e-12, atol=1e-14)
    for part in range(2):  # the rates' gradients are held to themselves as well
        torch.testing.assert_close(
            parted(found.grads)[part], parted(owed.grads)[part], rtol=1e-9, atol=1e-12
        )
    for one, other in zip(theirs.adapt(state, batch), ours.adapt(state, batch), strict=True):
        assert relative_error(one, other) < 1e-12


@settings(SEEN, max_examples=15)
@given(PROBLEMS)
def test_training_stays_together(problem: Problem):
    ours, theirs = MetaSgd(problem.workload), of_learn2learn()(problem.workload)
    state = start = ours.init(problem.seed)
    other = theirs.init(problem.seed)
    assert identical(state, other)
    for index in range(3):
        batch = problem.workload.train_batch(problem.seed, index)
        state, other = ours.step(state, batch)[0], theirs.step(other, batch)[0]
    moved, moved_too = (
        {name: p - start.params[name] for name, p in each.params.items()} for each in (state, other)
    )
    assert relative_error(moved_too, moved) < 1e-5


@SEEN
@given(PROBLEMS)
def test_with_equal_constant_rates_it_is_maml(problem: Problem):
    learner, plain = MetaSgd(problem.workload), ReferenceMaml(problem.workload)
    state, there = learner.init(problem.seed), plain.init(problem.seed)
    rates = parted(state.params)[1]
    for index in range(3):
        batch = problem.workload.train_batch(problem.seed, index)
        found, owed = learner.meta_gradient(state, batch), plain.meta_gradient(there, batch)
        assert identical((found.loss, parted(found.grads)[0]), (owed.loss, owed.grads))
        assert identical(learner.adapt(state, batch), plain.adapt(there, batch))
        there = plain.step(there, batch)[0]
        held = {RATE + name: rate for name, rate in rates.items()}
        state = dataclasses.replace(state, params=there.params | held)


def test_a_rate_s_gradient_is_what_moving_the_rate_does():
    """By a difference of losses: no derivative of any library plays a part."""
    learner, batch = MetaSgd(WORKLOAD), WORKLOAD.train_batch(SEED, 0)
    state = learner.init(SEED)
    name, reach = RATE + "head.weight", 1e-5
    slope = learner.meta_gradient(state, batch).grads[name][0, 0]

    def loss(move: float) -> float:
        rate = state.params[name].clone()
        rate[0, 0] += move
        moved = dataclasses.replace(state, params=state.params | {name: rate})
        return float(learner.meta_gradient(moved, batch).loss)

    assert float(slope) == pytest.approx((loss(reach) - loss(-reach)) / (2 * reach), rel=1e-5)


def test_rates_are_learned_apart():
    learner = MetaSgd(WORKLOAD)
    state = learner.init(SEED)
    for index in range(3):
        state, _ = learner.step(state, WORKLOAD.train_batch(SEED, index))
    rates = parted(state.params)[1]["head.weight"]
    assert len(rates.unique()) > rates.numel() / 2


@pytest.mark.parametrize("name", ["meta_sgd", "learn2learn_meta_sgd"])
def test_both_are_their_definition(name: str):
    if name == "learn2learn_meta_sgd":
        of_learn2learn()
    registry = Registry()
    result = check(registry.find(name, "baseline"), registry, 30)
    assert (result.passed, result.equivalence) == (True, "Approximate")


def test_without_inner_steps_there_are_no_rates_to_learn():
    workload = dataclasses.replace(WORKLOAD, inner_steps=0)
    with pytest.raises(UsageError, match="inner_steps = 0: learning rates needs"):
        build(MetaSgd, {}, "meta_sgd", workload)


def test_an_adapter_takes_learned_rates_along():
    learner = MetaSgd(WORKLOAD)
    state = with_rates_of_their_own(learner.init(SEED), SEED)
    batch = WORKLOAD.eval_batch(SEED, "test", 0, 1)
    [task] = batch
    [params] = learner.adapt(state, batch)
    predict = Adapter(learner, state.params).adapt(task.support_x, task.support_y)
    assert torch.equal(predict(task.query_x), WORKLOAD.outputs(params, task.query_x))

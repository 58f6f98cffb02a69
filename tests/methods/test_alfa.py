"""ALFA: its naive definition with any generator, and MAML with a constant one."""

from __future__ import annotations

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from baselines.naive_alfa import adaptations, gradient
from harness.declare.problem import Problem
from harness.declare.settings import build
from harness.declare.tree import identical
from harness.declare.workload import Place
from harness.errors import UsageError
from methods.alfa import Alfa, of_network
from suites.maml_problems import MamlProblems, RandomTasks
from tests.methods.related_cases import (
    require_maml,
    require_same,
    require_same_adaptation,
    trained,
)

SEEN = settings(max_examples=12, deadline=None)
PROBLEMS = MamlProblems.strategy()
WORKLOAD = RandomTasks(Place(dtype="float64"), meta_batch=2, inner_steps=2, inner_lr=0.4)
SEED = 6


@SEEN
@given(PROBLEMS, st.sampled_from(["drawn", "constant"]), st.sampled_from(["learned", "random"]))
def test_the_gradient_is_the_naive_one_after_training_too(
    problem: Problem, start: str, initial: str
):
    learner = Alfa(problem.workload, start=start, initial=initial, decay=0.1)
    state, batch = trained(learner, problem, 2), problem.workload.train_batch(problem.seed, 2)
    found, owed = learner.meta_gradient(state, batch), gradient(learner, state, batch)
    assert found.grads.keys() == owed.grads.keys() == state.params.keys()
    require_same(found, owed, problem.inner_steps)
    require_same_adaptation(
        learner.adapt(state, batch), adaptations(learner, state, batch), problem.inner_steps
    )


@SEEN
@given(PROBLEMS)
def test_with_a_constant_generator_it_is_maml(problem: Problem):
    learner = Alfa(problem.workload, start="constant")
    require_maml(learner, problem, learner.init(problem.seed))


def test_what_a_constant_generator_does_not_give_is_learned():
    learner = Alfa(WORKLOAD, start="constant")
    state = learner.init(SEED)
    grads = learner.meta_gradient(state, WORKLOAD.train_batch(SEED, 0)).grads
    for name in ("generator.second.weight", "generator.second.bias", "rates.head.weight"):
        assert float(grads[name].abs().max()) > 0
    assert float(grads["generator.first.weight"].abs().max()) == 0  # as long as nothing passes it


def test_decay_alone_shrinks_the_weights():
    """With rates of 0 an inner step is theta <- (1 - d b) theta."""
    learner = Alfa(RandomTasks(Place(dtype="float64"), inner_lr=0.5), start="constant", decay=0.2)
    state = learner.init(SEED)
    layers = len(of_network(state.params))
    bias = torch.cat([torch.zeros(layers), torch.full((layers,), 3.0)]).double()
    [adapted] = learner.adapt(
        type(state).start(state.params | {"generator.second.bias": bias}),
        learner.workload.eval_batch(SEED, "test", 0, 1),
    )
    for name, p in of_network(state.params).items():
        torch.testing.assert_close(adapted[name], (1 - 3.0 * 0.2 * 0.5) * p)


def test_random_first_weights_stay_and_all_else_learns():
    learner = Alfa(WORKLOAD, initial="random")
    state = start = learner.init(SEED)
    for index in range(3):
        state, _ = learner.step(state, WORKLOAD.train_batch(SEED, index))
    assert identical(of_network(state.params), of_network(start.params))
    beside = [name for name in state.params if name not in of_network(state.params)]
    assert any(name.startswith("entry_decays.") for name in beside)
    still = [n for n in beside if torch.equal(state.params[n], start.params[n])]
    assert not [name for name in still if name.startswith(("rates.", "generator."))]


def test_a_negative_decay_is_refused():
    with pytest.raises(UsageError, match="decay = -1"):
        build(Alfa, {"decay": -1.0}, "alfa", WORKLOAD)

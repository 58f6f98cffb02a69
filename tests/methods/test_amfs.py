"""AMFS: the closed form is the least of its problem, tasks that agree weigh more, corners hold."""

from __future__ import annotations

from typing import Any

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from baselines.reference_maml import ReferenceMaml
from harness.declare.problem import Problem
from harness.declare.settings import build
from harness.declare.tree import relative_error
from harness.declare.workload import Place
from harness.errors import UsageError
from methods.adapter import Adapter
from methods.amfs import HEIGHTS, Amfs, naive_adaptations, naive_gradient
from methods.function_space import targets
from suites.maml_problems import MamlProblems, RandomTasks
from suites.sinusoid import Sinusoid

PROBLEMS = MamlProblems.strategy()
SEEN = settings(max_examples=12, deadline=None)
SEED = 8
WORKLOAD = RandomTasks(Place(dtype="float64"), meta_batch=3, ways=3, shots=2, architecture="conv")
SETTINGS = st.fixed_dictionaries(
    {
        "inner": st.sampled_from(["closed_form", "steps"]),
        "width": st.sampled_from([0.3, 1.0]),
        "ridge": st.sampled_from([0.01, 1.0]),
        "weighted": st.booleans(),
        "temperature": st.sampled_from([0.2, 1.0]),
    }
)


@SEEN
@given(PROBLEMS, SETTINGS)
def test_it_is_its_definition_with_any_settings(problem: Problem, options: dict[str, Any]):
    learner = Amfs(problem.workload, **options)
    state, batch = learner.init(problem.seed), problem.workload.train_batch(problem.seed, 1)
    found, owed = learner.meta_gradient(state, batch), naive_gradient(learner, state, batch)
    torch.testing.assert_close(found.loss, owed.loss, rtol=1e-9, atol=1e-12)
    assert relative_error(found.grads, owed.grads) < 1e-8
    pairs = zip(learner.adapt(state, batch), naive_adaptations(learner, state, batch), strict=True)
    for one, other in pairs:
        assert relative_error(one, other) < 1e-8


@SEEN
@given(PROBLEMS)
def test_with_maml_s_steps_and_equal_weights_training_is_maml_s(problem: Problem):
    learner = Amfs(problem.workload, inner="steps", weighted=False)
    maml = ReferenceMaml(problem.workload)
    state, owed = learner.init(problem.seed), maml.init(problem.seed)
    for index in range(3):
        batch = problem.workload.train_batch(problem.seed, index)
        found, expected = learner.meta_gradient(state, batch), maml.meta_gradient(owed, batch)
        assert relative_error(found.grads, expected.grads) < 1e-9 * problem.inner_steps
        state = owed = maml.step(owed, batch)[0]
    quality, expected_quality = learner.evaluate(state, batch), maml.evaluate(owed, batch)
    assert torch.equal(quality, expected_quality)


def test_the_closed_form_is_the_least_of_its_problem():
    """No heights nearby give less of sum |g(X) - Y|^2 + ridge |g - f|^2."""
    learner = Amfs(WORKLOAD, ridge=0.3)
    state, batch = learner.init(SEED), WORKLOAD.train_batch(SEED, 0)
    task, [adapted, *_] = next(iter(batch)), learner.adapt(state, batch)
    outputs = WORKLOAD.outputs(state.params, task.support_x)
    centres = learner._run(state.params, task.support_x)[0]
    kernel = learner._kernel(centres, centres)

    heights = adapted[HEIGHTS].clone().requires_grad_()
    apart = outputs + kernel @ heights - targets(task.support_y, outputs)
    problem = apart.square().sum() + 0.3 * (heights * (kernel @ heights)).sum()
    [slope] = torch.autograd.grad(problem, heights)
    assert float(slope.abs().max()) < 1e-12
    assert float(torch.linalg.eigvalsh(kernel)[0]) > 0  # so that it is the least, and alone


@pytest.mark.parametrize(("ridge", "fits"), [(1e-9, True), (1e9, False)])
def test_ridge_leads_from_the_examples_to_the_network_s_own_outputs(ridge: float, fits: bool):
    learner = Amfs(WORKLOAD, ridge=ridge)
    state, batch = learner.init(SEED), WORKLOAD.train_batch(SEED, 0)
    task, [adapted, *_] = next(iter(batch)), learner.adapt(state, batch)
    own = WORKLOAD.outputs(state.params, task.support_x)
    owed = targets(task.support_y, own) if fits else own
    torch.testing.assert_close(learner.outputs(adapted, task.support_x), owed, rtol=1e-5, atol=1e-5)


def test_tasks_that_agree_weigh_more_and_like_ones_alike():
    east, west, north = torch.tensor([[2.0, 0.0], [-0.5, 0.0], [0.0, 1.0]])
    learner = Amfs(WORKLOAD, temperature=0.5)
    torch.testing.assert_close(learner._weights(torch.stack([east, east])), torch.full((2,), 0.5))
    weights = learner._weights(torch.stack([east, west, north]))
    assert float(weights[0]) > float(weights[2]) > float(weights[1]) > 0
    assert float(weights.sum()) == pytest.approx(1)
    cooler = Amfs(WORKLOAD, temperature=0.1)._weights(torch.stack([east, west, north]))
    assert float(cooler[0]) > float(weights[0])
    plain = Amfs(WORKLOAD, weighted=False)._weights(torch.stack([east, west, north]))
    torch.testing.assert_close(plain, torch.full((3,), 1 / 3))


def test_an_adapter_answers_as_the_learner_does():
    learner = Amfs(WORKLOAD)
    state, batch = learner.init(SEED), WORKLOAD.eval_batch(SEED, "test", 0, 1)
    task, [adapted] = next(iter(batch)), learner.adapt(state, batch)
    predict = Adapter(learner, state.params).adapt(task.support_x, task.support_y)
    torch.testing.assert_close(predict(task.query_x), learner.outputs(adapted, task.query_x))


@pytest.mark.parametrize("name", ["width", "ridge", "temperature"])
def test_settings_without_sense_are_refused(name: str):
    with pytest.raises(UsageError, match=f"{name} = 0.0 must be above 0"):
        build(Amfs, {name: 0.0}, "amfs", WORKLOAD)


def test_a_network_without_stages_is_refused():
    class Bare(Sinusoid):
        def network(self) -> torch.nn.Module:
            return torch.nn.Linear(1, 1)

    with pytest.raises(UsageError, match="Linear names no stages. Derive it"):
        Amfs(Bare())

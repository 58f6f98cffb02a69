"""Whatever is drawn, gradient sharing is its naive definition, and its tests leak nothing."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from baselines.flat import flat
from baselines.naive_gradient_sharing import adaptations, gradient, gradient_and_means
from baselines.reference_maml import ReferenceMaml
from harness.declare.learner import Params
from harness.declare.outer import AdamState
from harness.declare.problem import Problem
from harness.declare.tree import relative_error, rows
from methods.gradient_sharing import GradientSharing
from suites.fewshot import Tasks
from suites.maml_problems import MamlProblems
from tests.methods.sharing_cases import SETTINGS, require_same_gradient, trained

SEEN = settings(max_examples=40, deadline=None, derandomize=True)
PROBLEMS = MamlProblems.strategy()
AT_TEST = st.sampled_from(["alone", "damped", "memory"])
AGES = st.integers(0, 2)  # in meta-steps: without a memory, with one, with one of several


@SEEN
@given(PROBLEMS, SETTINGS, AGES)
def test_the_gradient_is_the_naive_one_by_the_scales_too(
    problem: Problem, options: dict[str, Any], age: int
):
    learner = GradientSharing(problem.workload, **options)
    state, batch = trained(learner, problem, age), problem.workload.train_batch(problem.seed, age)
    owed = gradient(learner, state, batch)
    require_same_gradient(learner.meta_gradient(state, batch), owed, problem.inner_steps)


@settings(SEEN, max_examples=15)
@given(PROBLEMS, SETTINGS, st.integers(1, 4))
def test_the_memory_is_the_weighted_mean_of_all_that_was_met(
    problem: Problem, options: dict[str, Any], steps: int
):
    learner = GradientSharing(problem.workload, **options)
    state, met = learner.init(problem.seed), []
    for index in range(steps):
        batch = problem.workload.train_batch(problem.seed, index)
        means = gradient_and_means(learner, state, batch)[1]
        met.append(torch.stack([flat(mean) for mean in means]))
        state, _ = learner.step(state, batch)
    weights = [options["decay"] ** (steps - 1 - index) for index in range(steps)]
    owed = sum(w * mean for w, mean in zip(weights, met, strict=True)) / sum(weights)
    assert relative_error({"memory": state.memory}, {"memory": owed}) < 1e-8


@settings(SEEN, max_examples=15)
@given(PROBLEMS, SETTINGS, AGES)
def test_tasks_one_by_one_are_all_at_once(problem: Problem, options: dict[str, Any], age: int):
    at_once = GradientSharing(problem.workload, **options)
    state, batch = trained(at_once, problem, age), problem.workload.train_batch(problem.seed, age)
    owed = at_once.meta_gradient(state, batch)
    for chunk in (1, 3):
        learner = replace(at_once, chunk=chunk)
        require_same_gradient(learner.meta_gradient(state, batch), owed, problem.inner_steps)


@settings(SEEN, max_examples=25)
@given(PROBLEMS, SETTINGS)
def test_at_weight_zero_it_is_maml(problem: Problem, options: dict[str, Any]):
    """In training as well, where a memory builds up that must not count."""
    held = options | {"learned": False, "weight": 0.0}
    learner, plain = GradientSharing(problem.workload, **held), ReferenceMaml(problem.workload)
    state, owed = learner.init(problem.seed), plain.init(problem.seed)
    for index in range(3):
        batch = problem.workload.train_batch(problem.seed, index)
        there = AdamState(state.params, state.first, state.second, state.steps)
        require_same_gradient(
            learner.meta_gradient(state, batch),
            plain.meta_gradient(there, batch),
            problem.inner_steps,
        )
        state, owed = learner.step(state, batch)[0], plain.step(owed, batch)[0]
    start = problem.workload.initial(problem.seed)
    moved, owed_move = (
        {name: p - start[name] for name, p in each.params.items()} for each in (state, owed)
    )
    assert relative_error(moved, owed_move) < 1e-5


@settings(SEEN, max_examples=25)
@given(PROBLEMS, SETTINGS, AGES, AT_TEST)
def test_adaptation_is_the_naive_one(problem: Problem, options: dict[str, Any], age: int, how: str):
    learner = at_test(problem, options, how)
    state, batch = trained(learner, problem, age), held_out(problem, 3)
    pairs = zip(learner.adapt(state, batch), adaptations(learner, state, batch), strict=True)
    for found, owed in pairs:
        assert relative_error(found, owed) < 1e-9 * problem.inner_steps


@settings(SEEN, max_examples=25)
@given(PROBLEMS, SETTINGS, AGES, AT_TEST, st.permutations(range(4)))
def test_no_task_knows_of_those_evaluated_beside_it(
    problem: Problem, options: dict[str, Any], age: int, how: str, order: list[int]
):
    require_no_leak(at_test(problem, options, how), problem, age, order)


class Leaking(GradientSharing):
    """Adapts held-out tasks as those of training are, with concurrent ones."""

    def _mixed(self, own: torch.Tensor, *others: Any) -> torch.Tensor:
        return super()._mixed(own + own.mean(0), *others)


@settings(SEEN, max_examples=10)
@given(PROBLEMS, SETTINGS, AGES)
def test_a_leak_would_be_found_out(problem: Problem, options: dict[str, Any], age: int):
    """Of a network that is wide enough to be no constant of the input."""
    wide = problem.with_settings(architecture="mlp", width=16, layers=1, inner_lr=0.4)
    with pytest.raises(AssertionError, match="knows of"):
        require_no_leak(Leaking(wide.workload, **options), wide, age, [1, 0, 3, 2])


def require_no_leak(learner: GradientSharing, problem: Problem, age: int, order: list[int]) -> None:
    """Hold each task's outputs to those that it has alone, in any company and place."""
    state, batch = trained(learner, problem, age), held_out(problem, len(order))
    alone = [outputs(learner, state, rows(batch, range(i, i + 1)))[0] for i in range(len(order))]
    for company in (list(range(len(order))), order, order[:2]):
        together = outputs(learner, state, taken(batch, company))
        for i, found in zip(company, together, strict=True):
            same = torch.allclose(found, alone[i], rtol=1e-8, atol=1e-8)
            assert same, f"task {i} knows of {company}"
        quality = learner.evaluate(state, taken(batch, company))
        apart = [learner.evaluate(state, taken(batch, [i]))[0] for i in company]
        assert torch.equal(quality, torch.stack(apart)), f"task {i} knows of {company}"


def outputs(learner: GradientSharing, state: AdamState, batch: Tasks) -> list[torch.Tensor]:
    adapted: list[Params] = learner.adapt(state, batch)
    return [
        learner.workload.outputs(params, task.query_x)
        for params, task in zip(adapted, batch, strict=True)
    ]


def taken(batch: Tasks, which: list[int]) -> Tasks:
    return Tasks(
        batch.support_x[which], batch.support_y[which], batch.query_x[which], batch.query_y[which]
    )


def held_out(problem: Problem, tasks: int) -> Tasks:
    batch: Tasks = problem.workload.eval_batch(problem.seed, "test", 0, tasks)
    return batch


def at_test(problem: Problem, options: dict[str, Any], how: str) -> GradientSharing:
    """Return a learner that adapts held-out tasks so, or alone where it has no memory for it."""
    fits = how != "memory" or options["sources"] != "concurrent"
    return GradientSharing(problem.workload, **options, at_test=how if fits else "alone")

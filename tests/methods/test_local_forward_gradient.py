"""Forward gradients: their definition, that they are unbiased, and what makes them vary less."""

from __future__ import annotations

import dataclasses
from typing import Any

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from baselines.naive_forward_gradient import adaptations, gradient
from baselines.reference_maml import ReferenceMaml
from harness.declare.learner import Params
from harness.declare.outer import AdamState
from harness.declare.problem import Problem
from harness.declare.settings import build
from harness.declare.tree import relative_error
from harness.declare.workload import Place
from harness.errors import UsageError
from methods.local_forward_gradient import (
    LOCAL,
    Draws,
    ForwardGradient,
    LocalForwardGradient,
)
from suites.maml_problems import MamlProblems, RandomTasks
from suites.sinusoid import Sinusoid

PROBLEMS = MamlProblems.strategy().map(
    lambda problem: problem.with_settings(
        norm=False, first_order=True, meta_batch=2, layers=2, shots=1, queries=1, side=4
    )
)
SEED = 7
WORKLOAD = RandomTasks(Place(dtype="float64"), meta_batch=2, first_order=True, width=6)
SINUSOID = Sinusoid(Place(dtype="float64"), meta_batch=1, first_order=True, hidden=(20, 20))


@settings(max_examples=4, deadline=None)
@given(PROBLEMS, st.sampled_from([ForwardGradient, LocalForwardGradient]), st.integers(0, 1))
def test_it_is_its_definition(problem: Problem, kind: Any, log4_samples: int):
    """Where convolutions have no BatchNorm too, and after a step: directions are drawn anew."""
    learner = kind(problem.workload, log4_samples=log4_samples)
    state = learner.init(problem.seed)
    state, _ = learner.step(state, problem.workload.train_batch(problem.seed, 0))
    batch = problem.workload.train_batch(problem.seed, 1)
    found, owed = learner.meta_gradient(state, batch), gradient(learner, state, batch)
    torch.testing.assert_close(found.loss, owed.loss, rtol=1e-10, atol=1e-12)
    assert relative_error(found.grads, owed.grads) < 1e-9 * problem.inner_steps
    pairs = zip(learner.adapt(state, batch), adaptations(learner, state, batch), strict=True)
    for one, other in pairs:
        assert relative_error(one, other) < 1e-9 * problem.inner_steps


def estimates(learner: ForwardGradient, count: int) -> list[Params]:
    """Return estimates of the slope of one task's loss at the initial weights."""
    state = learner.init(SEED)
    task = next(iter(learner.workload.train_batch(SEED, 0)))
    draws = Draws(SEED, "test")
    return [
        learner._estimated(state.params, task.query_x, task.query_y, draws.next())[1]
        for _ in range(count)
    ]


def exact_slope(learner: ForwardGradient) -> Params:
    workload = dataclasses.replace(learner.workload, inner_steps=0, meta_batch=1)
    oracle = ReferenceMaml(workload)
    return oracle.meta_gradient(oracle.init(SEED), workload.train_batch(SEED, 0)).grads


def spread(found: list[Params], owed: Params) -> float:
    """Return the mean squared length of the estimates' errors, in that of what is estimated."""
    errors = [sum(float((one[n] - owed[n]).square().sum()) for n in owed) for one in found]
    return sum(errors) / len(errors) / sum(float(p.square().sum()) for p in owed.values())


def test_estimates_are_unbiased():
    """The mean of many is as near as their spread says that it should be."""
    learner = ForwardGradient(SINUSOID, log4_samples=0)
    found, owed = estimates(learner, 200), exact_slope(learner)
    mean = {name: torch.stack([one[name] for one in found]).mean(0) for name in owed}
    assert spread([mean], owed) < 3 * spread(found, owed) / 200
    assert spread([mean], owed) < 0.5 < spread(found, owed)


def test_four_times_the_directions_halve_the_error():
    few, many = (ForwardGradient(SINUSOID, log4_samples=k) for k in (0, 2))
    owed = exact_slope(few)
    ratio = spread(estimates(few, 80), owed) / spread(estimates(many, 80), owed)
    assert 16 / 2 < ratio < 16 * 2


def test_perturbed_activations_vary_less_than_perturbed_weights():
    """What the paper is about: weights are far more than activations."""
    learner = ForwardGradient(SINUSOID, log4_samples=0)
    owed = exact_slope(learner)
    generator, by_weights = torch.Generator().manual_seed(SEED), []
    for _ in range(60):
        v = {n: torch.randn(p.shape, generator=generator, dtype=p.dtype) for n, p in owed.items()}
        along = sum(float((p * v[n]).sum()) for n, p in owed.items())
        by_weights.append({n: along * part for n, part in v.items()})
    assert spread(estimates(learner, 60), owed) < 0.5 * spread(by_weights, owed)


def test_local_losses_lessen_the_spread_of_what_the_first_stage_learns():
    """In units of what is estimated, which by backpropagation is another slope for either."""
    shared, local = (kind(SINUSOID, 0) for kind in (ForwardGradient, LocalForwardGradient))
    task, state = next(iter(SINUSOID.train_batch(SEED, 0))), local.init(SEED)
    first = {n: p.clone().requires_grad_() for n, p in state.params.items() if ".0." in n}
    z = SINUSOID.stretch(
        {n: p for n, p in (state.params | first).items() if not n.startswith(LOCAL)},
        task.query_x,
        0,
        1,
    )
    answers = z @ first[f"{LOCAL}0.weight"].T + first[f"{LOCAL}0.bias"]
    slopes = torch.autograd.grad(SINUSOID.loss(answers, task.query_y), list(first.values()))
    owed = {n: g for n, g in zip(first, slopes, strict=True) if n.startswith("hidden.")}
    by_shared = {n: p for n, p in exact_slope(shared).items() if n in owed}
    assert spread(estimates(local, 60), owed) < 0.3 * spread(estimates(shared, 60), by_shared)


def test_local_losses_teach_every_stage_by_its_own_answers_alone():
    """What a stage learns does not depend on the stages after it."""
    learner = LocalForwardGradient(WORKLOAD)
    state, task = learner.init(SEED), next(iter(WORKLOAD.train_batch(SEED, 0)))
    later = {
        n: p + 1.0 if n.startswith(("hidden.1", "head")) else p for n, p in state.params.items()
    }
    before, after = (
        learner._estimated(params, task.query_x, task.query_y, Draws(SEED).next())[1]
        for params in (state.params, later)
    )
    for name in ("hidden.0.weight", f"{LOCAL}0.weight"):
        assert torch.equal(before[name], after[name])
    assert not torch.equal(before["hidden.1.weight"], after["hidden.1.weight"])


def test_without_hidden_stages_both_are_one():
    bare = dataclasses.replace(WORKLOAD, layers=0)
    first, second = (kind(bare) for kind in (ForwardGradient, LocalForwardGradient))
    batch = bare.train_batch(SEED, 0)
    found, owed = (each.meta_gradient(each.init(SEED), batch) for each in (second, first))
    assert relative_error(found.grads, owed.grads) < 1e-12


@pytest.mark.parametrize("kind", [ForwardGradient, LocalForwardGradient])
def test_no_held_out_task_knows_of_those_beside_it(kind: Any):
    learner = kind(WORKLOAD)
    state, batch = learner.init(SEED), WORKLOAD.eval_batch(SEED, "test", 0, 3)
    together = learner.evaluate(state, batch)
    assert torch.equal(
        together[:1], learner.evaluate(state, WORKLOAD.eval_batch(SEED, "test", 0, 1))
    )


def test_what_it_cannot_do_is_refused():
    with pytest.raises(UsageError, match="first_order = False: forward gradients are"):
        build(
            ForwardGradient,
            {},
            "forward_gradient",
            dataclasses.replace(WORKLOAD, first_order=False),
        )
    with pytest.raises(UsageError, match="log4_samples = 9 must be from 0 to 8"):
        build(ForwardGradient, {"log4_samples": 9}, "forward_gradient", WORKLOAD)
    with pytest.raises(UsageError, match="BatchNorm in Conv4 has it depend on the others"):
        ForwardGradient(dataclasses.replace(WORKLOAD, architecture="conv", norm=True))
    with pytest.raises(UsageError, match="without what directions are drawn from"):
        ForwardGradient(WORKLOAD).adapt(
            AdamState.start(WORKLOAD.initial(SEED)), WORKLOAD.train_batch(SEED, 0)
        )

"""GradNCP: its scores, its steps at meta-test, and that with nothing pruned it is MAML."""

from __future__ import annotations

from typing import Any

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from baselines.flat import flat
from baselines.reference_maml import ReferenceMaml
from harness.declare.problem import Problem
from harness.declare.settings import build
from harness.declare.tree import relative_error
from harness.declare.workload import Place
from harness.errors import UsageError
from methods.gradncp import GradNcp, naive_adaptations, naive_gradient
from suites.fields import GlyphFields
from suites.maml_problems import MamlProblems
from suites.sinusoid import Sinusoid

PROBLEMS = MamlProblems.strategy().map(lambda problem: problem.with_settings(architecture="mlp"))
SEEN = settings(max_examples=12, deadline=None)
SEED = 3
FIELDS = GlyphFields(Place(dtype="float64"), meta_batch=2, inner_steps=2, hidden=(8, 8))

SINUSOID = Sinusoid(Place(dtype="float64"), meta_batch=2)


@SEEN
@given(
    PROBLEMS,
    st.sampled_from([0.1, 0.3, 0.5, 0.9, 1.0]),
    st.integers(1, 3),
    st.sampled_from([0.0, 0.5, 100.0]),
)
def test_it_is_its_definition_with_any_settings(
    problem: Problem, keep: float, steps: int, weight: float
):
    learner = GradNcp(problem.workload, keep=keep, bootstrap_steps=steps, bootstrap_weight=weight)
    state, batch = learner.init(problem.seed), problem.workload.train_batch(problem.seed, 0)
    found, owed = learner.meta_gradient(state, batch), naive_gradient(learner, state, batch)
    torch.testing.assert_close(found.loss, owed.loss, rtol=1e-10, atol=1e-12)
    assert relative_error(found.grads, owed.grads) < 1e-9 * problem.inner_steps
    pairs = zip(learner.adapt(state, batch), naive_adaptations(learner, state, batch), strict=True)
    for one, other in pairs:
        assert relative_error(one, other) < 1e-9 * problem.inner_steps


@SEEN
@given(PROBLEMS)
def test_with_the_whole_context_and_no_correction_training_is_maml_s(problem: Problem):
    learner = GradNcp(problem.workload, keep=1.0, bootstrap_weight=0.0)
    maml = ReferenceMaml(problem.workload)
    state, owed = learner.init(problem.seed), maml.init(problem.seed)
    for index in range(3):
        batch = problem.workload.train_batch(problem.seed, index)
        state, owed = learner.step(state, batch)[0], maml.step(owed, batch)[0]
    torch.testing.assert_close(state.params, owed.params, rtol=1e-6, atol=1e-9)
    pairs = zip(learner.adapt(state, batch), maml.adapt(owed, batch), strict=True)
    for one, other in pairs:
        torch.testing.assert_close(one, other, rtol=1e-6, atol=1e-9)


@pytest.mark.parametrize(
    "workload", [FIELDS, Sinusoid(Place(dtype="float64"), meta_batch=2)], ids=repr
)
def test_a_step_is_taken_where_the_last_layer_s_gradient_is_largest(workload: Any):
    learner = GradNcp(workload, keep=0.5)
    params = {name: p.requires_grad_() for name, p in workload.initial(SEED).items()}
    task = next(iter(workload.train_batch(SEED, 0)))
    kept = {tuple(x) for x in learner._kept(params, task)[0].tolist()}
    lengths = {}
    for x, y in zip(task.support_x, task.support_y, strict=True):
        loss = workload.loss(workload.outputs(params, x[None]), y[None])
        slopes = torch.autograd.grad(loss, [params["head.weight"], params["head.bias"]])
        lengths[tuple(x.tolist())] = sum(float(slope.square().sum()) for slope in slopes)
    assert len(kept) == len(lengths) // 2
    assert min(lengths[x] for x in kept) > max(lengths[x] for x in lengths.keys() - kept)


def test_at_meta_test_a_step_has_the_whole_context_s_direction_and_the_kept_part_s_length():
    workload = GlyphFields(Place(dtype="float64"), meta_batch=1, inner_steps=1, hidden=(8, 8))
    pruned, plain = GradNcp(workload), ReferenceMaml(workload)
    state, batch = pruned.init(SEED), workload.eval_batch(SEED, "test", 0, 1)
    start = flat(state.params)
    moved, whole = (flat(learner.adapt(state, batch)[0]) - start for learner in (pruned, plain))
    in_training = pruned._adapted(
        {name: p.requires_grad_() for name, p in state.params.items()}, next(iter(batch)), False
    )
    assert float(torch.cosine_similarity(moved, whole, dim=0)) == pytest.approx(1)
    assert float(moved.norm()) == pytest.approx(float((flat(in_training) - start).norm()))
    assert float(moved.norm()) > 1.1 * float(whole.norm())


def test_the_correction_draws_the_adaptation_to_where_more_steps_lead():
    free, drawn = GradNcp(FIELDS, bootstrap_weight=0.0), GradNcp(FIELDS, bootstrap_weight=1e6)
    state, batch = free.init(SEED), FIELDS.train_batch(SEED, 0)

    def distance(state: Any) -> float:
        params = {name: p.requires_grad_() for name, p in state.params.items()}
        apart = []
        for task in batch:
            adapted = free._adapted(params, task, keep_graph=False)
            apart.append(flat(adapted) - flat(free._bootstrapped(adapted, task)))
        return float(torch.stack(apart).norm())

    after = {learner: learner.step(state, batch)[0] for learner in (free, drawn)}
    assert distance(after[drawn]) < distance(after[free])


@pytest.mark.parametrize(
    ("setting", "message"),
    [
        ({"keep": 0.0}, "keep = 0.0 must be above 0"),
        ({"keep": 1.5}, "keep = 1.5 must be"),
        ({"bootstrap_steps": 0}, "bootstrap_steps = 0 must be at least 1"),
        ({"bootstrap_weight": -1.0}, "must not be negative"),
    ],
    ids=str,
)
def test_settings_without_sense_are_refused(setting: dict[str, Any], message: str):
    with pytest.raises(UsageError, match=message):
        build(GradNcp, setting, "gradncp", FIELDS)


def test_a_network_without_stages_is_refused():
    class Bare(Sinusoid):
        def network(self) -> torch.nn.Module:
            return torch.nn.Linear(1, 1)

    with pytest.raises(UsageError, match="Linear names no stages. Derive it"):
        GradNcp(Bare())

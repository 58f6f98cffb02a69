"""The family's oracle against closed forms, and against derivatives taken numerically."""

from __future__ import annotations

from dataclasses import replace
from functools import partial

import pytest

from baselines.exact_hypergradient import MOST_PARAMETERS, ExactHypergradient
from harness.declare.tree import relative_error
from harness.errors import UsageError
from suites.bilevel_problems import RandomBilevel
from tests.baselines.bilevel_cases import DOUBLE, assert_close, linear, networks, numerical, solved

QUADRATIC = ["ridge", "weights", "network"]


@pytest.mark.parametrize("kind", QUADRATIC)
@pytest.mark.parametrize("direct", [False, True])
@pytest.mark.parametrize("optimizer", ["sgd", "adam"])
def test_it_is_the_closed_form_wherever_the_base_model_stands(
    kind: str, direct: bool, optimizer: str
) -> None:
    workload = linear(kind=kind, direct=direct, base_optimizer=optimizer, features=5)
    oracle = ExactHypergradient(workload)
    for seed in range(3):
        state, batch = oracle.init(seed), workload.train_batch(seed, 0)
        found = oracle.meta_gradient(state, batch)
        assert_close(found.grads, workload.closed_form(state.meta.params, batch), 1e-10)


@pytest.mark.parametrize("kind", [*QUADRATIC, "logistic"])
def test_it_is_the_derivative_of_the_solved_problem(kind: str) -> None:
    workload = linear(kind=kind, direct=True, base_lr=1.0)
    oracle = ExactHypergradient(workload)
    state, batch = oracle.init(1), workload.train_batch(1, 0)
    long = replace(batch, base=batch.base * 60)

    def judged(meta):
        moved = replace(state, meta=replace(state.meta, params=meta))
        return workload.meta_loss(oracle.adapt(moved, long), meta, batch.meta)

    found = oracle.meta_gradient(state, batch)
    assert_close(found.grads, numerical(judged, state.meta.params), 1e-7)
    assert float(found.loss) == pytest.approx(float(judged(state.meta.params)))


def test_losses_that_the_meta_model_is_shown_count_as_given_at_the_minimum() -> None:
    workload = linear(kind="losses", base_lr=1.0)
    oracle = ExactHypergradient(workload)
    state, batch = oracle.init(0), workload.train_batch(0, 0)
    long = replace(batch, base=batch.base * 60)
    rest = workload.losses(oracle.adapt(state, long), batch.base[0])

    class Held(RandomBilevel):
        def example_weights(self, meta, batch, losses=None):
            return super().example_weights(meta, batch, rest)

    def judged(meta, kind=RandomBilevel):
        there = kind(DOUBLE, kind="losses", base_lr=1.0)
        moved = replace(state, meta=replace(state.meta, params=meta))
        return there.meta_loss(ExactHypergradient(there).adapt(moved, long), meta, batch.meta)

    found = oracle.meta_gradient(state, batch).grads
    assert_close(found, numerical(partial(judged, kind=Held), state.meta.params), 1e-7)
    # Nor is it far from the derivative of the minimum itself, which other weights shift in turn.
    assert 1e-3 < relative_error(found, numerical(judged, state.meta.params)) < 0.05


def test_it_trains_the_base_model_as_every_learner_does() -> None:
    workload = linear(unroll=3)
    oracle = ExactHypergradient(workload)
    state, batch = oracle.init(0), workload.train_batch(0, 0)
    after, _ = oracle.step(state, batch)
    assert_close(after.base.params, oracle.adapt(state, batch), 0)
    minimum, _ = solved(oracle)
    assert not after.base.params["weight"].allclose(minimum.base.params["weight"])


def test_it_refuses_a_base_problem_without_a_strict_minimum() -> None:
    workload = networks()
    oracle = ExactHypergradient(workload)
    with pytest.raises(UsageError, match="positive definite.*cg_hypergradient"):
        oracle.meta_gradient(oracle.init(0), workload.train_batch(0, 0))


def test_it_refuses_a_model_too_large_for_a_dense_hessian() -> None:
    workload = linear(features=MOST_PARAMETERS + 1, examples=2, clean=2)
    oracle = ExactHypergradient(workload)
    with pytest.raises(UsageError, match=f"all {MOST_PARAMETERS + 1} base parameters"):
        oracle.meta_gradient(oracle.init(0), workload.train_batch(0, 0))

"""The family's random problems are what their closed forms and the checks take them for."""

from __future__ import annotations

import pytest
import torch

from baselines.exact_hypergradient import ExactHypergradient
from harness.declare.problem import Problem
from suites.bilevel_problems import KINDS, BilevelProblems, RandomBilevel
from tests.baselines.bilevel_cases import DOUBLE, assert_close, linear, numerical


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("features", [2, 7])
def test_curvatures_lie_between_two_fifths_and_eight_fifths(kind: str, features: int) -> None:
    workload = linear(kind=kind, features=features)
    for seed in range(4):
        meta, batch = workload.initial(seed), workload.base_batch(seed, 0)

        def loss(weights, meta=meta, batch=batch):
            return workload.base_loss({"weight": weights}, meta, batch)

        params, _ = workload.initial_base(seed)
        hessian = torch.autograd.functional.hessian(loss, params["weight"])
        eigenvalues = torch.linalg.eigvalsh(hessian.reshape(features, features))
        assert eigenvalues.min() >= 0.4 - 1e-6
        assert eigenvalues.max() <= 1.6 + 1e-6


@pytest.mark.parametrize("kind", KINDS)
def test_base_problems_are_solved_where_the_family_presumes(kind: str) -> None:
    presumed = {k.removeprefix("workload."): v for k, v in BilevelProblems.presumed.items()}
    workload = Problem(linear(kind=kind), 0).with_settings(**presumed).workload
    assert isinstance(workload, RandomBilevel)
    oracle = ExactHypergradient(workload)
    state, batch = oracle.init(0), workload.train_batch(0, 0)
    weights = oracle.adapt(state, batch)["weight"].requires_grad_()
    loss = workload.base_loss({"weight": weights}, state.meta.params, batch.base[-1])
    (slope,) = torch.autograd.grad(loss, weights)
    assert float(slope.abs().max()) < 1e-9


@pytest.mark.parametrize("kind", ["ridge", "weights", "network"])
@pytest.mark.parametrize("direct", [False, True])
def test_closed_forms_are_derivatives_of_the_closed_minimum(kind: str, direct: bool) -> None:
    workload = linear(kind=kind, direct=direct)
    batch, start = workload.train_batch(2, 0), workload.initial(2)

    def judged(meta):
        weights = workload.minimum(meta, batch.base[-1]).T
        return workload.meta_loss({"weight": weights}, meta, batch.meta)

    assert_close(workload.closed_form(start, batch), numerical(judged, start), 1e-7)


def test_every_base_batch_is_the_whole_problem_and_a_pure_function_of_the_seed() -> None:
    first, again = (linear(unroll=3).train_batch(5, 0) for _ in range(2))
    assert all(torch.equal(batch.x, again.base[0].x) for batch in first.base)
    later, other = linear().train_batch(5, 9), linear().train_batch(6, 0)
    assert torch.equal(first.meta.y, later.meta.y)
    assert not torch.equal(first.meta.y, other.meta.y)
    assert not torch.equal(first.base[0].x[:8], first.meta.x)


def test_weights_are_drawn_apart_from_the_global_generator_and_alike_in_every_place() -> None:
    before = torch.get_rng_state()
    double = RandomBilevel(DOUBLE, kind="network")
    single = RandomBilevel(kind="network")
    for seed in (0, 1):
        owed = {n: p.float() for n, p in double.initial(seed).items()}
        assert_close(single.initial(seed), owed, 0)
        owed = {n: p.float() for n, p in double.initial_base(seed)[0].items()}
        assert_close(single.initial_base(seed)[0], owed, 0)
    assert not torch.equal(double.initial(0)["0.weight"], double.initial(1)["0.weight"])
    assert torch.equal(before, torch.get_rng_state())

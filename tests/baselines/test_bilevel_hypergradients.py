"""Every hypergradient to the order of accuracy that it promises, and what they all share."""

from __future__ import annotations

import math
from dataclasses import replace
from itertools import pairwise
from typing import Any

import pytest
import torch

from baselines import bilevel_definitions as definitions
from baselines.bilevel import BilevelLearner
from baselines.cg_hypergradient import CgHypergradient
from baselines.darts_hypergradient import DartsHypergradient
from baselines.exact_hypergradient import ExactHypergradient
from baselines.neumann_hypergradient import NeumannHypergradient
from baselines.unrolled_hypergradient import UnrolledHypergradient, differentiable_update
from harness.declare.outer import AdamState, Rule, SgdState
from harness.declare.tree import identical, relative_error
from harness.measure.operations import operations_of
from suites.bilevel_problems import KINDS, RandomBilevel
from tests.baselines.bilevel_cases import (
    DOUBLE,
    Undetached,
    assert_close,
    linear,
    networks,
    numerical,
    solved,
)

LEARNERS = [CgHypergradient, NeumannHypergradient, UnrolledHypergradient, DartsHypergradient]
OPTIMIZERS = ["sgd", "adam"]
RULES = {"base_weight_decay": 0.1, "base_momentum": 0.5, "grouped": True}


def error(learner: BilevelLearner, seed: int = 0) -> float:
    """Return the relative error where the base problem is solved."""
    state, batch = solved(learner, seed)
    owed = ExactHypergradient(learner.workload).meta_gradient(state, batch)
    return relative_error(learner.meta_gradient(state, batch).grads, owed.grads)


@pytest.mark.parametrize("kind", KINDS)
def test_conjugate_gradients_end_after_as_many_iterations_as_weights(kind: str) -> None:
    workload = linear(kind=kind, features=5)
    assert error(CgHypergradient(workload, iterations=5)) < 1e-9
    assert error(CgHypergradient(workload, iterations=2)) > 1e-6


def test_conjugate_gradients_stay_where_they_ended() -> None:
    # One weight: the first residual is zero to the bit, and so is every further direction.
    workload = linear(kind="ridge", features=1)
    assert error(CgHypergradient(workload, iterations=8)) < 1e-12


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("alpha", [0.5, 1.0])
def test_a_neumann_series_gains_what_its_slowest_term_decays(kind: str, alpha: float) -> None:
    workload = linear(kind=kind, features=5)
    errors = [error(NeumannHypergradient(workload, n, alpha)) for n in (10, 14, 18, 22)]
    slowest = 1 - 0.4 * alpha  # .4 being the least curvature of these problems
    assert all(after < before * slowest**4 * 1.2 for before, after in pairwise(errors))
    assert errors[0] > 1e-9


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("steps", [1, 4])
def test_unrolling_at_the_minimum_is_a_neumann_series(kind: str, steps: int) -> None:
    workload = linear(kind=kind, base_lr=0.3, unroll=steps)
    unrolled = UnrolledHypergradient(workload)
    state, batch = solved(unrolled)
    series = NeumannHypergradient(workload, iterations=steps - 1, alpha=0.3)
    owed = series.meta_gradient(state, batch).grads
    assert_close(unrolled.meta_gradient(state, batch).grads, owed)


@pytest.mark.parametrize("kind", KINDS)
def test_unrolling_from_any_start_gains_geometrically(kind: str) -> None:
    errors = []
    for steps in (10, 20, 30):
        workload = linear(kind=kind, base_lr=1.0, unroll=steps)
        state, batch = UnrolledHypergradient(workload).init(0), workload.train_batch(0, 0)
        owed = ExactHypergradient(workload).meta_gradient(state, batch).grads
        found = UnrolledHypergradient(workload).meta_gradient(state, batch).grads
        errors.append(relative_error(found, owed))
    # k steps leave k .6^k.
    assert all(after < before * 0.6**10 * 3 for before, after in pairwise(errors))


@pytest.mark.parametrize("rules", [{}, RULES], ids=["one rule", "groups"])
@pytest.mark.parametrize("optimizer", [*OPTIMIZERS, "adamw"])
@pytest.mark.parametrize("norm", [False, True])
def test_unrolling_is_the_derivative_of_training(
    optimizer: str, norm: bool, rules: dict[str, Any]
) -> None:
    workload = networks(base_optimizer=optimizer, base_lr=0.05, unroll=3, norm=norm, **rules)
    learner = UnrolledHypergradient(workload)
    state, batch = learner.init(0), workload.train_batch(0, 0)

    def judged(meta):
        moved = replace(state, meta=replace(state.meta, params=meta))
        return workload.meta_loss(learner.adapt(moved, batch), meta, batch.meta)

    found = learner.meta_gradient(state, batch).grads
    assert_close(found, numerical(judged, state.meta.params), 1e-6)


def test_the_identity_is_a_neumann_series_of_one_term_and_darts_differs_at_second_order() -> None:
    workload = linear(kind="logistic", base_optimizer="adam", unroll=2)
    state, batch = NeumannHypergradient(workload).init(3), workload.train_batch(3, 0)
    owed = NeumannHypergradient(workload, iterations=0).meta_gradient(state, batch).grads
    errors = [
        relative_error(DartsHypergradient(workload, radius).meta_gradient(state, batch).grads, owed)
        for radius in (0.4, 0.2, 0.1, 0.05)
    ]
    orders = [math.log2(before / after) for before, after in pairwise(errors)]
    assert orders == pytest.approx([2, 2, 2], abs=0.1)


@pytest.mark.parametrize("kind", KINDS)
def test_darts_has_the_identity_s_product_for_its_limit_unless_losses_are_shown(kind: str) -> None:
    workload = linear(kind=kind, base_optimizer="adam", unroll=2)
    learner = DartsHypergradient(workload, radius=1e-4)
    state, batch = learner.init(0), workload.train_batch(0, 0)
    found = learner.meta_gradient(state, batch).grads
    owed = NeumannHypergradient(workload, iterations=0).meta_gradient(state, batch).grads
    if kind == "losses":
        assert relative_error(found, owed) > 0.05
        undetached = NeumannHypergradient(Undetached.like(workload), iterations=0)
        trained = learner.trained(state, batch)
        owed = undetached.hypergradient(trained, state.meta.params, batch).grads
    assert_close(found, owed, 1e-6)


@pytest.mark.parametrize("optimizer", OPTIMIZERS)
def test_definitions_hold_where_losses_are_shown(optimizer: str) -> None:
    workload = linear(kind="losses", base_optimizer=optimizer, unroll=3, direct=True)
    for learner, definition in (
        (DartsHypergradient(workload, radius=0.5), definitions.darts),
        (CgHypergradient(workload, iterations=1), definitions.betty_cg),
    ):
        state, batch = learner.init(0), workload.train_batch(0, 0)
        owed, found = definition(learner, state, batch), learner.meta_gradient(state, batch)
        assert_close(found.grads, owed.grads)


def test_darts_is_off_by_what_the_identity_leaves_out() -> None:
    # On ridge the hypergradient is -exp(lambda) w H^-1 v: without H^-1, v itself stands there.
    workload = linear(kind="ridge")
    learner = DartsHypergradient(workload)
    state, batch = solved(learner)
    w, clean = state.base.params["weight"].flatten(), batch.meta
    v = clean.x.T @ (clean.x @ w.unsqueeze(1) - clean.y) / len(clean)
    owed = -state.meta.params["log_strength"].exp() * w * v.flatten()
    assert_close(learner.meta_gradient(state, batch).grads, {"log_strength": owed})


def test_darts_without_a_direction_has_no_response() -> None:
    workload = linear(direct=True)
    learner = DartsHypergradient(workload)
    state, batch = learner.init(0), workload.train_batch(0, 0)
    trained = learner.adapt(state, batch)["weight"]
    fitted = replace(batch.meta, y=batch.meta.x @ trained.T)
    found = learner.meta_gradient(state, replace(batch, meta=fitted)).grads
    owed = {name: 0.1 * value for name, value in state.meta.params.items()}
    assert_close(found, owed, 1e-6)


@pytest.mark.parametrize("optimizer", OPTIMIZERS)
@pytest.mark.parametrize(
    "settings", [{}, RULES, {"norm": False}, {"dropout": 0.4}], ids=lambda given: " ".join(given)
)
def test_definitions_hold_on_networks_without_a_minimum(
    optimizer: str, settings: dict[str, Any]
) -> None:
    workload = networks(base_optimizer=optimizer, unroll=2, **settings)
    for learner, definition in (
        (DartsHypergradient(workload), definitions.darts),
        (CgHypergradient(workload, iterations=1), definitions.betty_cg),
    ):
        state, batch = learner.init(0), workload.train_batch(0, 0)
        owed = definition(learner, state, batch)
        found = learner.meta_gradient(state, batch)
        assert_close(found.grads, owed.grads)
        assert float(found.loss) == pytest.approx(float(owed.loss), rel=1e-12)


@pytest.mark.parametrize("optimizer", OPTIMIZERS)
@pytest.mark.parametrize("learner_class", LEARNERS)
def test_a_step_is_base_steps_and_one_meta_step_of_torch(
    learner_class: type[BilevelLearner], optimizer: str
) -> None:
    workload = networks(base_optimizer=optimizer, unroll=3, base_lr=0.02, meta_lr=0.05, norm=False)
    learner = learner_class(workload)
    state, batch = learner.init(0), workload.train_batch(0, 0)
    after, loss = learner.step(state, batch)

    base = {n: p.clone().requires_grad_() for n, p in state.base.params.items()}
    kind = {"sgd": torch.optim.SGD, "adam": torch.optim.Adam}[optimizer]
    inner = kind(base.values(), lr=0.02)
    for base_batch in batch.base:
        inner.zero_grad()
        workload.base_loss(base, state.meta.params, base_batch).backward()
        inner.step()
    assert_close(after.base.params, {n: p.detach() for n, p in base.items()}, 1e-12)
    owed = workload.meta_loss(after.base.params, state.meta.params, batch.meta)
    assert float(loss) == pytest.approx(float(owed), rel=1e-12)

    meta = {n: p.clone().requires_grad_() for n, p in state.meta.params.items()}
    outer = torch.optim.Adam(meta.values(), lr=0.05)
    for name, g in learner.meta_gradient(state, batch).grads.items():
        meta[name].grad = g
    outer.step()
    assert_close(after.meta.params, {n: p.detach() for n, p in meta.items()}, 1e-12)


@pytest.mark.parametrize("learner_class", LEARNERS)
def test_dropout_draws_the_same_for_the_same_batch_and_spares_the_global_generator(
    learner_class: type[BilevelLearner],
) -> None:
    workload = networks(unroll=2, dropout=0.5)
    learner = learner_class(workload)
    state, batch = learner.init(0), workload.train_batch(0, 0)
    before = torch.get_rng_state()
    found = learner.meta_gradient(state, batch).grads
    assert torch.equal(torch.get_rng_state(), before)
    assert identical(learner.meta_gradient(state, batch).grads, found)
    other = replace(batch, noise=batch.noise + 1)
    assert relative_error(learner.meta_gradient(state, other).grads, found) > 1e-3


@pytest.mark.parametrize("learner_class", LEARNERS)
def test_running_statistics_move_in_base_steps_alone(learner_class: type[BilevelLearner]) -> None:
    workload = networks(unroll=2)
    learner = learner_class(workload)
    state, batch = learner.init(0), workload.train_batch(0, 0)
    after, _ = learner.step(state, batch)
    assert int(after.buffers["1.num_batches_tracked"]) == 2
    assert int(state.buffers["1.num_batches_tracked"]) == 0
    adapted = learner.adapt(state, batch)
    assert_close(after.buffers, {name: adapted[name] for name in after.buffers}, 0)
    held_out = workload.eval_batch(0, "test", 0, 5)
    seen = learner.evaluate(after, held_out)
    rest = workload.held_out(0, "test", 0, 5)
    assert torch.equal(seen, workload.quality({**after.base.params, **after.buffers}, rest))
    fresh = replace(after, buffers=state.buffers)
    assert not torch.equal(seen, learner.evaluate(fresh, held_out))


@pytest.mark.parametrize(
    ("learner_class", "settings", "passes"),
    [
        (DartsHypergradient, {}, 3),
        (CgHypergradient, {"iterations": 4}, 3 + 4),
        (NeumannHypergradient, {"iterations": 4}, 3 + 4),
        (UnrolledHypergradient, {}, 1),
    ],
)
def test_the_backward_passes_of_a_meta_step(
    learner_class: type[BilevelLearner], settings: dict[str, int], passes: int
) -> None:
    workload = networks(unroll=2)
    learner = learner_class(workload, **settings)
    state, batch = learner.init(0), workload.train_batch(0, 0)
    counted = operations_of(lambda: learner.step(state, batch)).backward_passes
    assert counted == 2 + passes


@pytest.mark.parametrize("learner_class", LEARNERS)
def test_meta_parameters_without_part_in_the_base_loss_get_their_direct_gradient(
    learner_class: type[BilevelLearner],
) -> None:
    class Aside(RandomBilevel):
        def base_loss(self, base, meta, batch):
            return super().base_loss(base, {n: p.detach() for n, p in meta.items()}, batch)

    workload = Aside(DOUBLE, kind="network", direct=True)
    learner = learner_class(workload)
    state, batch = learner.init(0), workload.train_batch(0, 0)
    owed = {name: 0.1 * value for name, value in state.meta.params.items()}
    assert_close(learner.meta_gradient(state, batch).grads, owed)


@pytest.mark.parametrize("rule", [0.1, Rule(0.1, 0.2, momentum=0.5), Rule(0.1, 0.2, True)], ids=str)
@pytest.mark.parametrize("kind", [SgdState, AdamState])
def test_differentiable_updates_are_the_updates(
    kind: type[SgdState] | type[AdamState], rule: float | Rule
) -> None:
    rules = {"w": rule} if isinstance(rule, Rule) else rule
    generator = torch.Generator().manual_seed(0)
    params = {"w": torch.randn(3, 2, generator=generator, dtype=torch.float64)}
    plain = traced = kind.start(params)
    for _ in range(4):
        grads = {"w": torch.randn(3, 2, generator=generator, dtype=torch.float64)}
        plain, traced = plain.update(grads, rules), differentiable_update(traced, grads, rules)
    assert_close(traced.params, plain.params, 1e-12)


def test_an_adam_update_is_differentiable_where_no_gradient_ever_was() -> None:
    state = AdamState.start({"w": torch.zeros(2, dtype=torch.float64)})
    gradient = torch.tensor([0.0, 1.0], dtype=torch.float64, requires_grad=True)
    moved = differentiable_update(state, {"w": gradient}, 0.1).params["w"]
    slope = torch.autograd.functional.jacobian(
        lambda g: differentiable_update(state, {"w": g}, 0.1).params["w"], gradient
    )
    assert torch.isfinite(moved).all()
    # There Adam divides by its eps alone: -rate * (1 - b1) / (1 - b1) / eps.
    assert float(slope[0, 0]) == pytest.approx(-0.1 / 1e-8)

"""SAMA's slope of an optimizer step, and where its difference of two probes converges to."""

from __future__ import annotations

import math
from dataclasses import replace
from itertools import pairwise

import pytest
import torch
from torch import Tensor

from baselines import bilevel_definitions as definitions
from harness.declare.outer import AdamState, Rule
from harness.declare.tree import identical, relative_error
from methods.sama import Sama, SamaLearner, SamaNa, _multiply_by_slope
from tests.baselines.bilevel_cases import (
    Undetached,
    assert_close,
    linear,
    networks,
)
from tests.methods.sama_cases import product

METHODS = [Sama, SamaNa]


def adam(seed: int, steps: float) -> tuple[AdamState, dict[str, Tensor], dict[str, Rule]]:
    """Return Adam in the midst of its work, a gradient, and rules of two groups."""
    generator = torch.Generator().manual_seed(seed)

    def drawn() -> dict[str, Tensor]:
        shapes = {"w": (3, 2), "b": (2,)}
        return {
            name: torch.randn(shape, generator=generator, dtype=torch.float64)
            for name, shape in shapes.items()
        }

    second = {name: value.square() for name, value in drawn().items()}
    counts = {name: torch.tensor(steps) for name in second}
    rules = {"w": Rule(0.1, weight_decay=0.3), "b": Rule(0.02, weight_decay=0.3, decoupled=True)}
    return AdamState(drawn(), drawn(), second, counts), drawn(), rules


def slopes_of(
    state: AdamState, grads: dict[str, Tensor], rules: dict[str, Rule]
) -> dict[str, Tensor]:
    found = {name: torch.ones_like(value) for name, value in grads.items()}
    decayed = {**grads, "w": grads["w"] + 0.3 * state.params["w"]}
    _multiply_by_slope(found, state, decayed, rules)
    return found


@pytest.mark.parametrize("seed", range(5))
def test_its_slope_is_what_adam_s_own_steps_show(seed: int) -> None:
    # So late that no bias is left to be corrected: 1 - .999^t is 1 to the last bit.
    state, grads, rules = adam(seed, 100_000.0)
    tiny = 1e-5
    after = [
        state.update({n: g + sign * tiny for n, g in grads.items()}, rules).params
        for sign in (1, -1)
    ]
    numerical = {n: (after[1][n] - p) / (2 * tiny) for n, p in after[0].items()}
    assert_close(slopes_of(state, grads, rules), numerical, 1e-6)


@pytest.mark.parametrize("seed", range(5))
def test_its_slope_is_autograd_s(seed: int) -> None:
    state, grads, rules = adam(seed, 7.0)
    leaves = {name: g.clone().requires_grad_() for name, g in grads.items()}
    moves = []
    for name, g in leaves.items():
        g = g + 0.3 * state.params["w"] if name == "w" else g
        first = 0.9 * state.first[name] + (1 - 0.9) * g
        second = 0.999 * state.second[name] + (1 - 0.999) * g**2
        moves.append((rules[name].lr * first / second.sqrt()).sum())
    owed = torch.autograd.grad(torch.stack(moves).sum(), list(leaves.values()))
    # Where an exact derivative has its eps makes a difference of 1e-8 / sqrt(v).
    assert_close(slopes_of(state, grads, rules), dict(zip(leaves, owed, strict=True)), 1e-6)


@pytest.mark.parametrize("optimizer", ["sgd", "adam"])
@pytest.mark.parametrize("dropout", [0.0, 0.4])
@pytest.mark.parametrize("learner_class", METHODS)
def test_the_difference_converges_at_second_order(
    learner_class: type[SamaLearner], optimizer: str, dropout: float
) -> None:
    # Were the passes to drop different units, the error would grow as R shrinks.
    workload = networks(base_optimizer=optimizer, base_lr=0.03, unroll=2, dropout=dropout)
    learner = learner_class(workload)
    state, batch = learner.init(3), workload.train_batch(3, 0)
    owed = product(learner, state, batch)
    errors = [
        relative_error(replace(learner, radius=radius).meta_gradient(state, batch).grads, owed)
        for radius in (0.04, 0.02, 0.01, 0.005)
    ]
    orders = [math.log2(before / after) for before, after in pairwise(errors)]
    assert orders == pytest.approx([2, 2, 2], abs=0.1)


@pytest.mark.parametrize("optimizer", ["sgd", "adam"])
@pytest.mark.parametrize("learner_class", METHODS)
def test_the_difference_has_another_limit_where_losses_are_shown(
    learner_class: type[SamaLearner], optimizer: str
) -> None:
    workload = linear(kind="losses", base_optimizer=optimizer, base_lr=0.03, unroll=2)
    learner = learner_class(workload)
    undetached = replace(learner, workload=Undetached.like(workload))
    state, batch = learner.init(3), workload.train_batch(3, 0)
    found = [
        replace(learner, radius=radius).meta_gradient(state, batch).grads
        for radius in (0.04, 0.02, 0.01)
    ]
    owed = product(learner, state, batch, undetached)
    errors = [relative_error(each, owed) for each in found]
    assert [math.log2(before / after) for before, after in pairwise(errors)] == pytest.approx(
        [2, 2], abs=0.1
    )
    of_a_step = product(learner, state, batch)
    assert all(relative_error(each, of_a_step) > 0.02 for each in found)


@pytest.mark.parametrize("multitask", [False, True])
def test_adam_s_first_step_has_no_slope_and_so_no_response(multitask: bool) -> None:
    workload = linear(kind="network", direct=True, base_optimizer="adam")
    learner = Sama(workload, multitask=multitask)
    state, batch = learner.init(0), workload.train_batch(0, 0)
    found = learner.meta_gradient(state, batch).grads
    assert_close(found, {name: 0.1 * p for name, p in state.meta.params.items()}, 1e-12)
    assert_close(found, definitions.sama(learner, state, batch).grads, 1e-12)
    after, _ = learner.step(state, batch)
    assert identical(after.base.params, learner.trained(state, batch).base.params)
    assert relative_error(learner.meta_gradient(after, batch).grads, found) > 1e-3

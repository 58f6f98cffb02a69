"""SAMA is what it is defined as, in three first-order passes, and leaves nothing behind it."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import pytest
import torch
from torch import Tensor, nn

from baselines import bilevel_definitions as definitions
from baselines.bilevel import copies
from baselines.darts_hypergradient import DartsHypergradient
from harness.contract_subject import Subject
from harness.declare.outer import SgdState
from harness.declare.tree import identical
from harness.errors import UsageError
from harness.registry import Registry
from methods.sama import Sama, SamaLearner, SamaNa
from tests.baselines.bilevel_cases import (
    SmallNetworks,
    assert_close,
    linear,
    networks,
)
from tests.methods.sama_cases import product

METHODS = [Sama, SamaNa]

OPTIMIZERS = ["sgd", "adam", "adamw"]

RULES = {"base_weight_decay": 0.1, "base_momentum": 0.5, "grouped": True}


@pytest.mark.parametrize("optimizer", OPTIMIZERS)
@pytest.mark.parametrize(
    "settings", [{}, RULES, {"norm": False}, {"dropout": 0.4}], ids=lambda given: " ".join(given)
)
@pytest.mark.parametrize("learner_class", METHODS)
def test_it_is_its_definition_on_networks(
    learner_class: type[SamaLearner], optimizer: str, settings: dict[str, Any]
) -> None:
    workload = networks(base_optimizer=optimizer, base_lr=0.03, unroll=2, **settings)
    learner = learner_class(workload)
    definition = {Sama: definitions.sama, SamaNa: definitions.sama_na}[learner_class]
    state, _ = learner.step(learner.init(0), workload.train_batch(0, 0))
    batch = workload.train_batch(0, 1)
    owed, found = definition(learner, state, batch), learner.meta_gradient(state, batch)
    assert_close(found.grads, owed.grads)
    assert float(found.loss) == pytest.approx(float(owed.loss), rel=1e-12)


@pytest.mark.parametrize("optimizer", OPTIMIZERS)
@pytest.mark.parametrize("learner_class", METHODS)
def test_it_is_its_definition_where_losses_are_shown(
    learner_class: type[SamaLearner], optimizer: str
) -> None:
    workload = linear(kind="losses", base_optimizer=optimizer, base_lr=0.03, unroll=2, direct=True)
    learner = learner_class(workload, radius=0.5)
    definition = {Sama: definitions.sama, SamaNa: definitions.sama_na}[learner_class]
    state, _ = learner.step(learner.init(0), workload.train_batch(0, 0))
    batch = workload.train_batch(0, 1)
    owed = definition(learner, state, batch).grads
    assert_close(learner.meta_gradient(state, batch).grads, owed)


@pytest.mark.parametrize("rules", [{}, RULES], ids=["one rule", "groups"])
@pytest.mark.parametrize("optimizer", OPTIMIZERS)
@pytest.mark.parametrize("learner_class", METHODS)
def test_it_trains_the_base_model_to_the_bit_as_others_do(
    learner_class: type[SamaLearner], optimizer: str, rules: dict[str, Any]
) -> None:
    workload = networks(base_optimizer=optimizer, unroll=3, dropout=0.2, **rules)
    learner, other = learner_class(workload), DartsHypergradient(workload)
    state, batch = learner.init(0), workload.train_batch(0, 0)
    for steps in (3, 6):
        after, owed = learner.step(state, batch)[0], other.step(state, batch)[0]
        assert identical([after.base, after.buffers], [owed.base, owed.buffers])
        assert int(after.buffers["1.num_batches_tracked"]) == steps
        state = after


@pytest.mark.parametrize("optimizer", ["sgd", "adam"])
@pytest.mark.parametrize("learner_class", METHODS)
def test_multitask_leaves_the_base_model_one_radius_down_the_clean_loss(
    learner_class: type[SamaLearner], optimizer: str
) -> None:
    workload = networks(base_optimizer=optimizer, unroll=2)
    plain, moved = (learner_class(workload, radius=0.1, multitask=m) for m in (False, True))
    state, batch = plain.init(0), workload.train_batch(0, 0)
    (owed, _), (found, _) = plain.step(state, batch), moved.step(state, batch)
    shift = [found.base.params[n] - p for n, p in owed.base.params.items()]
    assert float(torch.cat([s.flatten() for s in shift]).norm()) == pytest.approx(0.1)
    assert identical(replace(found, base=owed.base), owed)
    assert identical(replace(found.base, params=owed.base.params), owed.base)
    if learner_class is SamaNa or optimizer == "sgd":
        before, later = (
            plain.meta_loss(after.base.params, copies(owed.buffers), state.meta.params, batch)
            for after in (owed, found)
        )
        assert later < before


def test_the_default_radius_goes_by_the_optimizer() -> None:
    for optimizer, radius in (("sgd", 0.01), ("adam", 1.0), ("adamw", 1.0)):
        workload = networks(base_optimizer=optimizer, unroll=2)
        state, batch = SamaNa(workload).init(0), workload.train_batch(0, 0)
        found, owed = (
            SamaNa(workload, radius=r).meta_gradient(state, batch) for r in (None, radius)
        )
        assert identical(found, owed)
        other = SamaNa(workload, radius=1.01 * radius).meta_gradient(state, batch)
        assert not identical(found, other)


@dataclass(frozen=True)
class Recurrent(SmallNetworks):
    """A base model with memory, weights that two layers share, and one that nothing uses."""

    def base_network(self) -> nn.Module:
        class Tied(nn.Module):
            def __init__(self) -> None:
                super().__init__()
                self.into = nn.Linear(3, 4, bias=False)
                self.cell = nn.GRU(4, 4, batch_first=True)
                self.out = nn.Linear(3, 4, bias=False)
                self.out.weight = self.into.weight
                self.aside = nn.Parameter(torch.ones(2))  # which nothing depends on

            def forward(self, x: Tensor) -> Tensor:
                hidden, _ = self.cell(self.into(x).unsqueeze(1))
                return hidden[:, 0] @ self.out.weight[:, :2]

        return Tied()

    def meta_network(self) -> nn.Module:
        return nn.Sequential(nn.LayerNorm(3), nn.Linear(3, 2))


@pytest.mark.parametrize("optimizer", ["sgd", "adam"])
@pytest.mark.parametrize("learner_class", METHODS)
def test_any_modules_will_do(learner_class: type[SamaLearner], optimizer: str) -> None:
    workload = Recurrent(networks().place, base_optimizer=optimizer, base_lr=0.01, unroll=2)
    learner = learner_class(workload)
    state, batch = learner.init(0), workload.train_batch(0, 0)
    assert "out.weight" not in state.base.params
    near = replace(learner, radius=1e-4).meta_gradient(state, batch).grads
    assert_close(near, product(learner, state, batch), 1e-6)
    assert learner.step(state, batch)[0].base.params["aside"].tolist() == [1.0, 1.0]


@pytest.mark.parametrize(
    ("settings", "message"),
    [({"radius": 0.0}, "radius = 0.0 must be above 0"), ({"bucket_mb": -1.0}, "bucket_mb = -1.0")],
)
def test_settings_out_of_range_are_refused(settings: dict[str, Any], message: str) -> None:
    subject = Subject(Registry().find("sama", "method"), Registry(), settings)
    with pytest.raises(UsageError, match=message):
        subject.learner(subject.problems()[0])


def test_gradient_descent_keeps_its_velocity() -> None:
    workload = networks(base_momentum=0.5, unroll=1)
    learner = Sama(workload)
    after, _ = learner.step(learner.init(0), workload.train_batch(0, 0))
    assert isinstance(after.base, SgdState)
    assert after.base.velocity.keys() == after.base.params.keys()


@pytest.mark.parametrize("optimizer", OPTIMIZERS)
@pytest.mark.parametrize("multitask", [False, True])
@pytest.mark.parametrize("learner_class", METHODS)
def test_frozen_it_never_moves_the_meta_parameters_and_does_all_else_alike(
    learner_class: type[SamaLearner], multitask: bool, optimizer: str
) -> None:
    workload = networks(base_optimizer=optimizer, base_lr=0.03, unroll=2, meta_lr=0.1, dropout=0.4)
    learner = learner_class(workload, multitask=multitask)
    frozen = replace(learner, frozen=True)
    state, batch = learner.init(0), workload.train_batch(0, 0)
    state, _ = learner.step(state, batch)  # Adam has a momentum that could carry them on
    batch = workload.train_batch(0, 1)
    moved, loss = learner.step(state, batch)
    stayed, same = frozen.step(state, batch)
    assert identical(stayed.meta, state.meta)
    assert not identical(moved.meta.params, state.meta.params)
    assert identical((stayed.base, stayed.buffers, same), (moved.base, moved.buffers, loss))
    assert identical(
        frozen.meta_gradient(state, batch).grads, learner.meta_gradient(state, batch).grads
    )

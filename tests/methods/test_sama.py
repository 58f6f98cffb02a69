"""SAMA is what it is defined as, in three first-order passes, and leaves nothing behind it."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from functools import partial
from itertools import pairwise
from typing import Any

import pytest
import torch
from torch import Tensor, nn

from baselines import bilevel_definitions as definitions
from baselines.bilevel import copies
from baselines.cg_hypergradient import CgHypergradient
from baselines.darts_hypergradient import DartsHypergradient
from harness.declare.outer import AdamState, Rule, SgdState
from harness.declare.tree import identical, relative_error
from harness.errors import UsageError
from harness.measure.memory import peak_of
from harness.measure.operations import operations_of
from harness.registry import Registry
from harness.subject import Subject
from methods.sama import Sama, SamaLearner, SamaNa, _multiply_by_slope
from suites.bilevel_problems import Examples
from tests.baselines.bilevel_cases import (
    SmallNetworks,
    Undetached,
    assert_close,
    linear,
    networks,
)

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


def product(
    learner: SamaLearner, state: Any, batch: Any, differentiated: SamaLearner | None = None
) -> dict[str, Tensor]:
    """Return the limit of R to 0: minus the mixed derivatives times v, by differentiating twice.

    They are those of the learner's own base loss, or of another's where the learner's training led.
    """
    last = len(batch.base) - 1
    trained = learner.trained(state, batch)
    before = learner.trained(state, replace(batch, base=batch.base[:last]))
    meta = {n: p.clone().requires_grad_() for n, p in state.meta.params.items()}
    params = {n: p.clone().requires_grad_() for n, p in trained.base.params.items()}
    _, vector, direct = learner.meta_gradients(params, trained.buffers, meta, batch)
    if isinstance(before.base, AdamState) and learner.adapts:
        g = learner.base_gradients(
            before.base.params, copies(before.buffers), state.meta.params, batch, last
        )
        _multiply_by_slope(vector, before.base, g, learner.rules(g))
    differentiated = differentiated or learner
    loss = differentiated.base_loss(params, copies(trained.buffers), meta, batch, last)
    slopes = torch.autograd.grad(
        loss, list(params.values()), create_graph=True, materialize_grads=True
    )
    along = sum((s * v).sum() for s, v in zip(slopes, vector.values(), strict=True))
    mixed = torch.autograd.grad(along, list(meta.values()))
    return {n: direct[n] - m for n, m in zip(meta, mixed, strict=True)}


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


@pytest.mark.parametrize("optimizer", ["sgd", "adam"])
@pytest.mark.parametrize("unroll", [1, 3])
@pytest.mark.parametrize("learner_class", METHODS)
def test_a_meta_update_takes_three_first_order_passes(
    learner_class: type[SamaLearner], unroll: int, optimizer: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    workload = networks(base_optimizer=optimizer, unroll=unroll)
    learner = learner_class(workload)
    state, batch = learner.init(0), workload.train_batch(0, 0)
    counted = operations_of(lambda: learner.step(state, batch)).backward_passes
    assert counted == unroll + 3  # one for each base step, and v0, above, below

    passes = []
    engine = torch.autograd._engine_run_backward

    def watched(outputs, gradients, keeps_graph, makes_graph, *rest, **options):
        passes.append((keeps_graph, makes_graph))
        return engine(outputs, gradients, keeps_graph, makes_graph, *rest, **options)

    monkeypatch.setattr(torch.autograd, "_engine_run_backward", watched)
    learner.step(state, batch)
    assert passes == [(False, False)] * counted


def test_the_last_two_passes_form_no_gradient_of_the_base_model(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    workload = networks(unroll=2, base_optimizer="adam")
    asked = []
    loss = SmallNetworks.base_loss

    def watched(self, base, meta, batch):
        asked.append([any(p.requires_grad for p in part.values()) for part in (base, meta)])
        return loss(self, base, meta, batch)

    monkeypatch.setattr(SmallNetworks, "base_loss", watched)
    learner = Sama(workload)
    learner.step(learner.init(0), workload.train_batch(0, 0))
    assert asked == [[True, False]] * 2 + [[False, True]] * 2


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


@dataclass(frozen=True)
class Deep(SmallNetworks):
    """A base model of many layers on many examples."""

    def base_network(self) -> nn.Module:
        layers = [part for _ in range(6) for part in (nn.Linear(64, 64), nn.Tanh())]
        return nn.Sequential(nn.Linear(3, 64), *layers, nn.Linear(64, 2))

    def _drawn(self, seed: int, count: int = 256) -> Examples:
        return super()._drawn(seed, count)


def test_its_peak_is_under_that_of_a_plain_difference_and_half_of_conjugate_gradients() -> None:
    workload = Deep(networks().place, base_optimizer="adam")
    batch = workload.train_batch(0, 0)
    peaks = {}
    for learner_class in (Sama, DartsHypergradient, CgHypergradient):
        learner = learner_class(workload)
        state = learner.init(0)
        learner.step(state, batch)
        peaks[learner_class] = peak_of(partial(learner.step, state, batch), "cpu").peak_bytes
    params = sum(p.numel() * p.element_size() for p in state.base.params.values())
    assert peaks[Sama] < peaks[DartsHypergradient] - params / 2
    assert peaks[Sama] < peaks[CgHypergradient] / 2


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


def test_frozen_it_takes_the_same_passes() -> None:
    workload = networks(unroll=2)
    frozen = Sama(workload, frozen=True)
    state, batch = frozen.init(0), workload.train_batch(0, 0)
    moving = Sama(workload)
    of_frozen = operations_of(lambda: frozen.step(state, batch))
    assert of_frozen == operations_of(lambda: moving.step(state, batch))

"""What a meta-update of SAMA costs: its passes, and its peak of memory."""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial

import pytest
import torch
from torch import nn

from baselines.cg_hypergradient import CgHypergradient
from baselines.darts_hypergradient import DartsHypergradient
from harness.measure.memory import peak_of
from harness.measure.operations import operations_of
from methods.sama import Sama, SamaLearner, SamaNa
from suites.bilevel_problems import Examples
from tests.baselines.bilevel_cases import (
    SmallNetworks,
    networks,
)

METHODS = [Sama, SamaNa]


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


def test_frozen_it_takes_the_same_passes() -> None:
    workload = networks(unroll=2)
    frozen = Sama(workload, frozen=True)
    state, batch = frozen.init(0), workload.train_batch(0, 0)
    moving = Sama(workload)
    of_frozen = operations_of(lambda: frozen.step(state, batch))
    assert of_frozen == operations_of(lambda: moving.step(state, batch))

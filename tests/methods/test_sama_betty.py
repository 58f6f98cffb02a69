"""SAMA beside its authors' own: the same where the definitions agree, and where they don't."""

from __future__ import annotations

from typing import Any

import pytest
import torch

from harness.declare.tree import relative_error
from tests.baselines.bilevel_cases import assert_close, linear, networks

pytest.importorskip("betty")

from baselines.betty_bilevel import BettyDarts, BettyLearner, BettySama
from methods.sama import Sama, SamaLearner, SamaNa

PAIRS = [
    pytest.param(BettySama, Sama, id="sama"),
    pytest.param(BettyDarts, SamaNa, id="darts"),
]
WORKLOADS = [
    pytest.param(linear(kind="network", unroll=2, direct=True), id="linear"),
    pytest.param(linear(kind="logistic", base_optimizer="adam", base_lr=0.01), id="adam"),
    pytest.param(linear(kind="losses", unroll=2), id="losses"),
    pytest.param(networks(unroll=3, base_momentum=0.5, base_weight_decay=0.1), id="momentum"),
    pytest.param(
        networks(base_optimizer="adamw", base_weight_decay=0.1, grouped=True, norm=False),
        id="adamw in groups",
    ),
]


def gradients(
    theirs: BettyLearner, ours: SamaLearner, steps: int
) -> tuple[dict[str, Any], dict[str, Any]]:
    """Return both meta-gradients after so many steps."""
    workload, state = ours.workload, ours.init(0)
    for index in range(steps):
        state, _ = ours.step(state, workload.train_batch(0, index))
    batch = workload.train_batch(0, steps)
    return theirs.meta_gradient(state, batch).grads, ours.meta_gradient(state, batch).grads


@pytest.mark.parametrize("multitask", [False, True])
@pytest.mark.parametrize("workload", WORKLOADS)
@pytest.mark.parametrize(("theirs", "ours"), PAIRS)
def test_both_take_the_same_steps(
    theirs: type[BettyLearner], ours: type[SamaLearner], workload: Any, multitask: bool
) -> None:
    settings: dict[str, Any] = {"radius": 0.1, "multitask": multitask}
    betty, own = theirs(workload, **settings), ours(workload, **settings)
    state, _ = own.step(own.init(0), workload.train_batch(0, 0))
    left = right = state
    for index in (1, 2):
        batch = workload.train_batch(0, index)
        found, owed = betty.meta_gradient(left, batch), own.meta_gradient(right, batch)
        assert_close(found.grads, owed.grads, 1e-7)
        assert float(found.loss) == pytest.approx(float(owed.loss), rel=1e-9)
        (left, _), (right, _) = betty.step(left, batch), own.step(right, batch)
        assert_close(left.base.params, right.base.params, 1e-9)
        assert_close(left.meta.params, right.meta.params, 1e-7)


@pytest.mark.parametrize(("theirs", "ours"), PAIRS)
def test_betty_counts_no_weight_decay_in_the_last_gradient(
    theirs: type[BettyLearner], ours: type[SamaLearner]
) -> None:
    workload = networks(base_optimizer="adam", base_weight_decay=0.1, unroll=2, norm=False)
    found, owed = gradients(theirs(workload, radius=0.1), ours(workload, radius=0.1), 1)
    if ours is SamaNa:
        assert_close(found, owed, 1e-7)
    else:
        assert relative_error(found, owed) > 1e-3


def test_betty_s_first_step_of_adam_has_a_direction_of_rounding() -> None:
    workload = linear(kind="network", base_optimizer="adam", unroll=1)
    found, owed = gradients(BettySama(workload), Sama(workload), 0)
    assert all(not value.any() for value in owed.values())
    assert any(value.any() for value in found.values())


@pytest.mark.parametrize("learner_class", [BettySama, Sama])
def test_only_ours_drops_the_same_units_in_both_probes(learner_class: Any) -> None:
    workload = networks(dropout=0.5, unroll=2)
    state, batch = Sama(workload).init(0), workload.train_batch(0, 0)
    near, nearer = (
        learner_class(workload, radius=radius).meta_gradient(state, batch).grads
        for radius in (1e-4, 1e-6)
    )
    change = relative_error(nearer, near)
    assert change < 1e-4 if learner_class is Sama else change > 1


def test_nothing_is_read_back_to_the_host(monkeypatch: pytest.MonkeyPatch) -> None:
    workload = networks(unroll=2)  # by gradient descent: Adam's own counter is on the host
    learner = Sama(workload)
    state, batch = learner.init(0), workload.train_batch(0, 0)
    read = []
    for name in ("item", "__float__", "__bool__", "tolist"):
        known = getattr(torch.Tensor, name)
        monkeypatch.setattr(
            torch.Tensor, name, lambda t, known=known, name=name: read.append(name) or known(t)
        )
    learner.advance(state, batch)
    assert read == []

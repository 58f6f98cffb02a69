"""What QMAML is on one rank, and what it says about an inner implementation that it can't use."""

from __future__ import annotations

import sys
from dataclasses import replace

import pytest
import torch

from baselines import inner_learner
from baselines.reference_maml import ReferenceMaml
from harness.declare.pair import Pair
from harness.declare.protocol import Protocol
from harness.declare.tree import identical
from harness.declare.workload import Place
from harness.errors import PeerMissing, UnknownName, UsageError
from harness.measure.block import Block
from harness.measure.worker import measured
from harness.registry import Registry
from harness.team.communicator import Alone
from methods.qmaml import Qmaml
from suites.maml_problems import RandomTasks

SEED = 5
WORKLOAD = RandomTasks(Place(dtype="float64"), meta_batch=5, inner_steps=2, inner_lr=0.4)
INNERS = ["reference_maml", "learn2learn_maml", "batched_maml"]


def implementation(name: str):
    try:
        return Registry().find(name, "baseline", "method").load()
    except PeerMissing as missing:
        pytest.skip(str(missing))


@pytest.mark.parametrize("inner", INNERS)
def test_one_rank_is_its_inner_implementation_to_the_bit(inner):
    plain, alone = implementation(inner)(WORKLOAD), Qmaml(WORKLOAD, inner=inner)
    state, same = plain.init(SEED), alone.init(SEED)
    assert identical(state, same)
    for index in range(3):
        batch = WORKLOAD.train_batch(SEED, index)
        assert identical(plain.adapt(state, batch), alone.adapt(same, batch))
        assert identical(plain.meta_gradient(state, batch), alone.meta_gradient(same, batch))
        (state, loss), (same, same_loss) = plain.step(state, batch), alone.step(same, batch)
        assert identical((state, loss), (same, same_loss))
    held_out = WORKLOAD.eval_batch(SEED, "valid", 0, 4)
    assert identical(plain.evaluate(state, held_out), alone.evaluate(same, held_out))


@pytest.mark.parametrize("size", [1, 2, 3, 4, 7])
def test_the_ranks_parts_add_up_to_the_whole_gradient(size):
    """The tasks are dealt out without a gap or an overlap, also to more ranks than there are."""
    oracle = ReferenceMaml(WORKLOAD)
    state, batch = oracle.init(SEED), WORKLOAD.train_batch(SEED, 0)
    owed = oracle.meta_gradient(state, batch)
    parts = [part(rank, size).meta_gradient(state, batch) for rank in range(size)]
    assert torch.allclose(sum(each.loss for each in parts), owed.loss, rtol=1e-12)
    for name, gradient in owed.grads.items():
        found = sum(each.grads[name] for each in parts)
        assert torch.allclose(found, gradient, rtol=1e-10, atol=1e-14)
    if size > len(batch):
        assert not any(gradient.any() for gradient in parts[-1].grads.values())


@pytest.mark.parametrize("size", [2, 7])
def test_every_task_is_adapted_and_judged_on_one_rank(size):
    oracle = ReferenceMaml(WORKLOAD)
    state, batch = oracle.init(SEED), WORKLOAD.train_batch(SEED, 0)
    owed = oracle.adapt(state, batch)
    for rank in range(size):
        assert identical(part(rank, size).adapt(state, batch), owed[rank::size])
    qualities = [part(rank, size).evaluate(state, batch) for rank in range(size)]
    assert torch.equal(sum(qualities), oracle.evaluate(state, batch))


def part(rank: int, size: int) -> Qmaml:
    """Return a rank that hears of no other: it is left with what it would have sent them."""
    place = replace(WORKLOAD.place, team=Alone(rank, size))
    return Qmaml(replace(WORKLOAD, place=place), inner="reference_maml")


def test_an_inner_implementation_that_is_not_there_is_named_with_those_that_are():
    with pytest.raises(UnknownName, match="'batched_mml' .did you mean 'batched_maml'"):
        Qmaml(WORKLOAD, inner="batched_mml")


def test_an_inner_implementation_of_another_family_is_refused():
    with pytest.raises(UsageError, match="inner=rnn_optimizer: an implementation of rnn"):
        Qmaml(WORKLOAD, inner="rnn_optimizer")


def test_a_peer_that_is_missing_skips_the_block_and_says_how_it_is_installed(monkeypatch):
    for module in ("learn2learn", "learn2learn.algorithms"):
        monkeypatch.setitem(sys.modules, module, None)
    monkeypatch.delitem(sys.modules, "baselines.learn2learn_maml", raising=False)
    monkeypatch.setattr(inner_learner, "loaded", inner_learner.loaded.__wrapped__)
    pair = Pair("pair", "reference_maml", "qmaml", "sinusoid", "the ranks")
    for measurement in ("check", "step"):
        record = measured(Block(pair, measurement, "method", 0, 0, Protocol(), threads=1))
        assert record.status == "skipped"
        assert "python -m baselines.install learn2learn" in record.reason

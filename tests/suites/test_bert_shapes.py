"""BERT shapes: what is drawn, what is dropped alike, and which learners can train them."""

from __future__ import annotations

from dataclasses import replace

import pytest
import torch

from baselines.cg_hypergradient import CgHypergradient
from baselines.darts_hypergradient import DartsHypergradient
from harness.declare.tree import all_finite
from suites.bert import SHAPES
from suites.bert_shapes import BertShapes


@pytest.fixture(scope="module")
def workload() -> BertShapes:
    return BertShapes(length=12, base_batch_size=4, meta_batch_size=4)


def test_sizes_are_those_of_the_models_they_are_named_after() -> None:
    found = {}
    for size in SHAPES:
        shaped = BertShapes(size=size, length=64 if size in ("tiny", "mini") else 512)
        found[size] = sum(p.numel() for p in shaped._networks[True].parameters()) / 1e6
    assert found["mini"] == pytest.approx(4.4, abs=0.05)
    assert found["minilm"] == pytest.approx(22.7, abs=0.05)  # with its head
    assert found["base"] == pytest.approx(109.5, abs=0.05)
    assert found["tiny"] < 1


@pytest.mark.parametrize(("name", "value"), [("noise", 1.5), ("unroll", 0)])
def test_settings_that_mean_nothing_are_refused(name: str, value: float) -> None:
    with pytest.raises(ValueError, match=f"{name} = {value} must be"):
        BertShapes(**{name: value})


def test_batches_are_pure_functions_of_seed_and_index(workload: BertShapes) -> None:
    one, same, other = (workload.train_batch(1, index) for index in (3, 3, 4))
    assert torch.equal(one.base[0].inputs, same.base[0].inputs)
    assert torch.equal(one.base[0].labels, same.base[0].labels)
    assert not torch.equal(one.base[0].inputs, other.base[0].inputs)
    whole, part = workload.held_out(1, "test", 0, 6), workload.held_out(1, "test", 4, 2)
    assert torch.equal(whole.inputs[4:], part.inputs)
    assert not torch.equal(whole.inputs, workload.held_out(1, "valid", 0, 6).inputs)


def test_the_stated_share_of_labels_is_wrong(workload: BertShapes) -> None:
    many = replace(workload, base_batch_size=2000)
    said = many.base_batch(0, 0).labels
    true = replace(many, noise=0.0).base_batch(0, 0).labels
    assert float((said != true).double().mean()) == pytest.approx(0.4, abs=0.033)


def test_a_class_is_where_more_words_are_of_its_kind(workload: BertShapes) -> None:
    batch = replace(workload, length=64).held_out(0, "test", 0, 400)
    odd = ((batch.inputs[:, 1:] % 2).double().mean(1) > 0.5).long()
    assert float((odd == batch.labels).double().mean()) > 0.9
    assert int(batch.inputs.max()) < SHAPES["tiny"].words


def test_every_pass_over_a_batch_drops_the_same(workload: BertShapes) -> None:
    learner = DartsHypergradient(workload)
    state, batch = learner.init(0), workload.train_batch(0, 0)
    params = state.base.params, state.buffers, state.meta.params
    first, again = (learner.base_loss(*params, batch, 0) for _ in range(2))
    assert torch.equal(first, again)
    assert not torch.equal(first, learner.base_loss(*params, replace(batch, noise=1), 0))


def test_nothing_is_dropped_where_quality_is_judged(workload: BertShapes) -> None:
    params, buffers = workload.initial_base(0)
    base = {**params, **buffers}
    batch = workload.held_out(0, "test", 0, 8)
    judged = workload.base_outputs(base, batch.inputs, training=False)
    still = replace(workload, dropout=0.0).base_outputs(base, batch.inputs)
    torch.testing.assert_close(judged, still)


@pytest.mark.parametrize("learner_class", [CgHypergradient, DartsHypergradient])
def test_learners_of_either_order_take_a_step(workload: BertShapes, learner_class: type) -> None:
    learner = learner_class(workload)
    state = learner.init(0)
    after, loss = learner.step(state, workload.train_batch(0, 0))
    assert all_finite(after)
    assert torch.isfinite(loss)
    assert not torch.equal(after.meta.params["0.weight"], state.meta.params["0.weight"])


def test_fused_attention_computes_the_same(workload: BertShapes) -> None:
    params, buffers = workload.initial_base(0)
    batch = replace(workload, dropout=0.0).base_batch(0, 0)
    written, fused = (
        replace(workload, dropout=0.0, attention=attention).plain_loss({**params, **buffers}, batch)
        for attention in ("eager", "sdpa")
    )
    torch.testing.assert_close(written, fused)

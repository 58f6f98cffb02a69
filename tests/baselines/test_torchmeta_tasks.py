from __future__ import annotations

import dataclasses
import random
from typing import Any

import numpy
import pytest
import torch

from baselines.reference_maml import ReferenceMaml
from baselines.torchmeta_maml import TorchmetaMaml
from baselines.torchmeta_tasks import TorchmetaGlyphs, TorchmetaSinusoid
from harness.declare.tree import identical
from harness.declare.workload import Place
from suites.fewshot import Tasks
from suites.glyphs import load

GLYPHS = TorchmetaGlyphs(meta_batch=3, ways=4, shots=2, queries=3, filters=8)
SINUSOID = TorchmetaSinusoid(meta_batch=4)
BOTH = pytest.mark.parametrize("workload", [GLYPHS, SINUSOID], ids=["glyphs", "sinusoid"])


def rows(tasks: Tasks, start: int, stop: int) -> Tasks:
    fields = [getattr(tasks, field.name)[start:stop] for field in dataclasses.fields(tasks)]
    return Tasks(*fields)


@BOTH
def test_a_task_depends_on_its_seed_split_and_index_alone(workload: Any) -> None:
    whole = workload.tasks(1, "valid", 0, 6)
    assert identical(workload.tasks(1, "valid", 2, 3), rows(whole, 2, 5))
    assert identical(dataclasses.replace(workload).tasks(1, "valid", 5, 1), rows(whole, 5, 6))
    for other in (workload.tasks(2, "valid", 0, 6), workload.tasks(1, "test", 0, 6)):
        assert not torch.equal(other.support_x, whole.support_x)
    assert len({tuple(task.support_x.flatten().tolist()) for task in whole}) == 6


@BOTH
def test_drawing_tasks_leaves_the_global_generators_alone(workload: Any) -> None:
    def states() -> list[Any]:
        of_numpy = numpy.random.get_state(legacy=False)  # noqa: NPY002  # it is watched, not used
        return [torch.get_rng_state().tolist(), str(of_numpy), random.getstate()]

    before = states()
    workload.train_batch(0, 0)
    assert states() == before


@BOTH
@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_tasks_come_in_the_place_s_type(workload: Any, dtype: str) -> None:
    batch = dataclasses.replace(workload, place=Place(dtype=dtype)).train_batch(0, 0)
    assert str(batch.support_x.dtype) == str(batch.query_x.dtype) == f"torch.{dtype}"


def test_a_glyph_task_has_the_shapes_of_our_own() -> None:
    batch, held_out = GLYPHS.train_batch(0, 1), GLYPHS.eval_batch(0, "test", 0, 2)
    assert batch.support_x.shape == (3, 8, 1, 28, 28)
    assert batch.query_x.shape == (3, 12, 1, 28, 28)
    assert held_out.query_x.shape == (2, 20, 1, 28, 28)
    assert batch.support_y.tolist() == [[0, 0, 1, 1, 2, 2, 3, 3]] * 3
    assert batch.query_y.tolist() == [[0] * 3 + [1] * 3 + [2] * 3 + [3] * 3] * 3


@pytest.mark.parametrize("split", ["train", "valid", "test"])
def test_a_label_is_one_character_of_the_split_and_no_image_is_drawn_twice(split: str) -> None:
    glyphs = load().split(split)
    class_of = {
        image.tobytes(): index
        for index in range(len(glyphs.classes))
        for image in glyphs.instances(index)
    }
    for task in GLYPHS.tasks(3, split, 0, 5):
        images = [image.numpy().tobytes() for image in (*task.support_x, *task.query_x)]
        labels = [*task.support_y.tolist(), *task.query_y.tolist()]
        assert len(set(images)) == len(images)
        pairs = {(label, class_of[image]) for label, image in zip(labels, images, strict=True)}
        assert len(pairs) == len({label for label, _ in pairs}) == len({c for _, c in pairs}) == 4


def test_classes_and_their_order_differ_from_task_to_task() -> None:
    firsts = {task.support_x[0].numpy().tobytes() for task in GLYPHS.tasks(0, "train", 0, 20)}
    assert len(firsts) > 15


def test_a_sinusoid_task_is_one_sinusoid() -> None:
    for task in SINUSOID.train_batch(0, 0):
        x, y = (
            torch.cat(part).double()
            for part in zip(
                (task.support_x, task.support_y), (task.query_x, task.query_y), strict=True
            )
        )
        basis = torch.cat([x.sin(), x.cos()], dim=1)
        found = torch.linalg.lstsq(basis, y)
        torch.testing.assert_close(basis @ found.solution, y, rtol=1e-4, atol=1e-4)
        assert 0.1 <= float(found.solution.norm()) <= 5
        assert float(x.abs().max()) <= 5


@BOTH
def test_torchmeta_s_maml_trains_on_its_own_tasks_as_the_oracle_does(workload: Any) -> None:
    learner, oracle = TorchmetaMaml(workload), ReferenceMaml(workload)
    state, owed = learner.init(0), oracle.init(0)
    for index in range(2):
        batch = workload.train_batch(0, index)
        state, loss = learner.step(state, batch)
        owed, owed_loss = oracle.step(owed, batch)
        torch.testing.assert_close(loss, owed_loss, rtol=1e-4, atol=1e-6)

"""Tasks of real images: what they hold, what a recipe sets, and a folder of one's own."""

from __future__ import annotations

import dataclasses
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from harness.declare.settings import build
from harness.declare.tree import all_finite
from harness.declare.workload import Place
from harness.errors import Absent, UnknownName, UsageError
from methods.batched_maml import BatchedMaml
from suites.images import Images
from suites.published_settings import published, published_settings

from . import image_layouts as made


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("data")
    made.omniglot_zips(folder / "omniglot")
    made.mini_pickles(folder)
    made.class_folders(folder / "birds", [f"bird{n}" for n in range(15)], side=20)
    return folder


def make(home: Path, dtype: str = "float32", **settings: Any) -> Images:
    return build(Images, settings, "images", Place(dtype=dtype, data_dir=str(home)))


SMALL = {"ways": 2, "eval_queries": 2, "meta_batch": 3}


class TestTasks:
    def test_are_a_pure_function_of_seed_split_and_index(self, home: Path) -> None:
        workload = make(home, **SMALL)
        whole, part = workload.tasks(3, "train", 0, 4), workload.tasks(3, "train", 2, 2)
        assert torch.equal(whole.support_x[2:], part.support_x)
        assert torch.equal(whole.query_x[2:], part.query_x)
        others = [workload.tasks(4, "train", 0, 4), workload.tasks(3, "test", 0, 4)]
        assert not any(torch.equal(whole.support_x, other.support_x) for other in others)

    def test_are_images_of_a_class_each_used_once(self, home: Path) -> None:
        workload = make(home, **SMALL, shots=2)
        images = workload.images
        class_of = {
            np.rot90(image[0], turns).tobytes(): (place, turns)
            for place in range(len(images.classes))
            for image in images.of_class(place)
            for turns in range(4)
        }
        held_out = set()
        for split, turned in (("train", {0, 1, 2, 3}), ("valid", {0}), ("test", {0})):
            seen = set()
            for task in workload.tasks(1, split, 0, 20):
                pixels = (torch.cat([task.support_x, task.query_x]) * 255).round().byte().numpy()
                labels = torch.cat([task.support_y, task.query_y]).tolist()
                drawn = [class_of[image[0].tobytes()] for image in pixels]
                assert len({image.tobytes() for image in pixels}) == len(pixels)
                assert len(set(zip(labels, drawn, strict=True))) == len(set(labels)) == 2
                seen |= set(drawn)
            assert {turns for _, turns in seen} == turned
            places = {place for place, _ in seen}
            assert not places & held_out
            held_out |= places

    def test_are_in_zero_to_one_and_as_precise_as_the_place(self, home: Path) -> None:
        single, double = (make(home, dtype, **SMALL) for dtype in ("float32", "float64"))
        a, b = single.train_batch(0, 0), double.train_batch(0, 0)
        assert torch.equal(a.support_x, b.support_x.float())
        assert b.support_x.dtype == torch.float64
        assert (a.query_x.min(), a.query_x.max()) == (0, 1)
        assert single.example_shape == tuple(a.support_x.shape[2:]) == (1, 28, 28)

    def test_that_ask_for_too_much_are_refused(self, home: Path) -> None:
        with pytest.raises(UsageError, match="20 ways from the valid classes of Omniglot: choose"):
            make(home, ways=20).eval_batch(0, "valid", 0, 1)
        with pytest.raises(UsageError, match="10 instances of a class from the train classes"):
            make(home, shots=5, queries=5).train_batch(0, 0)


class TestRecipes:
    def test_set_what_is_left_out(self, home: Path) -> None:
        workload = make(home, recipe="maml", ways=20)
        assert (workload.meta_batch, workload.inner_steps, workload.inner_lr) == (16, 5, 0.1)
        assert (workload.architecture, workload.filters) == ("conv4_strided", 64)
        assert workload.queries == workload.shots == 1
        assert make(home, shots=5).queries == 5
        assert make(home, recipe="maml", data="mini_imagenet").queries == 15

    def test_leave_alone_what_is_said(self, home: Path) -> None:
        workload = make(home, recipe="maml", inner_steps=2, filters=8, architecture="conv4_pooled")
        assert (workload.inner_steps, workload.filters) == (2, 8)
        assert workload.architecture == "conv4_pooled"
        again = dataclasses.replace(workload, inner_steps=3)
        assert again == dataclasses.replace(workload, inner_steps=3)
        assert (again.filters, again.inner_steps, again.inner_lr) == (8, 3, 0.4)

    def test_serve_what_they_were_published_for(self, home: Path) -> None:
        with pytest.raises(
            UsageError, match="recipe = 'maml' has no settings for birds .*learn2learn"
        ):
            make(home, recipe="maml", data="folder:birds")
        with pytest.raises(UnknownName, match="did you mean 'maml'"):
            published("mamll", "omniglot", 5, 1)

    def test_name_their_sources_and_plausible_numbers(self) -> None:
        for one in published_settings():
            assert one.source
            assert one.accuracy is None or 1 / (one.ways or 1) < one.accuracy < 1
            assert one.accuracy is None or (one.ways, one.shots) != (None, None)
        assert published("learn2learn", "omniglot", 5, 1).accuracy == 0.991
        assert published("learn2learn", "cifar_fs", 5, 5).accuracy == 0.736


class TestConvergence:
    """A published accuracy is held to baselines on the same data, ways, shots and network."""

    def test_is_the_recipes_own(self, home: Path) -> None:
        of_l2l, of_maml = (make(home, recipe=name).converges for name in ("learn2learn", "maml"))
        assert of_l2l is not None
        assert (of_l2l.name, of_l2l.quality, of_l2l.steps) == ("learn2learn", 0.991, 60000)
        assert of_l2l.half_width is None
        assert of_maml is not None
        assert (of_maml.quality, of_maml.steps, of_maml.half_width) == (0.987, 40000, 0.004)
        assert "cbfinn/maml" in of_maml.source

    def test_is_held_to_whatever_else_is_set(self, home: Path) -> None:
        """How it is trained is what is tested, so it may not excuse a baseline."""
        changed = make(home, outer_lr=1e-9, meta_batch=2, inner_lr=9.0, initialisation="torch")
        assert changed.converges == make(home).converges

    @pytest.mark.parametrize(
        "other", [{"ways": 4}, {"shots": 5}, {"filters": 32}, {"architecture": "conv4_pooled"}]
    )
    def test_is_of_no_other_experiment(self, home: Path, other: dict[str, Any]) -> None:
        assert make(home, **other).converges is None

    def test_is_of_no_data_of_ones_own(self, home: Path) -> None:
        assert make(home, data="folder:birds").converges is None


class TestNaming:
    def test_ends_in_a_hash_once_the_images_are_found(self, home: Path) -> None:
        workload = make(home)
        assert workload.data == f"omniglot@{workload.images.sha256[:12]}"
        assert Images().data == "omniglot"

    def test_is_held_to_a_hash_that_is_given(self, home: Path) -> None:
        name = make(home).data
        assert make(home, data=name) == make(home)
        with pytest.raises(UsageError, match="omniglot@0123.*is another one.*Write data = 'omni"):
            make(home, data="omniglot@0123")


class TestWithoutData:
    def test_a_network_is_there_and_tasks_are_not(self) -> None:
        workload = Images()
        assert workload.module() is not None
        with pytest.raises(Absent, match="Omniglot needs a folder of data. Give data_dir=FOLDER"):
            workload.train_batch(0, 0)

    def test_a_set_that_is_not_there_is_asked_for(self, home: Path) -> None:
        with pytest.raises(Absent, match="CUB-200-2011 is not in data_dir"):
            make(home, data="cub")


class TestAFolderOfOnesOwn:
    def test_is_a_workload(self, home: Path) -> None:
        workload = make(home, data="folder:birds", **SMALL)
        assert workload.data.startswith("folder:birds@")
        assert workload.example_shape == (3, 20, 20)
        classes = [workload.pool(split).classes for split in ("train", "valid", "test")]
        assert [len(each) for each in classes] == [9, 3, 3]
        assert len(set().union(*classes)) == 15
        learner = BatchedMaml(workload)
        state, _ = learner.step(learner.init(0), workload.train_batch(0, 0))
        assert all_finite(state)
        assert learner.evaluate(state, workload.eval_batch(0, "test", 0, 2)).shape == (2,)

    def test_may_be_split_by_its_folders(self, home: Path) -> None:
        made.split_folders(home / "sorted", valid="valid", classes=3)
        workload = make(home, data="folder:sorted", **SMALL)
        assert set(workload.pool("valid").classes) == {"valid/n0", "valid/n1", "valid/n2"}

    def test_may_be_grey_and_lie_anywhere(self, home: Path, tmp_path: Path) -> None:
        for name, content in made.omniglot_files().items():
            if name.startswith("images_background"):
                made.write(tmp_path / "drawn" / name, content)
        workload = Images(data=f"folder:{tmp_path / 'drawn'}", ways=2, eval_queries=2)
        assert workload.example_shape == (1, 84, 84)
        assert workload.train_batch(0, 0).support_x.max() == 1

    def test_that_is_missing_or_empty_is_asked_for(self, home: Path) -> None:
        with pytest.raises(Absent, match="no folder brids in .*CLASS/\\*.png"):
            make(home, data="folder:brids")
        with pytest.raises(Absent, match="is looked for in data_dir. Give data_dir=FOLDER"):
            Images(data="folder:birds")
        (home / "empty").mkdir()
        with pytest.raises(UsageError, match="empty is damaged: no folder in it holds an image"):
            make(home, data="folder:empty")


@pytest.mark.parametrize("architecture", ["conv4_strided", "conv4_pooled", "resnet12"])
def test_every_network_takes_a_meta_step_on_colour_images(home: Path, architecture: Any) -> None:
    settings = {**SMALL, "meta_batch": 1, "inner_lr": 0.01, "filters": 4}
    workload = make(home, data="folder:birds", architecture=architecture, **settings)
    learner = BatchedMaml(workload)
    state, loss = learner.step(learner.init(0), workload.train_batch(0, 0))
    assert torch.isfinite(loss)
    assert all_finite(state)


def test_weights_are_drawn_as_the_authors_do_or_as_torch_does() -> None:
    theirs, torchs = (
        Images(initialisation=kind).initial(0)  # type: ignore[arg-type]  # one of the literals
        for kind in ("published", "torch")
    )
    assert float(theirs["head.weight"].std()) == pytest.approx(1, rel=0.2)
    assert float(torchs["head.weight"].abs().max()) <= 64**-0.5
    assert float(torchs["blocks.1.0.weight"].abs().max()) <= (64 * 9) ** -0.5
    with torch.random.fork_rng():
        torch.manual_seed(0)
        layer = torch.nn.Conv2d(64, 64, 3)
    assert float(torchs["blocks.1.0.weight"].std()) == pytest.approx(
        float(layer.weight.detach().std()), rel=0.05
    )
    assert bool((torchs["blocks.1.1.weight"] == 1).all())
    again = Images(initialisation="torch").initial(0)
    assert all(torch.equal(again[name], weight) for name, weight in torchs.items())

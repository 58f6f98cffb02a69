"""An adapter that was saved adapts as the learner that it was made of."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch

from harness.errors import UsageError
from methods.adapter import Adapter, load_adapter
from methods.lambda_patterns import LambdaPatterns
from suites.glyph_tasks import Glyphs5Way1Shot
from suites.sinusoid import Sinusoid


@pytest.fixture
def adapter() -> Adapter:
    learner = LambdaPatterns(Glyphs5Way1Shot(filters=4, inner_steps=3), "00011")
    return Adapter(learner, learner.init(0).params)


def test_a_saved_adapter_solves_a_task_as_its_learner_does(
    adapter: Adapter, tmp_path: Path
) -> None:
    learner, workload = adapter.learner, adapter.learner.workload
    batch = workload.eval_batch(0, "test", 0, 1)
    adapter.save(tmp_path / "adapter.pt")
    loaded = load_adapter(tmp_path / "adapter.pt")
    assert loaded.learner == learner

    with torch.no_grad():  # as a user of a trained network may well be
        predict = loaded.adapt(batch.support_x[0], batch.support_y[0])
    [params] = learner.adapt(learner.init(0), batch)
    torch.testing.assert_close(
        predict(batch.query_x[0]), workload.outputs(params, batch.query_x[0]), rtol=0, atol=0
    )


def test_settings_of_every_kind_survive(tmp_path: Path) -> None:
    learner = LambdaPatterns(Sinusoid(hidden=(8, 8, 8), first_order=True), "maml/anil", False)
    Adapter(learner, learner.init(0).params).save(tmp_path / "adapter.pt")
    assert load_adapter(tmp_path / "adapter.pt").learner == learner


def test_a_file_that_is_no_adapter_is_refused(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="cannot be read"):
        load_adapter(tmp_path / "missing.pt")
    (tmp_path / "text.pt").write_text("no adapter")
    with pytest.raises(UsageError, match="not an adapter's file"):
        load_adapter(tmp_path / "text.pt")
    torch.save({"weights": torch.zeros(1)}, tmp_path / "other.pt")
    with pytest.raises(UsageError, match="not of the format"):
        load_adapter(tmp_path / "other.pt")


IMAGES, LABELS = torch.zeros(5, 1, 28, 28), torch.arange(5)


@pytest.mark.parametrize(
    ("images", "labels", "message"),
    [
        (IMAGES, LABELS[:4], "4 labels for 5 examples: each example needs its own"),
        (IMAGES, torch.tensor(1), "a single label for 5 examples"),
        (IMAGES[0], LABELS, r"shape \[1, 28, 28\]: glyphs_5w1s takes \[examples, 1, 28, 28\]"),
        (torch.zeros(5, 1, 32, 32), LABELS, r"shape \[5, 1, 32, 32\]: .* \[examples, 1, 28, 28\]"),
        (IMAGES[:0], LABELS[:0], r"shape \[0, 1, 28, 28\]: .*, one example at least"),
        (
            IMAGES.to(torch.uint8),
            LABELS,
            "examples of torch.uint8: .* takes torch.float32",
        ),
        (IMAGES, LABELS + 1, "label 5: .* for 5 classes, so labels are 0 to 4. Number a task's"),
        (IMAGES, LABELS - 1, "label -1: .* labels are 0 to 4"),
        (IMAGES, torch.eye(5), "labels of torch.float32 and shape .* not its one-hot code"),
    ],
)
def test_a_task_that_does_not_fit_is_refused(
    adapter: Adapter, images: torch.Tensor, labels: torch.Tensor, message: str
) -> None:
    with pytest.raises(UsageError, match=message):
        adapter.adapt(images, labels)


def test_more_examples_are_held_to_the_same_shape(adapter: Adapter) -> None:
    predict = adapter.adapt(IMAGES, LABELS)
    with pytest.raises(UsageError, match=r"shape \[2, 1, 32, 32\]"):
        predict(torch.zeros(2, 1, 32, 32))


def test_values_to_be_learnt_are_no_classes() -> None:
    learner = LambdaPatterns(Sinusoid(hidden=(8, 8)), "001")
    adapter = Adapter(learner, learner.init(0).params)
    x = torch.linspace(-5, 5, 10)[:, None]
    assert adapter.adapt(x, 3 * x.sin())(x).shape == (10, 1)
    with pytest.raises(UsageError, match="9 labels for 10 examples"):
        adapter.adapt(x, x[1:])

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

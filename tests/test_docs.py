"""What docs/ shows works as it stands."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest
import torch

from harness.declare.suite import read_suite
from methods.adapter import load_adapter
from suites.glyph_tasks import Glyphs5Way1Shot
from tests.test_readme import README, ROOT

ADAPTERS = (ROOT / "docs" / "adapters.md").read_text()


def example(name: str) -> str:
    pattern = rf"<!-- example: {re.escape(name)} -->\n```\w+\n(.*?)```"
    found = re.search(pattern, ADAPTERS, re.DOTALL)
    assert found, name
    return found[1]


def test_the_readme_leads_there():
    assert "](docs/adapters.md)" in README


def test_a_chosen_pattern_is_exported_and_adapts_to_a_task_of_ones_own(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    choice = {"tau": 0.01, "steps": 5, "variant": "00011"}
    other = {"tau": 0.05, "steps": 5, "variant": "00001"}
    study = {
        "pair": "conv4-32",
        "settings": {"filters": 4, "meta_batch": 2},
        "method_settings": {"in_training": False},
        "choices": [other, choice],
    }
    monkeypatch.chdir(tmp_path)
    (tmp_path / "results" / "patterns").mkdir(parents=True)
    claims = tmp_path / "results" / "patterns" / "claims.json"
    claims.write_text(json.dumps({"selections": [study]}))
    steps = example("export.py")
    study = read_suite(ROOT / "suites" / "lambda.toml").study["variants"]
    trained = f"range({study['train_steps']})"
    assert trained in steps  # as long as the study trains
    exec(steps.replace(trained, "range(2)"), {})
    learner = load_adapter("adapter.pt").learner
    assert (learner.pattern, learner.workload.inner_steps) == ("00011", 5)

    batch = Glyphs5Way1Shot(filters=4).eval_batch(0, "test", 0, 1)
    task = {"images": batch.support_x[0], "labels": batch.support_y[0]}
    names = task | {"more_images": batch.query_x[0]}
    exec(example("use.py"), names)
    assert names["classes"].shape == batch.query_y[0].shape
    assert names["classes"].dtype == torch.int64

"""What the guide to workloads says is run as it stands there."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
import torch

from harness.cli import main
from harness.declare.settings import build
from harness.declare.suite import read_suite
from harness.declare.workload import Place
from harness.records.store import Store
from harness.registry import Registry
from methods.batched_maml import BatchedMaml
from suites.image_sets.table import SETS

from ..command import ROOT
from ..suites import image_layouts as made

GUIDE = (ROOT / "docs" / "workloads.md").read_text()
SHORT = """
[protocol]
seeds = 1
rounds = 1
warmup_s = 0.1
interval_s = 0.01
intervals = 3
check_examples = 2
"""


def example(name: str) -> str:
    found = re.search(rf"<!-- example: {name} -->\n```\w+\n(.*?)```", GUIDE, re.DOTALL)
    assert found is not None
    return found[1]


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Return a folder with the guide's files and folders, in which commands are run."""
    monkeypatch.chdir(tmp_path)
    for name in ("birds.toml", "strokes.py"):
        (tmp_path / name).write_text(example(name))
    made.class_folders(tmp_path / "data" / "birds", [f"bird{n}" for n in range(15)], images=8)
    return tmp_path


def test_the_code_is_complete_in_under_forty_lines() -> None:
    assert example("strokes.py").count("\n") < 40


def test_the_code_makes_tasks_that_can_be_learned(here: Path) -> None:
    entry = Registry(("strokes.py",)).find("strokes", "workload")
    settings = {"meta_batch": 4, "queries": 3, "inner_lr": 0.4}
    workload = build(entry.load(), settings, "strokes", Place())
    learner = BatchedMaml(workload)
    state = learner.init(0)

    def accuracy() -> float:
        return float(learner.evaluate(state, workload.eval_batch(0, "test", 0, 20)).mean())

    before = accuracy()
    for step in range(20):
        state, _ = learner.step(state, workload.train_batch(0, step))
    assert accuracy() > before + 0.1
    whole, part = workload.tasks(0, "train", 0, 3), workload.tasks(0, "train", 2, 1)
    assert torch.equal(whole.support_x[2:], part.support_x)


def test_the_code_is_listed(here: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["list", "workloads", "plugin=strokes.py"]) == 0
    assert "Polygons of seven corners" in capsys.readouterr().out


def test_the_folder_is_found_and_opens_the_suite_s_tasks(
    here: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["data", "data_dir=data"]) == 0
    assert "folder:birds: whole. 120 images of 15 classes" in capsys.readouterr().out
    [pair] = read_suite(Path("birds.toml")).pair
    entry = Registry().find(pair.workload, "workload")
    workload = build(entry.load(), pair.settings, "images", Place(data_dir="data"))
    assert len(workload.eval_batch(0, "test", 0, 2)) == 2


@pytest.mark.slow
def test_the_suite_runs_without_any_code(here: Path) -> None:
    Path("birds.toml").write_text(example("birds.toml") + SHORT)
    words = ["suite=birds.toml", "data_dir=data", "out=run", "threads=1"]
    assert main(["run", *words]) == 0
    records = Store.open(Path("run")).records()
    assert {record.status for record in records} == {"ok"}
    stepped = [record for record in records if record.measured == "step"]
    assert stepped
    assert all(re.fullmatch("folder:birds@[0-9a-f]{12}", str(one.data)) for one in stepped)


def test_the_tables_are_those_of_the_code() -> None:
    for name, known in SETS.items():
        [row] = [line for line in GUIDE.splitlines() if line.startswith(f"| `{name}` |")]
        assert f"{known.images:,}" in row
        assert f"of {known.classes:,}" in row
        assert known.licence.partition(":")[0] in row
        for file, md5 in known.md5.items():
            assert f"| `{file}` | `{md5}` |" in GUIDE
    hashes = {md5 for known in SETS.values() for md5 in known.md5.values()}
    assert set(re.findall(r"`([0-9a-f]{32})`", GUIDE)) == hashes

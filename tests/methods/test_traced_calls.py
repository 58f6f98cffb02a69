"""A compiled call is the same call: same gradient, same count, compiled once for each shape."""

from __future__ import annotations

from functools import partial
from pathlib import Path
from typing import Any

import pytest
import torch

from baselines.reference_maml import ReferenceMaml
from harness.declare.tree import relative_error
from harness.declare.workload import Place
from harness.measure.operations import operations_of
from methods.fast_maml import FastMaml
from suites.maml_problems import RandomTasks

CONV: dict[str, Any] = {"architecture": "conv", "layers": 3, "inner_lr": 0.4}


@pytest.fixture
def compiled_anew(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr("methods.traced_calls._COMPILED", {})
    monkeypatch.setenv("TORCHINDUCTOR_CACHE_DIR", str(tmp_path))


@pytest.mark.slow
@pytest.mark.usefixtures("compiled_anew")
@pytest.mark.parametrize(
    "shapes",
    [
        {**CONV, "layers": 1, "width": 2, "meta_batch": 2, "ways": 2, "side": 4},
        {"meta_batch": 3, "inner_steps": 2},
    ],
    ids=["a convolution", "a part of a batch is another graph"],
)
def test_a_compiled_call_is_the_oracle_s_and_other_tasks_share_it(shapes: dict[str, Any]):
    workload = RandomTasks(Place(dtype="float64"), **shapes)
    plain = ReferenceMaml(workload)
    state, graphs = plain.init(5), set()
    for number in range(2):
        fast, batch = FastMaml(workload, tasks=2, compiled=True), workload.train_batch(5, number)
        owed, found = plain.meta_gradient(state, batch), fast.meta_gradient(state, batch)
        assert relative_error(found.grads, owed.grads) < 1e-9 * workload.inner_steps
        torch.testing.assert_close(found.loss, owed.loss)
        graphs.add(len(fast.preparations()))
        assert ("compiling" in fast.fast_paths()) == bool(fast.preparations())
    assert graphs == {-(-workload.meta_batch // 2), 0}  # what one learner compiled, the next has


@pytest.mark.slow
@pytest.mark.usefixtures("compiled_anew")
def test_a_compiled_call_is_a_candidate_and_its_compilation_is_no_planning():
    workload = RandomTasks(meta_batch=3)
    fast, batch = FastMaml(workload, compiled=True), workload.train_batch(0, 0)
    state = fast.init(0)
    fast.meta_gradient(state, batch)
    assert "3-tasks-compiled:" in fast.fast_paths()["candidates"]
    planning, compiling = fast.preparations()
    told = fast.fast_paths()
    assert (told["planning"], told["compiling"]) == (f"{planning:.3g}s", f"{compiling:.3g}s")
    fast.adapt(state, batch)
    assert "compiled" not in fast.fast_paths()["adaptation-candidates"]


@pytest.mark.slow
@pytest.mark.usefixtures("compiled_anew")
def test_a_compiled_call_has_the_operations_of_the_same_call_uncompiled():
    workload = RandomTasks(meta_batch=2)
    batch, counts = workload.train_batch(0, 0), []
    for compiled in (False, True):
        fast = FastMaml(workload, tasks=2, compiled=compiled)
        state = fast.init(0)
        fast.meta_gradient(state, batch)
        counts.append(operations_of(partial(fast.meta_gradient, state, batch)))
    assert counts[0] == counts[1]

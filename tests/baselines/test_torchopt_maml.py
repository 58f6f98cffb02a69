from __future__ import annotations

import sys
from types import ModuleType

import pytest
import torch

from baselines.reference_maml import ReferenceMaml
from baselines.torchopt_maml import TorchoptMaml
from harness.declare.tree import identical
from harness.declare.workload import Place
from suites.maml_problems import RandomTasks
from tests.baselines.tracking import TRACKING, statistics_after_work

WORKLOAD = RandomTasks(Place(dtype="float64"), meta_batch=2, inner_steps=2)


@pytest.mark.parametrize(
    ("compiled", "word"), [(ModuleType("torchopt._C"), "loaded"), (None, "not-loaded")]
)
def test_whether_the_compiled_operator_loads_is_found_by_loading_it(
    compiled: ModuleType | None, word: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "torchopt._C", compiled)
    assert TorchoptMaml(WORKLOAD).fast_paths() == {"torchopt._C": word}


def test_running_statistics_are_put_back_after_every_task() -> None:
    found, new = statistics_after_work(TorchoptMaml(TRACKING))
    assert new
    assert identical(found, new)


def test_a_task_that_fails_leaves_the_network_as_it_was(monkeypatch: pytest.MonkeyPatch) -> None:
    learner, batch = TorchoptMaml(WORKLOAD), WORKLOAD.train_batch(0, 0)
    state = learner.init(0)
    loss, calls = RandomTasks.loss, iter(range(5))

    def failing(self: RandomTasks, outputs: torch.Tensor, y: torch.Tensor) -> torch.Tensor:
        if next(calls) == 4:
            raise RuntimeError("in the middle of the second task")
        return loss(self, outputs, y)

    monkeypatch.setattr(RandomTasks, "loss", failing)
    with pytest.raises(RuntimeError, match="second task"):
        learner.meta_gradient(state, batch)
    monkeypatch.undo()
    found = learner.meta_gradient(state, batch).grads
    owed = ReferenceMaml(WORKLOAD).meta_gradient(state, batch).grads
    torch.testing.assert_close(found, owed, rtol=1e-10, atol=1e-13)

from __future__ import annotations

import base64
import hashlib
import importlib
import importlib.metadata
import subprocess
import sys
from pathlib import Path

import pytest
import torch
from torch import Tensor, nn
from torch.utils.data import DataLoader, TensorDataset

from baselines.install import recipes
from baselines.torchmeta_compat import usable_torchmeta
from baselines.torchmeta_maml import TorchmetaMaml
from baselines.torchmeta_models import twin
from harness.declare.workload import Place
from harness.errors import UsageError
from suites.maml_problems import RandomTasks
from tests.baselines.tracking import TRACKING

with usable_torchmeta():
    from torchmeta.utils.data import SubsetTask, Task

ROOT = Path(__file__).parents[2]


class Numbers(Task, TensorDataset):
    """A task of torchmeta's over some numbers."""

    def __init__(self, numbers: Tensor) -> None:
        Task.__init__(self, 0, None)
        TensorDataset.__init__(self, numbers)


def test_importing_the_compatibility_imports_no_peer_and_not_torch() -> None:
    program = "import sys, baselines.torchmeta_compat; print(*sys.modules)"
    done = subprocess.run(
        [sys.executable, "-c", program], cwd=ROOT, capture_output=True, text=True, check=True
    )
    assert not {*recipes(), "betty", "torch"} & set(done.stdout.split())


def test_torchvision_is_given_its_missing_names_for_the_import_alone() -> None:
    downloads = importlib.import_module("torchvision.datasets.utils")
    assert not hasattr(downloads, "_get_confirm_token")
    assert hasattr(downloads, "_save_response_content")  # it has this one, and keeps it


def test_a_download_that_needs_the_dropped_helpers_says_what_to_do() -> None:
    helpers = importlib.import_module("torchmeta.datasets.utils")
    with pytest.raises(UsageError, match="older torchvision .* download=True"):
        helpers._get_confirm_token(None)


def test_a_part_of_a_task_can_be_loaded_in_batches() -> None:
    part = SubsetTask(Numbers(torch.arange(10)), [7, 3, 5])
    (batch,) = next(iter(DataLoader(part, batch_size=3)))
    assert batch.tolist() == [7, 3, 5]


def test_nothing_of_torchmeta_is_changed_on_disk() -> None:
    files = [f for f in importlib.metadata.files("torchmeta") or () if f.hash and f.suffix == ".py"]
    assert len(files) > 50
    for file in files:
        digest = hashlib.sha256(file.read_binary()).digest()
        assert file.hash is not None
        assert base64.urlsafe_b64encode(digest).decode().rstrip("=") == file.hash.value, file


@pytest.mark.parametrize("architecture", ["conv", "mlp"])
def test_a_twin_has_the_network_s_names_and_outputs(architecture: str) -> None:
    workload = RandomTasks(Place(dtype="float64"), architecture=architecture)  # type: ignore[arg-type]
    model = TorchmetaMaml(workload)._model
    params = workload.initial(3)
    shapes = {name: p.shape for name, p in params.items()}
    assert {name: p.shape for name, p in model.named_parameters()} == shapes
    assert {name: p.shape for name, p in model.meta_named_parameters()} == shapes
    (x, *_) = workload.train_batch(3, 0).query_x
    assert torch.equal(model(x, params=params), workload.outputs(params, x))


def test_a_twin_s_own_parameters_are_used_where_none_are_given() -> None:
    workload = RandomTasks(Place(dtype="float64"), architecture="conv")
    learner = TorchmetaMaml(workload)
    state = learner.init(3)
    (x, *_) = workload.train_batch(3, 0).query_x
    assert torch.equal(learner._loaded(state)(x), workload.outputs(state.params, x))


def test_making_a_twin_draws_nothing() -> None:
    before = torch.get_rng_state()
    _ = TorchmetaMaml(RandomTasks(architecture="conv"))._model
    assert torch.equal(torch.get_rng_state(), before)


def test_what_has_no_parameters_is_its_own_twin() -> None:
    pool = nn.MaxPool2d(2)
    assert twin(pool) is pool


def test_a_network_without_a_twin_is_refused_with_what_to_do() -> None:
    with pytest.raises(UsageError, match="no layer like Bilinear.*twin.register"):
        twin(nn.Sequential(nn.ReLU(), nn.Bilinear(1, 1, 1)))


def test_running_statistics_are_refused_since_tasks_would_share_them() -> None:
    learner = TorchmetaMaml(TRACKING)
    with pytest.raises(UsageError, match="track_running_stats=False"):
        learner.meta_gradient(learner.init(0), TRACKING.train_batch(0, 0))

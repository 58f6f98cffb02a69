"""A trained optimizer is kept in a file, and does on a model what it does on a task."""

from __future__ import annotations

import re
from pathlib import Path

import numpy as np
import pytest
import torch
from torch import Tensor

from baselines.hrnn_optimizer import HrnnOptimizer
from harness.errors import UsageError
from methods.learned_optimizer import LearnedOptimizer, TrainedOptimizer, load_optimizer
from suites.hrnn import Fresh, Hrnn
from suites.optimizer_training import MetaBatch, Task
from tests.baselines import hrnn_vector as vector
from tests.baselines.hrnn_vector import Coupled, TestVector

GUIDE = (Path(__file__).parents[2] / "docs" / "learned_optimizer.md").read_text()


def example(name: str) -> str:
    found = re.search(rf"<!-- example: {re.escape(name)} -->\n```\w+\n(.*?)```", GUIDE, re.DOTALL)
    assert found, name
    return found[1]


@pytest.fixture
def trained() -> TrainedOptimizer:
    learner = HrnnOptimizer(TestVector(vector.PLACE))
    return TrainedOptimizer.of(learner, learner.init(0))


def model() -> list[Tensor]:
    a = torch.tensor([1, -0.5, 0.25], dtype=torch.float64, requires_grad=True)
    b = torch.tensor([[0.5, -1], [2, 0]], dtype=torch.float64, requires_grad=True)
    return [a, b]


def train(optimizer: torch.optim.Optimizer, tensors: list[Tensor], steps: int) -> None:
    for _ in range(steps):
        optimizer.zero_grad()
        Coupled().value(tensors, {}).backward()
        optimizer.step()


def flat(tensors: list[Tensor]) -> Tensor:
    return torch.cat([t.detach().flatten() for t in tensors])


def test_it_moves_a_model_s_parameters_as_the_published_code_moves_a_task(
    trained: TrainedOptimizer,
) -> None:
    tensors = model()
    optimizer = LearnedOptimizer(tensors, trained, lr=0.3)
    for end in vector.ENDS:
        train(optimizer, tensors, vector.STEPS)
        owed = torch.tensor(end, dtype=torch.float64)
        torch.testing.assert_close(flat(tensors), owed, rtol=0, atol=6e-10)


def test_a_run_that_is_resumed_goes_on_as_if_it_had_not_stopped(trained: TrainedOptimizer) -> None:
    tensors = model()
    first = LearnedOptimizer(tensors, trained, lr=0.3)
    train(first, tensors, 3)
    again = [t.detach().clone().requires_grad_() for t in tensors]
    second = LearnedOptimizer(again, trained)
    second.load_state_dict(first.state_dict())
    train(first, tensors, 3)
    train(second, again, 3)
    assert torch.equal(flat(tensors), flat(again))


def test_groups_begin_with_rates_of_their_own(trained: TrainedOptimizer) -> None:
    theta = flat(model())
    rates = torch.tensor([0.3] * 3 + [0.01] * 4, dtype=torch.float64).log().unsqueeze(1)
    workload = TestVector(vector.PLACE)
    learner = HrnnOptimizer(workload)
    batch = MetaBatch((Task(Coupled(), {}),), (Fresh(theta, rates),), 3)
    owed = learner.adapt(learner.init(0), batch).theta[0]
    tensors = model()
    groups = [{"params": [tensors[0]]}, {"params": [tensors[1]], "lr": 0.01}]
    train(LearnedOptimizer(groups, trained, lr=0.3), tensors, 3)
    torch.testing.assert_close(flat(tensors), owed)


def test_parameters_without_a_gradient_stay_and_a_closure_is_called(
    trained: TrainedOptimizer,
) -> None:
    tensors, idle = model(), torch.ones(2, dtype=torch.float64, requires_grad=True)
    optimizer = LearnedOptimizer([*tensors, idle], trained, lr=0.3)
    assert optimizer.step() is None

    def closure() -> float:
        optimizer.zero_grad()
        loss = Coupled().value(tensors, {})
        loss.backward()
        return float(loss.detach())

    assert optimizer.step(closure) == pytest.approx(vector.LOSSES[0][0])
    assert torch.equal(idle, torch.ones(2, dtype=torch.float64))
    assert not torch.equal(flat(tensors), flat(model()))


def test_what_is_saved_is_read_back_to_the_bit_and_holds_no_pickle(
    trained: TrainedOptimizer, tmp_path: Path
) -> None:
    path = tmp_path / "any name"
    trained.save(path)
    again = load_optimizer(path)
    assert again.hrnn == trained.hrnn
    assert again.params.keys() == trained.params.keys()
    assert all(torch.equal(again.params[name], p) for name, p in trained.params.items())
    with np.load(path, allow_pickle=False) as table:
        assert all(table[name].dtype != object for name in table.files)


def test_files_that_do_not_fit_are_refused(trained: TrainedOptimizer, tmp_path: Path) -> None:
    path = tmp_path / "optimizer.npz"
    with pytest.raises(UsageError, match="cannot be read: No such file"):
        load_optimizer(path)
    path.write_text("no archive")
    with pytest.raises(UsageError, match="not a learned optimizer's file"):
        load_optimizer(path)
    with path.open("wb") as file:
        np.savez(file, weights=np.ones(2))
    with pytest.raises(UsageError, match="not a learned optimizer's file: KeyError"):
        load_optimizer(path)
    short = trained.params | {"wu": torch.ones(3, 1)}
    TrainedOptimizer(trained.hrnn, short).save(path)
    with pytest.raises(UsageError, match="do not fit its settings: wu"):
        load_optimizer(path)


def test_settings_that_can_not_be_had_are_refused(trained: TrainedOptimizer) -> None:
    with pytest.raises(UsageError, match="lr = 0"):
        LearnedOptimizer(model(), trained, lr=0)
    with pytest.raises(UsageError, match="trained with attention = true"):
        LearnedOptimizer(model(), TrainedOptimizer(Hrnn(attention=True), trained.params))


def test_the_guide_trains_saves_and_uses_an_optimizer(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    steps = example("train.py")
    for long, short in (("range(500)", "range(2)"), ("meta_batch=32", "meta_batch=2, steps=3")):
        assert long in steps
        steps = steps.replace(long, short)
    exec(steps, {})
    assert "runs of tasks diverged" in capsys.readouterr().out
    used = example("use.py")
    assert len([line for line in used.splitlines() if line]) <= 10
    x = torch.randn(64, 8, generator=torch.Generator().manual_seed(0))
    names = {"batches": [(x, x[:, :1])] * 30}
    exec(used, names)
    first = torch.nn.functional.mse_loss(torch.zeros_like(x[:, :1]), x[:, :1])
    assert 0 < names["loss"].detach() < first  # type: ignore[attr-defined]


def test_a_parameter_that_joins_later_finds_the_task_s_state(trained: TrainedOptimizer) -> None:
    a, b = model()
    optimizer = LearnedOptimizer([a, b], trained, lr=0.3)
    for _ in range(2):  # a has no gradient yet
        b.grad = torch.ones_like(b)
        optimizer.step()
    of_task = optimizer.state[b]["of_task"].clone()
    a.grad = torch.ones_like(a)
    seen = optimizer._task(trained.params, [a, b])
    torch.testing.assert_close(seen, of_task)
    optimizer.step()
    assert torch.equal(optimizer.state[a]["of_task"], optimizer.state[b]["of_task"])
    assert not torch.equal(optimizer.state[a]["of_task"], of_task)


@pytest.mark.parametrize(
    ("about", "told"),
    [('{"format": "another 2"}', "of the format 'another 2'"), ("{}", "not a learned optimizer's")],
)
def test_a_file_without_settings_is_told_by_its_format_if_it_has_one(
    about: str, told: str, tmp_path: Path
) -> None:
    path = tmp_path / "other.npz"
    with path.open("wb") as file:
        np.savez(file, **{"about.json": np.frombuffer(about.encode(), dtype=np.uint8)})
    with pytest.raises(UsageError, match=told):
        load_optimizer(path)

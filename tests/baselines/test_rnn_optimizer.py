"""The plain RNN optimizer against an independent one in NumPy, differentiated by differences."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable

import numpy as np
import pytest
import torch
from numpy.typing import NDArray

from baselines.rnn import run_learned
from baselines.rnn_optimizer import RnnOptimizer
from harness.declare.tree import identical, leaves, relative_error
from harness.declare.workload import Place
from harness.errors import HarnessError
from harness.measure.check import check
from harness.registry import Registry
from suites.learned_optimization import Functions, LearnedOptimization, Position
from suites.quadratics import Quadratics
from suites.rnn_problems import RandomFunctions

Array = NDArray[np.float64]
Weights = dict[str, Array]
Inputs = Callable[[int, Array], Array]
"""The gradient that is fed to the LSTM at a step, given the true one."""

DOUBLE = Place(dtype="float64")
SEED = 3


def workload(**settings: object) -> RandomFunctions:
    return RandomFunctions(DOUBLE, **{"window": 4, "lstm_units": 3, "functions": 2} | settings)  # type: ignore[arg-type]


def sigmoid(x: Array) -> Array:
    return 1 / (1 + np.exp(-x))


def numpy_window(
    weights: Weights, made_for: LearnedOptimization, batch: Functions, index: int, fed: Inputs
) -> float:
    """Return the summed loss of one quadratic over a window, from the formulas of the paper."""
    theta = batch.start.theta[index].numpy()
    h = [layer[index].numpy() for layer in batch.start.hidden]
    c = [layer[index].numpy() for layer in batch.start.cell]
    total = 0.0
    for step in range(made_for.window + 1):
        w, y = (batch.data[name][index, step].numpy() for name in ("w", "y"))
        if step < made_for.window or made_for.loss_after_last:
            total += float(((w @ theta - y) ** 2).sum())
        gradient = fed(step, 2 * w.T @ (w @ theta - y))
        if made_for.preprocessing == "raw":
            flow = gradient[:, None]
        else:
            p, size = made_for.log_range, np.abs(gradient)
            large = size >= np.exp(-p)
            flow = np.stack(
                [
                    np.where(large, np.log(size) / p, -1.0),
                    np.where(large, np.sign(gradient), np.exp(p) * gradient),
                ],
                axis=1,
            )
        for k in range(made_for.lstm_layers):
            name = f"cells.{k}."
            gates = (
                flow @ weights[name + "weight_ih"].T
                + weights[name + "bias_ih"]
                + h[k] @ weights[name + "weight_hh"].T
                + weights[name + "bias_hh"]
            )
            into, keep, candidate, out = np.split(gates, 4, axis=1)
            c[k] = sigmoid(keep) * c[k] + sigmoid(into) * np.tanh(candidate)
            h[k] = flow = sigmoid(out) * np.tanh(c[k])
        moved = flow @ weights["head.weight"].T + weights["head.bias"]
        theta = theta + made_for.output_scale * moved[:, 0]
    return total


def mean_loss(
    weights: Weights, made_for: LearnedOptimization, batch: Functions, frozen: bool
) -> float:
    """Return the window's loss, its LSTM fed with true gradients or with those first recorded."""
    losses = []
    for index in range(len(batch)):
        record: list[Array] = []
        if frozen:
            original = as_numpy(made_for.initial(SEED))
            numpy_window(original, made_for, batch, index, lambda _, g, r=record: r.append(g) or g)  # type: ignore[misc, return-value]
        fed: Inputs = (lambda step, _, r=record: r[step]) if frozen else (lambda _, g: g)  # type: ignore[misc]
        losses.append(numpy_window(weights, made_for, batch, index, fed))
    return float(np.mean(losses))


def central_differences(
    made_for: LearnedOptimization, batch: Functions, frozen: bool
) -> dict[str, torch.Tensor]:
    weights = as_numpy(made_for.initial(SEED))
    step, found = 1e-5, {}
    for name, values in weights.items():
        slopes = np.empty(values.size)
        for position in range(values.size):
            ends = []
            for sign in (1, -1):
                moved = values.copy()
                moved.flat[position] += sign * step
                ends.append(mean_loss(weights | {name: moved}, made_for, batch, frozen))
            slopes[position] = (ends[0] - ends[1]) / (2 * step)
        found[name] = torch.from_numpy(slopes.reshape(values.shape))
    return found


def as_numpy(params: dict[str, torch.Tensor]) -> Weights:
    return {name: value.numpy() for name, value in params.items()}


@pytest.mark.parametrize(
    "settings",
    [
        {},
        {"preprocessing": "raw"},
        {"preprocessing": "raw", "loss_after_last": True, "lstm_layers": 1},
        {"log_range": 2.0, "output_scale": 0.1, "loss_after_last": True},
    ],
    ids=str,
)
def test_the_gradient_is_that_of_central_differences(settings: dict[str, object]) -> None:
    made_for = workload(**settings)
    learner, batch = RnnOptimizer(made_for), made_for.train_batch(SEED, 0)
    found = learner.meta_gradient(learner.init(SEED), batch)
    owed = central_differences(made_for, batch, frozen=True)
    assert relative_error(found.grads, owed) < 1e-7
    loss = mean_loss(as_numpy(made_for.initial(SEED)), made_for, batch, frozen=False)
    assert float(found.loss) == pytest.approx(loss, rel=1e-12)


def test_the_gradients_that_enter_the_lstm_are_detached() -> None:
    made_for = workload(preprocessing="raw", functions=1)
    learner, batch = RnnOptimizer(made_for), made_for.train_batch(SEED, 0)
    found = learner.meta_gradient(learner.init(SEED), batch)
    undetached = central_differences(made_for, batch, frozen=False)
    assert relative_error(found.grads, undetached) > 0.01


def test_a_batch_s_gradient_is_the_mean_over_its_functions() -> None:
    made_for = workload(kind="network", functions=3)
    learner, batch = RnnOptimizer(made_for), made_for.train_batch(SEED, 0)
    state = learner.init(SEED)
    alone = [
        learner.meta_gradient(
            state,
            Functions(
                batch.optimizee,
                Position.stack([batch.start.one(i)]),
                {name: values[i : i + 1] for name, values in batch.data.items()},
            ),
        )
        for i in range(3)
    ]
    found = learner.meta_gradient(state, batch)
    for name, gradient in found.grads.items():
        torch.testing.assert_close(gradient, torch.stack([a.grads[name] for a in alone]).mean(0))
    torch.testing.assert_close(found.loss, torch.stack([a.loss for a in alone]).mean())


def test_windows_go_on_where_the_last_one_ended() -> None:
    made_for = Quadratics(DOUBLE, functions=2, window=3, windows=4, outer_lr=0.0, dimensions=4)
    learner = RnnOptimizer(made_for)
    state = learner.init(SEED)
    untrained, losses = state, []
    for index in range(4):
        state, loss = learner.step(state, made_for.train_batch(SEED, index))
        losses.append(loss)
    in_one = dataclasses.replace(made_for, window=12, windows=1)
    run = learner.adapt(untrained, in_one.train_batch(SEED, 0))
    assert run.losses.shape == (2, 13)
    torch.testing.assert_close(torch.stack(losses).sum(), run.summed.mean())
    assert state.position is not None
    torch.testing.assert_close(state.position.theta, run.theta)


def test_the_final_loss_is_that_of_the_final_coordinates() -> None:
    made_for = Quadratics(DOUBLE, window=3, windows=2, dimensions=4)
    functions = made_for.eval_batch(SEED, "test", 0, 3)
    learner = RnnOptimizer(made_for)
    run = learner.adapt(learner.init(SEED), functions)
    for index in range(3):
        data = list(functions.of(index))[-1]
        torch.testing.assert_close(
            run.final[index], functions.optimizee.loss(run.theta[index], data)
        )
    torch.testing.assert_close(run.summed, run.losses.sum(1) - run.final)


def test_window_0_begins_anew() -> None:
    made_for = Quadratics(window=2, windows=2, outer_lr=0.0)
    learner = RnnOptimizer(made_for)
    fresh = learner.init(SEED)
    used, _ = learner.step(fresh, made_for.train_batch(SEED, 0))
    again, loss = learner.step(used, made_for.train_batch(SEED, 2))
    first, owed = learner.step(fresh, made_for.train_batch(SEED, 2))
    assert float(loss) == float(owed)
    assert identical(again.position, first.position)


def test_a_window_without_the_one_before_it_is_refused() -> None:
    made_for = Quadratics()
    learner = RnnOptimizer(made_for)
    state = learner.init(SEED)
    with pytest.raises(HarnessError, match="window 1 of 1 functions .* carries nothing"):
        learner.step(state, made_for.train_batch(SEED, 1))
    state, _ = learner.step(state, made_for.train_batch(SEED, 0))
    other = dataclasses.replace(made_for, functions=2)
    with pytest.raises(HarnessError, match="carries 1 functions. Step .* from its window 0"):
        learner.step(state, other.train_batch(SEED, 1))


def test_nothing_that_is_returned_holds_a_graph() -> None:
    made_for = workload()
    learner, batch = RnnOptimizer(made_for), made_for.train_batch(SEED, 0)
    state, loss = learner.step(learner.init(SEED), batch)
    gradient = learner.meta_gradient(state, made_for.train_batch(SEED, 5))
    run = learner.adapt(state, made_for.eval_batch(SEED, "test", 0, 2))
    assert not any(leaf.requires_grad for leaf in leaves([state, loss, gradient, run]))


def test_the_oracle_passes_its_own_check() -> None:
    registry = Registry()
    result = check(registry.find("rnn_optimizer", "baseline"), registry, examples=5)
    assert result.passed, result
    assert result.examples == 5


def test_a_short_training_lowers_the_loss_of_held_out_functions() -> None:
    made_for = Quadratics(window=5, windows=2, dimensions=3, outer_lr=0.01)
    learner = RnnOptimizer(made_for)
    held_out = made_for.eval_batch(SEED, "test", 0, 20)
    state = untrained = learner.init(SEED)
    for index in range(100):
        state, _ = learner.step(state, made_for.train_batch(SEED, index))
    before, after = (learner.evaluate(s, held_out).mean() for s in (untrained, state))
    assert after < 0.8 * before


def test_a_learned_optimizer_runs_on_networks_of_another_shape() -> None:
    learner = RnnOptimizer(workload(kind="network", size=2))
    other = workload(kind="network", size=4, activation="relu").eval_batch(SEED, "test", 0, 2)
    run = learner.adapt(learner.init(SEED), other)
    assert run.theta.shape == (2, other.optimizee.size)
    assert run.losses.isfinite().all()


@pytest.mark.parametrize("kind", ["quadratic", "network"])
def test_functions_run_together_as_they_run_alone(kind: str) -> None:
    made_for = workload(kind=kind, windows=3)
    learner, functions = RnnOptimizer(made_for), made_for.eval_batch(SEED, "test", 0, 3)
    state = learner.init(SEED)
    alone = learner.adapt(state, functions)
    together = run_learned(made_for, state.outer.params, functions)
    torch.testing.assert_close(together.losses, alone.losses)
    torch.testing.assert_close(together.theta, alone.theta)

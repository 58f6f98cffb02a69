"""The hand-made rivals: right, the same one by one as together, and really tuned."""

from __future__ import annotations

import math

import pytest
import torch

from baselines import hand_tuned
from baselines.rnn_optimizer_result import QUALITIES
from suites.learned_optimization import Functions, Run
from suites.quadratics import Quadratics
from suites.rnn_problems import RandomFunctions


def quadratics(count: int) -> Functions:
    return Quadratics(window=5, windows=2, dimensions=3).eval_batch(0, "valid", 0, count)


@pytest.mark.parametrize("rival", hand_tuned.RIVALS)
def test_functions_run_together_as_they_run_alone(rival: str) -> None:
    workload = RandomFunctions(window=5, windows=2, kind="network")
    together = hand_tuned.run(rival, 0.05, workload.eval_batch(0, "test", 0, 3))
    for index in range(3):
        alone = hand_tuned.run(rival, 0.05, workload.eval_batch(0, "test", index, 1))
        torch.testing.assert_close(together.losses[index], alone.losses[0])
        torch.testing.assert_close(together.theta[index], alone.theta[0])


def test_sgd_and_nesterov_take_the_steps_of_their_formulas() -> None:
    functions = quadratics(1)
    data = next(functions.of(0))
    w, y = data["w"], data["y"]
    for rival, momentum in (("sgd", 0.0), ("nesterov", 0.9)):
        theta, velocity, losses = torch.zeros(3), torch.zeros(3), []
        for _ in range(11):
            losses.append((w @ theta - y).square().sum())
            gradient = 2 * w.T @ (w @ theta - y)
            velocity = momentum * velocity + gradient
            moved = theta - 0.01 * (gradient + momentum * velocity)
            theta = moved if len(losses) < 11 else theta
        found = hand_tuned.run(rival, 0.01, functions)
        torch.testing.assert_close(found.losses[0], torch.stack(losses))
        torch.testing.assert_close(found.theta[0], theta)


@pytest.mark.parametrize("rival", ["rmsprop", "adam"])
def test_the_first_step_of_adaptive_rivals_has_their_length(rival: str) -> None:
    functions = Quadratics(window=2, windows=1).eval_batch(0, "valid", 0, 4)
    once = Functions(
        functions.optimizee,
        functions.start,
        {name: values[:, :2] for name, values in functions.data.items()},
    )
    moved = hand_tuned.run(rival, 0.01, once).theta.abs()
    owed = {"adam": 0.01, "rmsprop": 0.01 / math.sqrt(1 - 0.99)}[rival]
    torch.testing.assert_close(moved, torch.full_like(moved, owed), rtol=1e-3, atol=0)


@pytest.mark.parametrize("rival", hand_tuned.RIVALS)
def test_the_best_rate_of_the_search_is_found_for_each_quality(rival: str) -> None:
    functions = quadratics(20)
    found = hand_tuned.tune(rival, functions, QUALITIES)
    assert set(found) == set(QUALITIES)
    for name, tuned in found.items():
        best, *others = (
            float(QUALITIES[name](hand_tuned.run(rival, rate, functions)).mean())
            for rate in (tuned.rate, tuned.rate / 3, tuned.rate * 3)
        )
        assert best == min(tuned.reached)
        assert len(tuned.reached) == len(hand_tuned.RATES)
        assert min(others) > best


def test_a_rate_that_diverges_is_never_chosen() -> None:
    functions = Quadratics(dimensions=10).eval_batch(0, "valid", 0, 20)
    tuned = hand_tuned.tune("sgd", functions, QUALITIES)["final"]
    assert tuned.reached[-1] == math.inf
    assert math.isfinite(min(tuned.reached))
    assert not tuned.at_edge


def test_a_best_rate_at_the_edge_is_told() -> None:
    qualities = QUALITIES | {"nearness": lambda run: run.theta.abs().sum(1)}
    found = hand_tuned.tune("sgd", quadratics(5), qualities)
    assert found["nearness"].rate == hand_tuned.RATES[0]
    assert found["nearness"].at_edge
    assert not found["summed"].at_edge


def test_running_leaves_the_functions_alone() -> None:
    functions = quadratics(3)
    before = functions.start.theta.clone()
    run: Run = hand_tuned.run("adam", 0.1, functions)
    assert torch.equal(functions.start.theta, before)
    assert not functions.start.theta.requires_grad
    assert not run.losses.requires_grad

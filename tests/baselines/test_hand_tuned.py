"""The hand-made rivals: right, the same one by one as together, and really tuned."""

from __future__ import annotations

import math
from typing import Any

import pytest
import torch

from baselines import hand_tuned
from baselines.hand_tuned import OPTIMIZERS, HandTuned
from harness.errors import MeasurementError
from suites.learned_optimization import Functions, Run
from suites.quadratics import Quadratics
from suites.rnn_problems import RandomFunctions

WORKLOAD = Quadratics(window=5, windows=2, dimensions=3)


def quadratics(count: int) -> Functions:
    return WORKLOAD.eval_batch(0, "valid", 0, count)


def run(rival: Any, rate: float, functions: Functions) -> Run:
    return HandTuned(WORKLOAD, rival).run(rate, functions)


@pytest.mark.parametrize("rival", OPTIMIZERS)
def test_functions_run_together_as_they_run_alone(rival: str) -> None:
    workload = RandomFunctions(window=5, windows=2, kind="network")
    together = run(rival, 0.05, workload.eval_batch(0, "test", 0, 3))
    for index in range(3):
        alone = run(rival, 0.05, workload.eval_batch(0, "test", index, 1))
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
        found = run(rival, 0.01, functions)
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
    moved = run(rival, 0.01, once).theta.abs()
    owed = {"adam": 0.01, "rmsprop": 0.01 / math.sqrt(1 - 0.99)}[rival]
    torch.testing.assert_close(moved, torch.full_like(moved, owed), rtol=1e-3, atol=0)


@pytest.mark.parametrize("rival", OPTIMIZERS)
def test_the_rate_is_the_best_of_the_search_on_validation_functions(rival: Any) -> None:
    learner = HandTuned(WORKLOAD, rival, tuned_on=20)
    rate, functions = learner.init(0).rate, quadratics(20)
    best, *others = (
        float(learner.run(each, functions).summed.mean()) for each in (rate, rate / 3, rate * 3)
    )
    assert rate in hand_tuned.RATES
    assert min(others) > best


def test_a_rate_that_diverges_is_never_chosen(monkeypatch: pytest.MonkeyPatch) -> None:
    learner = HandTuned(Quadratics(dimensions=10), "sgd", tuned_on=20)
    functions = learner.workload.eval_batch(0, "valid", 0, 20)
    assert not math.isfinite(float(learner.run(1.0, functions).summed.mean()))
    assert learner.tuned(functions) < 0.1
    monkeypatch.setattr(hand_tuned, "RATES", (1.0,))
    with pytest.raises(MeasurementError, match="sgd diverges at every rate"):
        learner.tuned(functions)


def test_a_step_changes_nothing() -> None:
    learner = HandTuned(WORKLOAD, tuned_on=5)
    state = learner.init(0)
    after, loss = learner.step(state, WORKLOAD.train_batch(0, 0))
    assert after is state
    assert float(loss) > 0


def test_running_leaves_the_functions_alone() -> None:
    functions = quadratics(3)
    before = functions.start.theta.clone()
    seen = run("adam", 0.1, functions)
    assert torch.equal(functions.start.theta, before)
    assert not functions.start.theta.requires_grad
    assert not seen.losses.requires_grad

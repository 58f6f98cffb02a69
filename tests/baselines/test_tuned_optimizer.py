"""The hand-made rivals on the tasks of the hierarchical optimizer, with their rates tuned."""

from __future__ import annotations

import math

import pytest
import torch

from baselines.tuned_optimizer import RATES, UNTUNED, TunedOptimizer, by_formula
from harness.declare.workload import Place
from suites.optimizee_lists import Optimizees
from suites.optimizer_training import MOST_LEFT

DOUBLE = Place(dtype="float64")
SMALL = {"meta_batch": 2, "steps": 2, "held_out_steps": 4, "largest": 30}


def learner(**settings) -> TunedOptimizer:
    return TunedOptimizer(Optimizees(DOUBLE, **SMALL), **settings)


@pytest.mark.parametrize("optimizer", ["adam", "rmsprop"])
def test_torch_s_optimizer_is_the_formula_s(optimizer):
    own = learner(optimizer=optimizer)
    state = own.init(3)
    batch = own.workload.train_batch(3, 0)
    for _ in range(3):
        assert float(own.meta_gradient(state, batch).loss) == pytest.approx(
            float(by_formula(own, state, batch).loss), rel=1e-9
        )
        state, _ = own.step(state, batch)


def test_each_step_tries_the_next_rate_and_the_best_is_used():
    own = learner()
    state = own.init(0)
    assert state.rate == UNTUNED
    batch = own.workload.train_batch(0, 0)
    losses = []
    for _ in range(len(RATES) + 2):
        state, loss = own.step(state, batch)
        losses.append(float(loss))
    best = min(state.reached)
    assert state.reached == tuple(losses[: len(RATES)])
    assert state.rate == RATES[state.reached.index(best)]
    assert losses[-1] == pytest.approx(best)  # and nothing more is tried
    held_out = own.workload.eval_batch(0, "test", 0, 3)
    torch.testing.assert_close(own.evaluate(state, held_out), own.run(state.rate, held_out).gained)


def test_a_task_that_diverges_counts_as_the_most_that_can_be_left(monkeypatch):
    own = learner()
    plain = type(own).run

    def diverging(self, rate, batch):
        found = plain(self, rate, batch)
        found.losses[0, -1] = math.nan
        return found

    monkeypatch.setattr(type(own), "run", diverging)
    state, loss = own.step(own.init(0), own.workload.train_batch(0, 0))
    gained = plain(own, RATES[0], own.tuning_tasks(own.init(0))).gained
    gained[0] = MOST_LEFT
    assert state.reached == (float(loss),) == (pytest.approx(float(gained.mean())),)


def test_tuning_tasks_are_no_one_else_s():
    own = learner()
    tuning = own.tuning_tasks(own.init(0)).starts
    for split in ("valid", "test"):
        others = own.workload.eval_batch(0, split, 0, 4).starts
        pairs = zip(tuning, others, strict=True)
        assert not all(
            torch.equal(a.theta, b.theta) for a, b in pairs if len(a.theta) == len(b.theta)
        )


def test_tasks_in_one_vector_run_as_each_would_alone():
    own = learner()
    batch = own.workload.eval_batch(0, "valid", 0, 3)
    together = own.run(0.01, batch)
    for number in range(3):
        one = own.workload.eval_batch(0, "valid", number, 1)
        torch.testing.assert_close(own.run(0.01, one).losses[0], together.losses[number])


def test_a_tuning_without_tasks_is_refused():
    with pytest.raises(ValueError, match="tuning_batches = 0"):
        learner(tuning_batches=0)

"""The coordinatewise LSTM's rungs against the plain optimizer, in windows and over ranks."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from baselines.rnn_optimizer import RnnOptimizer
from harness.declare.problem import Problem
from harness.declare.tree import relative_error
from harness.declare.workload import Place
from methods.rnn_rows import RnnRows
from suites.learned_optimization import LearnedOptimization
from suites.quadratics import Quadratics
from suites.rnn_problems import RandomFunctions
from tests.methods import rnn_in_team
from tests.team.teams import Teams

DOUBLE = Place(dtype="float64")
SEED = 5
RUNGS: dict[str, dict[str, Any]] = {
    "rows": {"objectives": "function"},
    "objectives": {"optimizer": "function"},
    "both": {},
}


def workload(**settings: Any) -> Quadratics:
    given = {"functions": 3, "window": 4, "windows": 2, "dimensions": 3, "start_std": 0.1}
    return Quadratics(DOUBLE, **given | settings)


@pytest.mark.parametrize("rung", RUNGS)
@pytest.mark.parametrize("after_last", [False, True])
def test_training_is_the_plain_optimizer_s(rung: str, after_last: bool) -> None:
    made_for = workload(loss_after_last=after_last)
    learner, oracle = RnnRows(made_for, **RUNGS[rung]), RnnOptimizer(made_for)
    state, owed = learner.init(SEED), oracle.init(SEED)
    for index in range(5):
        batch = made_for.train_batch(SEED, index)
        state, loss = learner.step(state, batch)
        owed, of_oracle = oracle.step(owed, batch)
        assert float(loss) == pytest.approx(float(of_oracle), rel=1e-10)
    assert relative_error(state.outer.params, owed.outer.params) < 1e-9
    assert state.position is not None
    assert owed.position is not None
    np.testing.assert_allclose(state.position.theta, owed.position.theta, rtol=1e-9)


@pytest.mark.parametrize("size", [2, 4])  # of four ranks one has no function
@pytest.mark.parametrize(
    "made_for",
    [workload(), RandomFunctions(DOUBLE, kind="network", functions=3, window=4, lstm_units=3)],
    ids=["quadratics", "networks"],
)
def test_ranks_are_as_one_and_hold_the_same_to_the_bit(
    made_for: LearnedOptimization, size: int, teams: Teams
) -> None:
    problem = Problem(made_for, SEED)
    ranks = teams.run(size, rnn_in_team.worked, problem, "rnn_rows", 3)
    [alone] = teams.run(1, rnn_in_team.worked, problem, "rnn_optimizer", 3)
    assert len({rank.state for rank in ranks}) == 1
    for rank in ranks:
        assert rank.losses == pytest.approx(alone.losses, rel=1e-10)
        np.testing.assert_allclose(rank.gradient, alone.gradient, rtol=1e-9, atol=1e-13)
        assert rank.sent_in_a_gradient.calls == 1

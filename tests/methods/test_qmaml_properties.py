"""Over real processes, whatever is drawn: a team is the one process that it replaces."""

from __future__ import annotations

import importlib.util
from collections.abc import Sequence

import pytest
import torch
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from baselines.flat import flat
from baselines.reference_maml import ReferenceMaml
from harness.declare.problem import Problem
from suites.maml_problems import MamlProblems
from tests.methods import qmaml_in_team
from tests.methods.qmaml_in_team import Worked
from tests.team.teams import Teams

SEEN = settings(
    max_examples=60,
    deadline=None,
    derandomize=True,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
STEPS = 3
INNERS = [
    "reference_maml",
    "batched_maml",
    *(["learn2learn_maml"] if importlib.util.find_spec("learn2learn") else []),
]


@st.composite
def problems(draw: st.DrawFn) -> Problem:
    """Draw a problem of the family with up to nine tasks, so that few teams divide them."""
    tasks = draw(st.integers(1, 9), label="meta_batch")
    return draw(MamlProblems.strategy()).with_settings(meta_batch=tasks)


teams_of = st.integers(1, 4)
inners = st.sampled_from(INNERS)


@SEEN
@given(problem=problems(), size=teams_of, inner=inners)
def test_a_team_is_the_one_process_that_it_replaces(
    teams: Teams, problem: Problem, size: int, inner: str
):
    require_one_process(teams.run(size, qmaml_in_team.worked, problem, inner, STEPS), problem)


@settings(SEEN, max_examples=10)
@given(problem=problems(), size=st.integers(2, 4), inner=inners)
def test_ranks_that_train_alone_would_be_found_out(
    teams: Teams, problem: Problem, size: int, inner: str
):
    alone = teams.run(size, qmaml_in_team.worked, problem, inner, STEPS, True)
    with pytest.raises(AssertionError, match="do not hold the same bits"):
        require_one_process(alone, problem)


@settings(SEEN, max_examples=15)
@given(problem=problems(), size=teams_of, inner=inners, tasks=st.integers(1, 6))
def test_all_ranks_know_the_quality_on_every_task(
    teams: Teams, problem: Problem, size: int, inner: str, tasks: int
):
    plain, batch = (
        ReferenceMaml(problem.workload),
        problem.workload.eval_batch(problem.seed, "valid", 0, tasks),
    )
    owed = plain.evaluate(plain.init(problem.seed), batch).tolist()
    for found in teams.run(size, qmaml_in_team.judged, problem, inner, tasks):
        assert found == pytest.approx(owed, abs=1e-9)


@settings(SEEN, max_examples=5)
@given(problem=problems(), size=teams_of)
def test_every_rank_starts_from_the_first_one_s_weights(teams: Teams, problem: Problem, size: int):
    owed = flat(problem.workload.initial(problem.seed)).tolist()
    assert teams.run(size, qmaml_in_team.first_weights, problem) == [owed] * size


def require_one_process(ranks: Sequence[Worked], problem: Problem) -> None:
    """Hold every rank to the gradient and the training of plain MAML in one process."""
    workload, seed = problem.workload, problem.seed
    plain = ReferenceMaml(workload)
    state = start = plain.init(seed)
    owed = plain.meta_gradient(state, workload.train_batch(seed, 0))
    losses = []
    for index in range(STEPS):
        state, loss = plain.step(state, workload.train_batch(seed, index))
        losses.append(float(loss))
    began, ended = flat(start.params), flat(state.params)

    assert len({rank.state for rank in ranks}) == 1, "the ranks do not hold the same bits"
    for rank in ranks:
        near([rank.loss], owed.loss.reshape(1), 1e-9 * problem.inner_steps)
        near(rank.gradient, flat(owed.grads), 1e-9 * problem.inner_steps)
        assert rank.losses == pytest.approx(losses, rel=1e-6)
        moved = [now - before for now, before in zip(rank.params, began.tolist(), strict=True)]
        near(moved, ended - began, 1e-5)
        bytes_ = 8 * (1 + len(began))
        assert rank.sent[:2] == (1, bytes_)
        assert rank.sent_in_steps[:2] == (1 + STEPS, bytes_ * (1 + STEPS))


def near(found: list[float], owed: torch.Tensor, tolerance: float) -> None:
    """Require the largest error to be within the tolerance of the largest entry."""
    error = float((torch.tensor(found, dtype=owed.dtype) - owed).abs().max())
    assert error <= tolerance * float(owed.abs().max()), error

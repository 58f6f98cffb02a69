"""Over real processes: a team that shares gradients is the one process that it replaces."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import pytest
import torch
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from baselines.flat import flat
from harness.declare.problem import Problem
from harness.declare.workload import Place
from methods.gradient_sharing import GradientSharing
from suites.maml_problems import MamlProblems, RandomTasks
from tests.methods import sharing_in_team
from tests.methods.sharing_cases import SETTINGS
from tests.methods.sharing_in_team import Worked
from tests.team.teams import Teams

SEEN = settings(
    max_examples=25,
    deadline=None,
    derandomize=True,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
STEPS = 2
COUPLED = Problem(
    RandomTasks(Place(dtype="float64"), meta_batch=5, inner_steps=2, inner_lr=0.4, width=8), seed=3
)


@SEEN
@given(problem=MamlProblems.strategy(), options=SETTINGS, size=st.integers(1, 4))
def test_a_team_is_the_one_process_that_it_replaces(
    teams: Teams, problem: Problem, options: dict[str, Any], size: int
):
    """With as many tasks as ranks, or more, or fewer."""
    require_one_process(
        teams.run(size, sharing_in_team.worked, problem, options, STEPS), problem, options
    )


@pytest.mark.parametrize(
    ("flaw", "message"), [("no sum", "same bits"), ("sum as given", "gradient")]
)
@pytest.mark.parametrize("size", [2, 3])
def test_ranks_that_share_less_would_be_found_out(teams: Teams, flaw: str, message: str, size: int):
    ranks = teams.run(size, sharing_in_team.worked, COUPLED, {}, 1, flaw)
    with pytest.raises(AssertionError, match=message):
        require_one_process(ranks, COUPLED, {}, steps=1)


def test_every_rank_starts_from_the_first_one_s_state(teams: Teams):
    owed = flat(GradientSharing(COUPLED.workload).init(COUPLED.seed).params).tolist()
    assert teams.run(3, sharing_in_team.first_state, COUPLED) == [owed] * 3


def require_one_process(
    ranks: Sequence[Worked], problem: Problem, options: dict[str, Any], steps: int = STEPS
) -> None:
    """Hold every rank to the training, the gradient and the judgement of one process."""
    workload, seed = problem.workload, problem.seed
    alone = GradientSharing(workload, **options)
    state, losses = alone.init(seed), []
    for index in range(steps):
        state, loss = alone.step(state, workload.train_batch(seed, index))
        losses.append(float(loss))
    owed = alone.meta_gradient(state, workload.train_batch(seed, steps)).grads
    quality = alone.evaluate(state, workload.eval_batch(seed, "valid", 0, len(ranks) + 1))

    assert len({rank.state for rank in ranks}) == 1, "the ranks do not hold the same bits"
    for rank in ranks:
        near(rank.gradient, flat(owed), "gradient")
        near(rank.memory, state.memory.flatten(), "memory")
        assert rank.losses == pytest.approx(losses, rel=1e-6)
        assert rank.quality == pytest.approx(quality.tolist(), abs=1e-9)
        if len(ranks) > 1:
            assert rank.sent[:2] == traffic(alone, sum(p.numel() for p in owed.values()))


def near(found: list[float], owed: torch.Tensor, what: str) -> None:
    """Allow what Adam makes of rounding in the steps before."""
    error = float((torch.tensor(found, dtype=owed.dtype) - owed).abs().max())
    assert error <= 1e-5 * float(owed.abs().max()), f"the {what} is off by {error}"


def traffic(learner: GradientSharing, gradient: int) -> tuple[int, int]:
    """Return how many all-reduces a meta-gradient is allowed, and their bytes."""
    workload = learner.workload
    entries = sum(p.numel() for p in workload.initial(0).values())
    others = workload.meta_batch > 1 or learner.mean == "batch"
    there_and_back = (
        others and learner.sources != "memory" and not (learner.detached or workload.first_order)
    )
    a_step = 2 if there_and_back else 1
    return workload.inner_steps * a_step + 1, 8 * (
        workload.inner_steps * a_step * entries + gradient + 1
    )

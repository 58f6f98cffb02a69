"""The rungs against the plain hierarchical RNN optimizer, where the check does not look."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
import pytest
import torch
from torch import Tensor

from baselines.hrnn import HrnnLearner
from baselines.hrnn_optimizer import HrnnOptimizer
from harness.declare.problem import Problem
from harness.declare.tree import leaves, relative_error
from harness.declare.workload import Place
from harness.errors import HarnessError, MeasurementError
from methods import hrnn_ladder
from methods.hrnn_ladder import (
    HrnnBatched,
    HrnnCompiled,
    HrnnProduct,
    HrnnReuse,
    HrnnRows,
    HrnnWorkers,
)
from suites.hrnn import Fresh, Start
from suites.hrnn_problems import RandomOptimizees
from suites.objectives import Data, Objective, Shape, Tensors
from suites.optimizee_entries import Entry
from suites.optimizee_lists import Optimizees
from tests.baselines import hrnn_vector as vector
from tests.baselines.hrnn_vector import TestVector
from tests.methods import rnn_in_team
from tests.team.teams import Teams

DOUBLE = Place(dtype="float64")
SEED = 4
RUNGS = [HrnnReuse, HrnnRows, HrnnBatched, HrnnWorkers, HrnnProduct]


@pytest.mark.parametrize("rung", RUNGS)
@pytest.mark.parametrize("attention", [False, True])
def test_the_test_vector_is_every_rung_s(rung: type[HrnnLearner], attention: bool) -> None:
    workload = TestVector(vector.PLACE, meta_batch=3, attention=attention)
    learner = rung(workload)
    state = learner.init(0)
    loss, grads = learner.meta_gradient(state, workload.train_batch(0, 0))
    norm = float(torch.cat([g.flatten() for g in grads.values()]).norm())
    if attention:
        assert float(loss) == pytest.approx(vector.ATTENTION_OBJECTIVE, abs=6e-8)
        assert norm == pytest.approx(vector.ATTENTION_NORM, abs=6e-6)
    else:
        assert float(loss) == pytest.approx(vector.OBJECTIVES[0], abs=6e-11)
        assert norm == pytest.approx(vector.TOTAL_NORMS[0], abs=6e-10)


@pytest.mark.parametrize("rung", RUNGS)
def test_training_on_the_published_list_is_the_baseline_s(rung: type[HrnnLearner]) -> None:
    workload = Optimizees(
        DOUBLE, meta_batch=5, largest=60, steps=3, unrolls=2, runs=2, state="carry", meta_lr=1e-3
    )
    learner, oracle = rung(workload), HrnnOptimizer(workload)
    state, owed = learner.init(SEED), oracle.init(SEED)
    for index in range(4):  # two unrolls of either run
        batch = workload.train_batch(SEED, index)
        state, loss = learner.step(state, batch)
        owed, of_oracle = oracle.step(owed, batch)
        assert float(loss) == pytest.approx(float(of_oracle), rel=1e-9)
    assert relative_error(state.outer.params, owed.outer.params) < 1e-9
    for ours, theirs in zip(leaves(state.ended), leaves(owed.ended), strict=True):
        torch.testing.assert_close(ours, theirs, rtol=1e-8, atol=1e-8)
    assert state.redone == owed.redone == 0


@dataclass(frozen=True)
class Cliff(Objective):
    """x^2 until x falls below a limit that its data give, where it has no value."""

    @property
    def shapes(self) -> tuple[Shape, ...]:
        return ((1,),)

    def value(self, tensors: Tensors, data: Data) -> Tensor:
        x = tensors[0][..., 0]
        return torch.where(x > data["limit"], x * x, torch.nan)


@dataclass(frozen=True)
class Cliffs(RandomOptimizees):
    """Tasks of which every other one diverges in the first unroll."""

    meta_batch: int = 4
    steps: int = 4
    unrolls: int = 3
    steep: float = 1.0

    def entries(self) -> Sequence[Entry]:
        return (Entry("cliff", Cliff()),)

    def train_batch(self, seed: int, index: int):
        batch = super().train_batch(seed, index)
        limits = [0.999 if number % 2 else -np.inf for number in range(len(batch))]
        tasks = tuple(
            replace(task, data={"limit": torch.tensor(limit, dtype=torch.float64)})
            for task, limit in zip(batch.tasks, limits, strict=True)
        )
        one = torch.ones(1, dtype=torch.float64)
        start: Start = Fresh(one, -4 * one.unsqueeze(1))
        return replace(batch, tasks=tasks, starts=(start,) * len(batch))


@pytest.mark.parametrize("rung", [HrnnOptimizer, *RUNGS])
def test_who_diverges_sits_out_the_rest_of_his_run_and_is_counted(rung: type[HrnnLearner]) -> None:
    workload = Cliffs(DOUBLE)
    learner, oracle = rung(workload), HrnnOptimizer(workload)
    state, owed = learner.init(SEED), oracle.init(SEED)
    for index in range(4):
        batch = workload.train_batch(SEED, index)
        state, loss = learner.step(state, batch)
        owed, of_oracle = oracle.step(owed, batch)
        assert float(loss) == pytest.approx(float(of_oracle), rel=1e-9)
        assert [s is None for s in state.ended] == [False, True, False, True]
    assert state.dropped == 4  # two in the first run's first unroll, two in the second's
    assert relative_error(state.outer.params, owed.outer.params) < 1e-9
    if rung is not HrnnOptimizer:
        redone = 4 if rung in (HrnnWorkers, HrnnReuse) else 8
        assert state.redone == redone


def test_who_diverges_may_end_training() -> None:
    workload = Cliffs(DOUBLE, diverged="raise")
    learner = HrnnOptimizer(workload)
    with pytest.raises(MeasurementError, match="2 of 4 tasks diverged in unroll 0"):
        learner.step(learner.init(SEED), workload.train_batch(SEED, 0))


@dataclass(frozen=True)
class Exploding(Objective):
    """A function of fast waves, so that its meta-gradient is far beyond the clip."""

    @property
    def shapes(self) -> tuple[Shape, ...]:
        return ((2,),)

    def value(self, tensors: Tensors, data: Data) -> Tensor:
        return torch.exp(torch.sin(1e8 * tensors[0].sum(-1)))


@pytest.mark.parametrize("rung", RUNGS)
def test_gradients_beyond_the_clip_are_clipped_task_by_task(rung: type[HrnnLearner]) -> None:
    workload = Optimizees(DOUBLE, meta_batch=3, largest=4, steps=3)
    batch = workload.train_batch(SEED, 0)
    theta = torch.tensor([1e-3, 1e-3], dtype=torch.float64)
    start: Start = Fresh(theta, torch.zeros(2, 1, dtype=torch.float64))
    task = replace(
        batch.tasks[0],
        objective=Exploding(),
        data={},
        noise=None,
        mask=None,
        rows=None,
    )
    batch = replace(batch, tasks=(task, *batch.tasks[1:]), starts=(start, *batch.starts[1:]))
    learner, oracle = rung(workload), HrnnOptimizer(workload)
    state = oracle.init(SEED)
    owed = oracle.meta_gradient(state, batch).grads
    # The clipped task's entries are 1e4, the others' are small, and the mean is over three.
    assert max(float(g.abs().max()) for g in owed.values()) == pytest.approx(1e4 / 3, rel=0.01)
    assert relative_error(learner.meta_gradient(state, batch).grads, owed) < 1e-9


@pytest.mark.parametrize("name", ["hrnn_workers", "hrnn_product"])
@pytest.mark.parametrize("size", [2, 3])
def test_ranks_are_as_one_and_hold_the_same_to_the_bit(name: str, size: int, teams: Teams) -> None:
    workload = RandomOptimizees(DOUBLE, meta_batch=4, steps=3, unrolls=2, meta_lr=1e-3)
    problem = Problem(workload, SEED)
    ranks = teams.run(size, rnn_in_team.worked, problem, name, 3)
    [alone] = teams.run(1, rnn_in_team.worked, problem, "hrnn_optimizer", 3)
    assert len({rank.state for rank in ranks}) == 1
    for rank in ranks:
        assert rank.losses == pytest.approx(alone.losses, rel=1e-9)
        np.testing.assert_allclose(rank.gradient, alone.gradient, rtol=1e-7, atol=1e-12)
        assert rank.sent_in_a_gradient.calls == 1  # type: ignore[attr-defined]


def test_a_later_unroll_without_the_one_before_it_is_refused() -> None:
    workload = RandomOptimizees(DOUBLE, meta_batch=2, steps=2, unrolls=2)
    learner = HrnnRows(workload)
    with pytest.raises(HarnessError, match="unroll 1 of 2 tasks goes on from the unroll before"):
        learner.step(learner.init(SEED), workload.train_batch(SEED, 1))


@pytest.mark.slow
def test_a_compilation_serves_other_shapes_and_its_seconds_are_kept() -> None:
    learner: HrnnCompiled | None = None
    for seed in (3, 4, 5):  # batches of other sizes, each of dozens of rows
        workload = Optimizees(DOUBLE, meta_batch=4, largest=60, steps=3)
        learner = learner or HrnnCompiled(workload)
        oracle, batch = HrnnOptimizer(workload), workload.train_batch(seed, 0)
        state = oracle.init(0)
        found, owed = learner.meta_gradient(state, batch), oracle.meta_gradient(state, batch)
        assert relative_error(found.grads, owed.grads) < 1e-10
    assert learner is not None
    seconds = learner.compiled_step.seconds
    assert len(seconds) <= 2  # fewer than batches, of any size
    assert all(each > 0 for each in seconds)


@pytest.mark.slow
@pytest.mark.parametrize("rung", RUNGS)
def test_unrolls_as_long_as_those_that_are_timed_are_the_baseline_s(
    rung: type[HrnnLearner],
) -> None:
    workload = Optimizees(DOUBLE, meta_batch=4, largest=20, steps=50)
    oracle, batch = HrnnOptimizer(workload), workload.train_batch(SEED, 0)
    state = oracle.init(SEED)
    found, owed = rung(workload).meta_gradient(state, batch), oracle.meta_gradient(state, batch)
    assert relative_error(found.grads, owed.grads) < 1e-8


def test_few_layouts_are_kept_whatever_is_drawn(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(hrnn_ladder, "MOST_KEPT", 2)
    workload = Optimizees(DOUBLE, meta_batch=2, largest=20, steps=2)
    learner = HrnnProduct(workload)
    state = learner.init(SEED)
    met = set()
    for seed in range(8):
        batch = workload.train_batch(seed, 0)
        learner.meta_gradient(state, batch)
        met.add(tuple(sorted(batch.layouts)))
        assert len(learner._kept) == min(len(met), 2)
    assert len(met) > 2


def test_rows_alone_can_be_compiled() -> None:
    with pytest.raises(ValueError, match="set optimizer = 'rows'"):
        HrnnBatched(Optimizees(), compiled=True)

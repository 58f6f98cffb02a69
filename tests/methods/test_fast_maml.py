"""Fast MAML is MAML: whatever is stacked, stored or recomputed, and however a call is planned."""

from __future__ import annotations

import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor

from baselines.reference_maml import ReferenceMaml
from harness.declare.problem import Problem
from harness.declare.tree import relative_error
from harness.declare.workload import Place
from harness.errors import UsageError
from harness.measure.memory import peak_of
from harness.measure.operations import operations_of
from methods.call_plan import CallPlan, TaskBytes, candidates, fastest
from methods.fast_maml import FastMaml
from methods.norm_relu import norm_relu
from methods.patches import patches
from methods.stacked_networks import OneByOne, Stacked
from methods.task_threads import shared
from suites.conv4_pooled import Conv4Pooled
from suites.fewshot import FewShot
from suites.glyph_tasks import Glyphs5Way1Shot, Glyphs5Way5Shot
from suites.maml_problems import MamlProblems, RandomTasks
from suites.models import MLP, Conv4
from suites.sinusoid import Sinusoid

SEEN = settings(max_examples=200, deadline=None, derandomize=True)
PLANS = st.tuples(st.integers(1, 5), st.booleans(), st.integers(1, 3))


@SEEN
@given(MamlProblems.strategy(), PLANS)
def test_gradient_adaptation_and_quality_are_the_oracles(
    problem: Problem, plan: tuple[int, bool, int]
):
    workload, batch = problem.workload, problem.workload.train_batch(problem.seed, 0)
    plain = ReferenceMaml(workload)
    threads = plan[2] if Stacked.knows(workload.skeleton) else 1
    fast = FastMaml(workload, tasks=plan[0], recompute=plan[1], threads=threads)
    state = plain.init(problem.seed)
    owed, found = plain.meta_gradient(state, batch), fast.meta_gradient(state, batch)
    assert relative_error(found.grads, owed.grads) < 1e-9 * problem.inner_steps
    torch.testing.assert_close(found.loss, owed.loss)
    for one, other in zip(plain.adapt(state, batch), fast.adapt(state, batch), strict=True):
        assert relative_error(other, one) < 1e-9 * problem.inner_steps
    assert torch.equal(plain.evaluate(state, batch), fast.evaluate(state, batch))


NETWORKS = {
    "conv4": (Conv4(3, 4), (1, 9, 9)),
    "conv4 without norm": (Conv4(3, 4, 2, norm=False), (1, 8, 8)),
    "conv4 pooled": (Conv4Pooled(3, 4, 2, 19), (2, 19, 19)),
    "mlp": (MLP(5, (4, 3), 2), (5,)),
}


@pytest.mark.parametrize("name", NETWORKS)
def test_a_stacked_network_and_its_two_derivatives_are_the_networks(name: str):
    network, shape = NETWORKS[name]
    generator = torch.Generator().manual_seed(3)

    def drawn(*size: int) -> Tensor:
        return torch.randn(size, generator=generator, dtype=torch.float64)

    workload = RandomTasks(Place(dtype="float64"))
    workload.__dict__["skeleton"] = network.double()
    size = sum(p.numel() for p in network.parameters())
    rows, x, direction = 0.4 * drawn(2, size), drawn(2, 5, *shape), drawn(2, size)
    assert Stacked.knows(network)
    owed, found = (
        _with_derivatives(kind(workload), rows, x, direction) for kind in (OneByOne, Stacked)
    )
    for one, other in zip(owed, found, strict=True):
        assert relative_error({"": other}, {"": one}) < 1e-12


def _with_derivatives(
    network: Stacked | OneByOne, rows: Tensor, x: Tensor, direction: Tensor
) -> tuple[Tensor, ...]:
    here = rows.clone().requires_grad_()
    outputs = network.outputs(network.packed(here), x)
    weights = torch.linspace(-1, 1, outputs.numel(), dtype=outputs.dtype).view_as(outputs)
    loss = (outputs * weights).square().sum()
    (slopes,) = torch.autograd.grad(loss, here, create_graph=True)
    (bent,) = torch.autograd.grad(slopes, here, direction)
    return outputs.detach(), slopes.detach(), bent


def test_the_written_derivatives_are_those_of_finite_differences():
    generator = torch.Generator().manual_seed(1)

    def drawn(*size: int) -> Tensor:
        made = torch.randn(size, generator=generator, dtype=torch.float64)
        return made.requires_grad_()

    assert torch.autograd.gradcheck(norm_relu, (drawn(2, 6, 3), drawn(2, 3), drawn(2, 3)))
    assert torch.autograd.gradgradcheck(norm_relu, (drawn(2, 6, 3), drawn(2, 3), drawn(2, 3)))
    for stride in (1, 2):
        images = drawn(2, 5, 4, 3)
        assert torch.autograd.gradcheck(lambda x, s=stride: patches(x, s), images)
        assert torch.autograd.gradgradcheck(lambda x, s=stride: patches(x, s), images)


def test_a_network_that_is_not_known_runs_task_after_task_in_threads_too():
    class Own(MLP):
        """Whatever is derived from a known network may compute something else."""

    assert not Stacked.knows(Own(3, (2,), 2))
    workload = RandomTasks(Place(dtype="float64"), meta_batch=6)
    workload.__dict__["skeleton"] = Own(workload.side**2, (4, 4), workload.ways)
    plain, batch = ReferenceMaml(workload), workload.train_batch(0, 0)
    state = plain.init(0)
    owed = plain.meta_gradient(state, batch)
    for threads in (1, 2):
        fast = FastMaml(workload, tasks=1, threads=threads)
        assert fast.fast_paths()["network"] == "one-by-one"
        found = fast.meta_gradient(state, batch)
        assert relative_error(found.grads, owed.grads) < 1e-9
    assert FastMaml(RandomTasks()).fast_paths()["network"] == "stacked"


def test_the_bytes_of_a_plan_are_those_of_its_graphs_and_of_its_rows():
    each = TaskBytes(bent=10, plain=4, row=0)
    assert each.at_once(CallPlan(3, recompute=False), 5) == 3 * (5 * 10 + 4)
    assert each.at_once(CallPlan(3, recompute=True), 5) == 3 * 20
    assert TaskBytes(10, 40, 1).at_once(CallPlan(1, recompute=True), 5) == 44 + 10 + 3


def test_tasks_go_in_calls_of_powers_of_two_or_all_at_once():
    assert [str(plan) for plan in candidates(2, 5, TaskBytes(bent=10, plain=4, row=0))] == [
        "1-tasks-stored",
        "1-tasks-recomputed",
        "2-tasks-stored",
        "2-tasks-recomputed",
    ]
    each = TaskBytes(bent=0, plain=4, row=0)
    assert [plan.tasks for plan in candidates(25, 1, each)] == [1, 2, 4, 8, 16, 25]


@pytest.mark.parametrize("tasks", [1, 32])
def test_the_bytes_of_one_task_are_not_those_of_its_batch(tasks: int):
    workload = RandomTasks(meta_batch=tasks, width=32, side=16)
    fast, batch = FastMaml(workload), workload.train_batch(0, 0)
    alone = replace(workload, meta_batch=1).train_batch(0, 0)
    theta = fast._packed(fast.init(0))
    assert fast._task_bytes(theta, batch, 1) == fast._task_bytes(theta, alone, 1)


def test_of_a_small_network_all_tasks_may_go_in_one_call_and_of_a_large_one_eight():
    def most(workload: FewShot) -> int:
        fast, batch = FastMaml(workload), workload.train_batch(0, 0)
        theta = fast._packed(fast.init(0))
        return max(plan.tasks for plan in fast._fitting(theta, batch, workload.inner_steps))

    assert most(Sinusoid()) == Sinusoid.meta_batch
    assert most(Glyphs5Way5Shot(meta_batch=16)) == 8


def test_the_fastest_plan_a_task_is_taken_and_each_call_is_waited_for():
    slow, quick = CallPlan(1, recompute=False), CallPlan(4, recompute=False)
    called: list[CallPlan] = []
    waited: list[CallPlan] = []

    def call(plan: CallPlan) -> None:
        called.append(plan)
        torch.ones(1_000_000 if plan == slow else 1).sum()

    planned = fastest([slow, quick], 4, call, lambda: waited.append(called[-1]))
    assert planned.plan == quick
    assert set(called) == {slow, quick}
    assert waited == called


def test_a_plan_is_judged_by_the_tasks_that_it_took_and_an_only_one_not_at_all():
    def call(plan: CallPlan) -> None:
        time.sleep(0.03)

    of_three = fastest([CallPlan(3, recompute=False), CallPlan(2, False, threads=2)], 3, call, int)
    slow, fast = of_three.seconds.values()
    assert min(slow, fast) >= 0.01
    alone = fastest(
        [CallPlan(3, recompute=False)], 3, lambda plan: pytest.fail("it was timed"), int
    )
    assert (alone.plan.tasks, alone.told()) == (3, {"plan": "3-tasks-stored"})


def test_threads_with_tasks_of_their_own_are_candidates_where_there_are_cores():
    each = TaskBytes(bent=10, plain=10, row=0)
    of_two = [plan for plan in candidates(7, 1, each, threads=2) if plan.threads > 1]
    assert [str(plan) for plan in of_two] == [
        "2x1-tasks-stored",
        "2x2-tasks-stored",
        "2x4-tasks-stored",
    ]
    assert [plan.at_once for plan in of_two] == [2, 4, 8]
    assert all(each.at_once(plan, 1) == 21 * plan.at_once for plan in of_two)
    assert all(plan.threads == 1 for plan in candidates(1, 1, each, threads=2))


def test_in_threads_as_many_operations_are_counted_and_bytes_as_if_all_peaked_at_once():
    workload = Glyphs5Way1Shot(meta_batch=4, filters=8)
    batch = workload.train_batch(0, 0)
    one, two = (FastMaml(workload, tasks=2 // threads, threads=threads) for threads in (1, 2))
    state = one.init(0)
    calls = [partial(each.meta_gradient, state, batch) for each in (one, two)]
    alone, shared = (operations_of(call).flops for call in calls)
    assert alone == shared
    alone, shared = (peak_of(call, "cpu").peak_bytes for call in calls)
    assert alone == shared


def test_threads_leave_to_others_as_many_cores_as_they_had():
    before = torch.get_num_threads()
    torch.set_num_threads(3)
    try:
        assert shared(lambda _: torch.get_num_threads(), range(7), threads=2) == [1] * 7
        assert torch.get_num_threads() == 3
        with ThreadPoolExecutor(1) as other:
            assert other.submit(torch.get_num_threads).result() == 3
    finally:
        torch.set_num_threads(before)


def test_a_plan_is_made_once_for_each_shape_and_told():
    workload = RandomTasks(Place(dtype="float64"), meta_batch=4, inner_steps=2)
    fast, batch = FastMaml(workload), workload.train_batch(0, 0)
    state = fast.init(0)
    fast.meta_gradient(state, batch)
    told = fast.fast_paths()
    assert {"network", "plan", "candidates", "planning"} == set(told)
    assert told["plan"] in told["candidates"]
    (spent,) = fast.preparations()
    assert spent > 0
    assert told["planning"] == f"{spent:.3g}s"
    fast.meta_gradient(state, batch)
    assert fast.fast_paths() == told
    other = replace(workload, meta_batch=3).train_batch(0, 0)
    fast.meta_gradient(state, other)
    assert "plan-2" in fast.fast_paths()
    assert len(fast.preparations()) == 2
    fast.evaluate(state, other)  # which works otherwise, and so is planned by itself
    assert fast.fast_paths()["adaptation-plan"] in fast.fast_paths()["adaptation-candidates"]
    assert len(fast.preparations()) == 3


CONV: dict[str, Any] = {"architecture": "conv", "layers": 3, "inner_lr": 0.4}
OTHER_SHAPES = {
    "seven tasks of many queries": {**CONV, "meta_batch": 7, "ways": 3, "queries": 6, "side": 11},
    "wide, without BatchNorm": {**CONV, "meta_batch": 3, "width": 17, "norm": False},
    "one task of ten steps": {**CONV, "meta_batch": 1, "inner_steps": 10, "shots": 4, "side": 5},
    "first order": {**CONV, "meta_batch": 5, "inner_steps": 3, "first_order": True},
    "an MLP of five layers": {"meta_batch": 9, "inner_steps": 4, "layers": 5, "width": 3},
    "nothing to adapt": {**CONV, "meta_batch": 2, "inner_steps": 0},
}


@pytest.mark.parametrize("memory", [None, 2_000_000])
@pytest.mark.parametrize("shapes", OTHER_SHAPES)
def test_whatever_is_planned_on_other_shapes_is_the_oracles(
    shapes: str, memory: int | None
) -> None:
    workload = RandomTasks(Place(dtype="float64"), **OTHER_SHAPES[shapes])
    fast, plain, batch = (
        FastMaml(workload, memory=memory),
        ReferenceMaml(workload),
        workload.train_batch(5, 0),
    )
    state = plain.init(5)
    owed, found = plain.meta_gradient(state, batch), fast.meta_gradient(state, batch)
    assert relative_error(found.grads, owed.grads) < 1e-9 * max(1, workload.inner_steps)
    torch.testing.assert_close(found.loss, owed.loss)
    (planned,) = fast._plans[""].values()
    assert planned.plan in planned.seconds or not planned.seconds


CONV4: dict[str, Any] = {"meta_batch": 4, "filters": 16, "inner_lr": 0.1}
WIDE = {"meta_batch": 32, "width": 256, "side": 16}


@pytest.mark.parametrize(
    "workload",
    [
        Glyphs5Way1Shot(**CONV4, inner_steps=3),
        Glyphs5Way1Shot(**CONV4 | {"filters": 64}),
        Glyphs5Way1Shot(**CONV4, queries=11, inner_steps=5),
        Glyphs5Way5Shot(**CONV4),
        RandomTasks(**WIDE),
    ],
    ids=["three steps", "wide", "many queries", "five shots", "many parameters"],
)
def test_no_more_bytes_are_alive_than_a_plan_may_keep(workload: FewShot) -> None:
    batch, steps = workload.train_batch(0, 0), workload.inner_steps
    fast = FastMaml(workload)
    state = fast.init(0)
    each = fast._task_bytes(fast._packed(state), batch, steps)
    for plan in candidates(len(batch), steps, each):
        so = FastMaml(workload, tasks=plan.tasks, recompute=plan.recompute)
        so.meta_gradient(state, batch)
        peak = peak_of(partial(so.meta_gradient, state, batch), "cpu").peak_bytes
        assert 0.5 < peak / each.at_once(plan, steps) <= 1, plan


@pytest.mark.parametrize("steps", [1, 3])
def test_a_memory_that_holds_no_task_is_refused_with_what_one_needs(steps: int):
    workload = RandomTasks(Place(dtype="float64"), meta_batch=4, inner_steps=steps)
    fast, batch = FastMaml(workload, memory=1), workload.train_batch(0, 0)
    with pytest.raises(UsageError, match=r"memory = 1: a single task keeps [\d,]+ bytes") as told:
        fast.meta_gradient(fast.init(0), batch)
    least = int(str(told.value).split(" keeps ")[1].split(" bytes")[0].replace(",", ""))
    enough = replace(fast, memory=least)
    enough.meta_gradient(enough.init(0), batch)


def test_with_little_memory_inner_steps_are_formed_again():
    workload = RandomTasks(Place(dtype="float64"), meta_batch=4, inner_steps=3)
    fast, batch = FastMaml(workload), workload.train_batch(0, 0)
    state = fast.init(0)
    each = fast._task_bytes(fast._packed(state), batch, 3)
    fast = replace(fast, memory=each.at_once(CallPlan(1, recompute=True), 3))
    fast.meta_gradient(state, batch)
    assert fast.fast_paths()["plan"] == "1-tasks-recomputed"


@pytest.fixture
def compiled_anew(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr("methods.traced_calls._COMPILED", {})
    monkeypatch.setenv("TORCHINDUCTOR_CACHE_DIR", str(tmp_path))


@pytest.mark.slow
@pytest.mark.usefixtures("compiled_anew")
@pytest.mark.parametrize(
    "shapes",
    [
        {**CONV, "layers": 1, "width": 2, "meta_batch": 2, "ways": 2, "side": 4},
        {"meta_batch": 3, "inner_steps": 2},
    ],
    ids=["a convolution", "a part of a batch is another graph"],
)
def test_a_compiled_call_is_the_oracle_s_and_other_tasks_share_it(shapes: dict[str, Any]):
    workload = RandomTasks(Place(dtype="float64"), **shapes)
    plain = ReferenceMaml(workload)
    state, graphs = plain.init(5), set()
    for number in range(2):
        fast, batch = FastMaml(workload, tasks=2, compiled=True), workload.train_batch(5, number)
        owed, found = plain.meta_gradient(state, batch), fast.meta_gradient(state, batch)
        assert relative_error(found.grads, owed.grads) < 1e-9 * workload.inner_steps
        torch.testing.assert_close(found.loss, owed.loss)
        graphs.add(len(fast.preparations()))
        assert ("compiling" in fast.fast_paths()) == bool(fast.preparations())
    assert graphs == {-(-workload.meta_batch // 2), 0}  # what one learner compiled, the next has


@pytest.mark.slow
@pytest.mark.usefixtures("compiled_anew")
def test_a_compiled_call_is_a_candidate_and_its_compilation_is_no_planning():
    workload = RandomTasks(meta_batch=3)
    fast, batch = FastMaml(workload, compiled=True), workload.train_batch(0, 0)
    state = fast.init(0)
    fast.meta_gradient(state, batch)
    assert "3-tasks-compiled:" in fast.fast_paths()["candidates"]
    planning, compiling = fast.preparations()
    assert planning < compiling
    fast.adapt(state, batch)
    assert "compiled" not in fast.fast_paths()["adaptation-candidates"]


@pytest.mark.slow
@pytest.mark.usefixtures("compiled_anew")
def test_a_compiled_call_has_the_operations_of_the_same_call_uncompiled():
    workload = RandomTasks(meta_batch=2)
    batch, counts = workload.train_batch(0, 0), []
    for compiled in (False, True):
        fast = FastMaml(workload, tasks=2, compiled=compiled)
        state = fast.init(0)
        fast.meta_gradient(state, batch)
        counts.append(operations_of(partial(fast.meta_gradient, state, batch)))
    assert counts[0] == counts[1]


def test_settings_that_contradict_each_other_are_refused():
    with pytest.raises(UsageError, match="recompute = true"):
        FastMaml(RandomTasks(), recompute=True)
    with pytest.raises(UsageError, match="threads = 2 go with a number of tasks"):
        FastMaml(RandomTasks(), threads=2)
    with pytest.raises(UsageError, match="tasks = 0"):
        FastMaml(RandomTasks(), tasks=0)

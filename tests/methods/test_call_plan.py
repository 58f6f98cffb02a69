"""The plan of a call: what it may keep, which candidates there are, and which is taken."""

from __future__ import annotations

import time
from dataclasses import replace
from functools import partial
from typing import Any

import pytest
import torch

from harness.declare.workload import Place
from harness.errors import UsageError
from harness.measure.memory import peak_of
from methods.call_plan import GRAPH_BYTES, CallPlan, TaskBytes, candidates, fastest, fitting
from methods.fast_maml import FastMaml
from suites.fewshot import FewShot
from suites.glyph_tasks import Glyphs5Way1Shot, Glyphs5Way5Shot, Glyphs20Way1Shot
from suites.maml_problems import RandomTasks
from suites.sinusoid import Sinusoid


def test_the_bytes_of_a_plan_are_those_of_its_graphs_and_of_its_rows():
    each = TaskBytes(bent=10, plain=4, tangents=16, row=0)
    assert each.at_once(CallPlan(3), 5) == 3 * (5 * 10) + 3 * 10 // 2
    assert each.at_once(CallPlan(3, "recomputed"), 5) == 3 * 20
    assert each.at_once(CallPlan(3, "forward"), 5) == 3 * 16
    assert TaskBytes(10, 40, 0, 1).at_once(CallPlan(1, "recomputed"), 5) == 48 + 10 + 3
    assert TaskBytes(10, 40, 0, 1).at_once(CallPlan(1), 5) == 50 + 48 + 15 + 3


def test_losses_of_a_call_are_differentiated_in_so_many_bytes_on_a_processor() -> None:
    third = GRAPH_BYTES // 3
    three, twelve = CallPlan(3), CallPlan(4, threads=3)
    few, all_of_them = TaskBytes(0, 2 * third, 0, 0), TaskBytes(0, 2 * third, 0, 0, capped=False)
    assert few.at_once(three, 0) == pytest.approx(1.2 * GRAPH_BYTES)
    assert few.at_once(twelve, 0) == pytest.approx(3 * 1.2 * GRAPH_BYTES)
    assert all_of_them.at_once(three, 0) == pytest.approx(2 * 1.2 * GRAPH_BYTES)
    one = TaskBytes(0, 3 * GRAPH_BYTES, 0, 0)
    assert one.at_once(three, 0) == pytest.approx(3 * 1.2 * GRAPH_BYTES)


def test_a_loss_of_all_tasks_at_once_is_a_candidate_where_it_would_be_cut() -> None:
    each = TaskBytes(0, GRAPH_BYTES // 3, 0, 0)
    found = {str(plan): each.at_once(plan, 0) for plan in candidates(6, 0, each)}
    assert list(found) == [
        *("1-tasks-stored", "2-tasks-stored", "4-tasks-stored", "4-tasks-stored-whole"),
        *("6-tasks-stored", "6-tasks-stored-whole"),
    ]
    assert found["6-tasks-stored"] == pytest.approx(1.2 * GRAPH_BYTES)
    assert found["6-tasks-stored-whole"] == pytest.approx(2 * 1.2 * GRAPH_BYTES)
    uncut = TaskBytes(0, GRAPH_BYTES // 3, 0, 0, capped=False)
    assert not any(plan.whole for plan in candidates(6, 0, uncut))


def test_without_a_given_memory_some_plan_always_fits() -> None:
    each = TaskBytes(bent=10, plain=10, tangents=0, row=1 << 20)
    (least,) = fitting([CallPlan(1, "recomputed")], each, 1000, memory=None)
    assert least.hessians == "recomputed"


def test_tasks_go_in_calls_of_powers_of_two_or_all_at_once():
    assert [
        str(plan) for plan in candidates(2, 5, TaskBytes(bent=10, plain=4, tangents=16, row=0))
    ] == [
        "1-tasks-stored",
        "1-tasks-recomputed",
        "1-tasks-forward",
        "2-tasks-stored",
        "2-tasks-recomputed",
        "2-tasks-forward",
    ]
    each = TaskBytes(bent=0, plain=4, tangents=0, row=0)
    assert [plan.tasks for plan in candidates(25, 1, each)] == [1, 2, 4, 8, 16, 25]


@pytest.mark.parametrize("tasks", [1, 32])
def test_the_bytes_of_one_task_are_not_those_of_its_batch(tasks: int):
    workload = RandomTasks(meta_batch=tasks, width=32, side=16)
    fast, batch = FastMaml(workload), workload.train_batch(0, 0)
    alone = replace(workload, meta_batch=1).train_batch(0, 0)
    theta, stack = fast._packed(fast.init(0)), fast._stack
    assert stack.task_bytes(theta, batch, 1) == stack.task_bytes(theta, alone, 1)


def test_of_a_small_network_all_tasks_may_go_in_one_call_and_of_a_large_one_eight():
    def most(workload: FewShot) -> int:
        fast, batch = FastMaml(workload), workload.train_batch(0, 0)
        steps = workload.inner_steps
        each = fast._stack.task_bytes(fast._packed(fast.init(0)), batch, steps)
        every = candidates(len(batch), steps, each)
        fit = fitting(every, each, steps, memory=None)
        return max(plan.tasks for plan in fit if plan.hessians == "stored")

    assert most(Sinusoid()) == Sinusoid.meta_batch
    assert most(Glyphs5Way5Shot(meta_batch=16)) == 8


def test_the_fastest_plan_a_task_is_taken_and_each_call_is_waited_for():
    slow, quick = CallPlan(1), CallPlan(4)
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

    of_three = fastest([CallPlan(3), CallPlan(2, threads=2)], 3, call, int)
    slow, fast = of_three.seconds.values()
    assert min(slow, fast) >= 0.01
    alone = fastest([CallPlan(3)], 3, lambda plan: pytest.fail("it was timed"), int)
    assert (alone.plan.tasks, alone.told()) == (3, {"plan": "3-tasks-stored"})
    learner = FastMaml(RandomTasks(meta_batch=1))
    learner.meta_gradient(learner.init(0), learner.workload.train_batch(0, 0))
    assert learner.preparations() == []


def test_what_only_a_first_call_has_to_make_is_no_time_of_the_plan() -> None:
    called: list[int] = []

    def call(plan: CallPlan) -> None:
        first = plan.tasks not in called
        called.append(plan.tasks)
        time.sleep(0.3 if plan.tasks == 2 and first else 0.01 / plan.tasks)

    planned = fastest([CallPlan(1), CallPlan(2)], 2, call, int)
    assert planned.plan == CallPlan(2)


def test_threads_with_tasks_of_their_own_are_candidates_where_there_are_cores():
    each = TaskBytes(bent=10, plain=10, tangents=0, row=0)
    of_two = [plan for plan in candidates(7, 1, each, threads=2) if plan.threads > 1]
    assert [str(plan) for plan in of_two] == [
        "2x1-tasks-stored",
        "2x2-tasks-stored",
        "2x4-tasks-stored",
    ]
    assert [plan.at_once for plan in of_two] == [2, 4, 8]
    assert [each.at_once(plan, 1) for plan in of_two] == [20 + 24, 40 + 2 * 24, 80 + 2 * 48]
    assert all(plan.threads == 1 for plan in candidates(1, 1, each, threads=2))


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
        RandomTasks(**WIDE | {"meta_batch": 2}, inner_steps=10),
    ],
    ids=["three steps", "wide", "many queries", "five shots", "many parameters", "and many steps"],
)
def test_no_more_bytes_are_alive_than_a_plan_may_keep(workload: FewShot) -> None:
    batch, steps = workload.train_batch(0, 0), workload.inner_steps
    fast = FastMaml(workload)
    state = fast.init(0)
    each = fast._stack.task_bytes(fast._packed(state), batch, steps)
    for plan in candidates(len(batch), steps, each, threads=2):
        so = FastMaml(workload, None, plan.tasks, plan.hessians, plan.threads, whole=plan.whole)
        so.meta_gradient(state, batch)
        peak = peak_of(partial(so.meta_gradient, state, batch), "cpu").peak_bytes
        assert 0.5 < peak / each.at_once(plan, steps) <= 1, plan


def test_an_evaluation_keeps_no_more_bytes_than_its_plan_may() -> None:
    workload = Glyphs20Way1Shot(meta_batch=12, filters=16, eval_queries=5)
    fast, batch = FastMaml(workload), workload.eval_batch(0, "test", 0, 12)
    state = fast.init(0)
    fast.evaluate(state, batch)
    planned = fast._plan("adaptation-", fast._adapted, 0, state, batch)
    each = fast._stack.task_bytes(fast._packed(state), batch, 0)
    peak = peak_of(partial(fast.evaluate, state, batch), "cpu").peak_bytes
    assert planned.plan.tasks > 1
    assert peak <= each.at_once(planned.plan, 0)


def test_a_call_of_vmap_keeps_no_more_bytes_either() -> None:
    workload = Glyphs5Way1Shot(**CONV4, inner_steps=3)
    fast = FastMaml(workload, None, 4, "recomputed", mapped=True)
    state, batch = fast.init(0), workload.train_batch(0, 0)
    each = fast._stack.task_bytes(fast._packed(state), batch, 3)
    fast.meta_gradient(state, batch)
    peak = peak_of(partial(fast.meta_gradient, state, batch), "cpu").peak_bytes
    assert 0.5 < peak / each.at_once(CallPlan(4, "recomputed", mapped=True), 3) <= 1


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
    each = fast._stack.task_bytes(fast._packed(state), batch, 3)
    fast = replace(fast, memory=each.at_once(CallPlan(1, "recomputed"), 3))
    fast.meta_gradient(state, batch)
    assert fast.fast_paths()["plan"] == "1-tasks-recomputed"

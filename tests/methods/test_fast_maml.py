"""Fast MAML is MAML: whatever is stacked, stored or recomputed, and however a call is planned."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from functools import partial
from itertools import product
from typing import Any

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor, nn

from baselines.flat import shaped
from baselines.reference_maml import ReferenceMaml
from harness.declare.outer import AdamState
from harness.declare.problem import Problem
from harness.declare.tree import relative_error
from harness.declare.workload import Place
from harness.errors import UsageError
from harness.measure.memory import peak_of
from harness.measure.operations import operations_of
from methods.call_plan import Hessians
from methods.fast_maml import FastMaml
from methods.mapped_tasks import MappedTasks
from methods.norm_relu import norm_relu
from methods.patches import patches
from methods.stacked_networks import OneByOne, Stacked
from methods.task_threads import shared
from suites.conv4_pooled import Conv4Pooled
from suites.glyph_tasks import Glyphs5Way1Shot
from suites.maml_problems import MamlProblems, RandomTasks
from suites.models import MLP, Conv4
from suites.sinusoid import Sinusoid

CONV: dict[str, Any] = {"architecture": "conv", "layers": 3, "inner_lr": 0.4}
SEEN = settings(max_examples=200, deadline=None, derandomize=True)
HOW = ("stored", False), ("recomputed", False), ("forward", False), ("recomputed", True)
PLANS = st.tuples(st.integers(1, 5), st.sampled_from(HOW), st.integers(1, 3))


@SEEN
@given(MamlProblems.strategy(), PLANS)
def test_gradient_adaptation_and_quality_are_the_oracles(
    problem: Problem, plan: tuple[int, tuple[Hessians, bool], int]
):
    workload, batch = problem.workload, problem.workload.train_batch(problem.seed, 0)
    plain = ReferenceMaml(workload)
    tasks, (hessians, mapped), threads = plan
    if not Stacked.knows(workload.skeleton):
        threads = 1
    fast = FastMaml(workload, None, tasks, hessians, threads, mapped)
    state = plain.init(problem.seed)
    owed, found = plain.meta_gradient(state, batch), fast.meta_gradient(state, batch)
    assert relative_error(found.grads, owed.grads) < 1e-9 * problem.inner_steps
    torch.testing.assert_close(found.loss, owed.loss)
    for one, other in zip(plain.adapt(state, batch), fast.adapt(state, batch), strict=True):
        assert relative_error(other, one) < 1e-9 * problem.inner_steps
    assert torch.equal(plain.evaluate(state, batch), fast.evaluate(state, batch))


def test_losses_that_are_differentiated_in_parts_have_the_same_slopes(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    workload = RandomTasks(Place(dtype="float64"), **CONV, meta_batch=5, first_order=True)
    batch, found, together = workload.train_batch(0, 0), [], []
    for graph_bytes in (1, 60_000, 1 << 30):
        monkeypatch.setattr("methods.call_plan.GRAPH_BYTES", graph_bytes)
        fast = FastMaml(workload, tasks=5)
        found.append(fast.meta_gradient(fast.init(0), batch).grads)
        together.append(max(fast._stack._together.values()))
    assert together[0] == 1 < together[1] < 5 <= together[2]
    assert all(relative_error(each, found[-1]) < 1e-12 for each in found)


@pytest.mark.parametrize("order", [False, True], ids=["second order", "first order"])
def test_a_squared_error_is_differentiated_as_the_oracle_does(order: bool) -> None:
    workload = Sinusoid(Place(dtype="float64"), meta_batch=3, inner_steps=2, first_order=order)
    plain, fast, batch = ReferenceMaml(workload), FastMaml(workload), workload.train_batch(0, 0)
    state = plain.init(0)
    owed, found = plain.meta_gradient(state, batch), fast.meta_gradient(state, batch)
    assert relative_error(found.grads, owed.grads) < 1e-9
    torch.testing.assert_close(found.loss, owed.loss)


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
    like = dict(network.workload.skeleton.named_parameters())
    packed = torch.stack([network.packed(shaped(row, like)) for row in here])
    outputs = network.outputs(packed, x)
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

    def agree(work: Callable[..., Tensor], *given: Tensor) -> bool:
        once = torch.autograd.gradcheck(work, given, check_forward_ad=True)
        return once and torch.autograd.gradgradcheck(work, given, check_fwd_over_rev=True)

    assert agree(norm_relu, drawn(2, 6, 3), drawn(2, 3), drawn(2, 3))
    for stride, height in product((1, 2, 3, 4), (3, 4, 5)):
        assert agree(partial(patches, stride=stride), drawn(2, height, 6, 3))


class Own(MLP):
    """Whatever is derived from a known network may compute something else."""

    def __init__(self, *sizes: Any) -> None:
        super().__init__(*sizes)
        self.scale = nn.Parameter(torch.tensor(1.5, dtype=torch.float64))

    def forward(self, x: Tensor, start: int = 0, stop: int | None = None) -> Tensor:
        return self.scale * super().forward(x, start, stop)


class Branching(Own):
    """One that vmap can't run: what it does depends on what it computes."""

    def forward(self, x: Tensor, start: int = 0, stop: int | None = None) -> Tensor:
        outputs = super().forward(x, start, stop)
        return outputs if outputs.sum() > 0 else 2 * outputs


def with_network(kind: type[Own], meta_batch: int) -> tuple[RandomTasks, AdamState]:
    """Return tasks that a network of this kind learns, and a state to start from."""
    workload = RandomTasks(Place(dtype="float64"), meta_batch=meta_batch)
    start = ReferenceMaml(workload).init(0).params
    workload.__dict__["skeleton"] = kind(workload.side**2, (4, 4), workload.ways)
    scale = torch.tensor(1.5, dtype=torch.float64)
    return workload, AdamState.start(start | {"scale": scale})


@pytest.mark.parametrize("kind", [Own, Branching])
def test_a_network_that_is_not_known_runs_task_after_task_in_threads_too(kind: type[Own]):
    workload, state = with_network(kind, 6)
    assert not Stacked.knows(workload.skeleton)
    plain, batch = ReferenceMaml(workload), workload.train_batch(0, 0)
    owed = plain.meta_gradient(state, batch)
    for threads in (1, 2):
        fast = FastMaml(workload, tasks=1, threads=threads)
        assert fast.fast_paths()["network"] == "one-by-one"
        found = fast.meta_gradient(state, batch)
        assert relative_error(found.grads, owed.grads) < 1e-9
        for one, other in zip(plain.adapt(state, batch), fast.adapt(state, batch), strict=True):
            assert relative_error(other, one) < 1e-9
    assert FastMaml(RandomTasks()).fast_paths()["network"] == "stacked"


@pytest.mark.parametrize(("kind", "mapped"), [(Own, True), (Branching, False)])
def test_it_is_mapped_over_the_tasks_where_vmap_can(kind: type[Own], mapped: bool) -> None:
    workload, state = with_network(kind, 6)
    plain, fast, batch = ReferenceMaml(workload), FastMaml(workload), workload.train_batch(0, 0)
    owed, found = plain.meta_gradient(state, batch), fast.meta_gradient(state, batch)
    assert relative_error(found.grads, owed.grads) < 1e-9
    assert torch.equal(plain.evaluate(state, batch), fast.evaluate(state, batch))
    told = fast.fast_paths()
    assert ("4-tasks-mapped-recomputed" in told["candidates"]) == mapped
    assert ("4-tasks-mapped-stored" in told["adaptation-candidates"]) == mapped


def test_what_vmap_gets_wrong_is_not_a_candidate(monkeypatch: pytest.MonkeyPatch) -> None:
    workload, state = with_network(Own, 6)
    right = MappedTasks.bent
    monkeypatch.setattr(MappedTasks, "bent", lambda *given: 1.01 * right(*given))
    fast = FastMaml(workload)
    fast.meta_gradient(state, workload.train_batch(0, 0))
    assert "mapped" not in fast.fast_paths()["candidates"]


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
    planned = fast._trained(state, batch)
    assert planned.plan in planned.seconds or not planned.seconds


def test_settings_that_contradict_each_other_are_refused():
    with pytest.raises(UsageError, match="hessians = forward goes with a number of tasks"):
        FastMaml(RandomTasks(), hessians="forward")
    with pytest.raises(UsageError, match="mapped = true goes with a number of tasks"):
        FastMaml(RandomTasks(), mapped=True)
    with pytest.raises(UsageError, match="threads = 2 go with a number of tasks"):
        FastMaml(RandomTasks(), threads=2)
    with pytest.raises(UsageError, match="tasks = 0"):
        FastMaml(RandomTasks(), tasks=0)

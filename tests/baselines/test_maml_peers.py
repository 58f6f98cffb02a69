"""What every MAML library is held to; what is particular to one stands in its own file."""

from __future__ import annotations

import dataclasses
import functools
import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import torch

from baselines.install import recipes
from harness.declare.tree import identical
from harness.declare.workload import Place
from harness.measure.check import check
from harness.measure.operations import operations_of
from harness.registry import Registry
from suites.fewshot import Tasks
from suites.maml_problems import RandomTasks

ROOT = Path(__file__).parents[2]
IMPORTED_AS = {
    "betty-ml": "betty",
    "boat-torch": "boat_torch",
    "parallel-metalearn": "metalearn",
}
MODULES = {name: IMPORTED_AS.get(name, name) for name in recipes()}
PEERS = ["learn2learn", "torchmeta", "higher", "torchopt"]
CONV = RandomTasks(
    Place(dtype="float64"), meta_batch=3, inner_steps=2, inner_lr=0.4, architecture="conv"
)
with_first_order = pytest.mark.parametrize(
    "first_order", [False, True], ids=["second order", "first order"]
)
of_every_peer = pytest.mark.parametrize("peer", PEERS)


def class_of(peer: str) -> Any:
    return Registry().find(f"{peer}_maml", "baseline").load()


def one_by_one(batch: Tasks) -> list[Tasks]:
    """Return batches of one task each."""
    return [
        Tasks(*(getattr(batch, field.name)[i : i + 1] for field in dataclasses.fields(batch)))
        for i in range(len(batch))
    ]


@pytest.mark.slow
@of_every_peer
def test_the_gradient_is_the_oracle_s_on_a_hundred_problems(peer: str) -> None:
    registry = Registry()
    result = check(registry.find(f"{peer}_maml", "baseline"), registry, 100)
    assert (result.passed, result.equivalence, result.examples) == (True, "Exact", 100)
    assert result.distance < 1e-13, result.worst_case


@of_every_peer
@with_first_order
def test_both_orders_are_the_oracle_s_and_are_not_each_other_s(
    peer: str, first_order: bool
) -> None:
    workload, other = (
        dataclasses.replace(CONV, first_order=order) for order in (first_order, not first_order)
    )
    learner, oracle = class_of(peer)(workload), class_of("reference")(workload)
    batch = workload.train_batch(1, 0)
    found = learner.meta_gradient(learner.init(1), batch).grads
    owed = oracle.meta_gradient(oracle.init(1), batch).grads
    assert list(found) == list(owed)
    torch.testing.assert_close(found, owed, rtol=1e-10, atol=1e-13)
    of_other = class_of(peer)(other).meta_gradient(learner.init(1), batch).grads
    assert not torch.allclose(found["head.weight"], of_other["head.weight"], rtol=1e-3)


@of_every_peer
@with_first_order
def test_tasks_and_repetitions_leave_no_trace_on_one_another(peer: str, first_order: bool) -> None:
    workload = dataclasses.replace(CONV, first_order=first_order)
    learner_class = class_of(peer)
    learner = learner_class(workload)
    state, batch = learner.init(5), workload.train_batch(5, 0)
    for _ in range(2):
        together = learner.adapt(state, batch)
        for in_batch, task in zip(together, one_by_one(batch), strict=True):
            assert identical(in_batch, learner.adapt(state, task)[0])
            assert identical(in_batch, learner_class(workload).adapt(state, task)[0])
        parts = [learner.meta_gradient(state, task).grads for task in one_by_one(batch)]
        for name, whole in learner.meta_gradient(state, batch).grads.items():
            mean = torch.stack([part[name] for part in parts]).mean(0)
            torch.testing.assert_close(whole, mean, rtol=1e-12, atol=1e-14)


@of_every_peer
def test_a_gradient_that_was_returned_is_not_overwritten_later(peer: str) -> None:
    learner = class_of(peer)(CONV)
    state = learner.init(2)
    found = learner.meta_gradient(state, CONV.train_batch(2, 0)).grads
    kept = {name: g.clone() for name, g in found.items()}
    learner.meta_gradient(state, CONV.train_batch(2, 1))
    learner.adapt(state, CONV.train_batch(2, 1))
    assert identical(found, kept)


@of_every_peer
def test_no_inner_step_leaves_the_parameters_where_they_were(peer: str) -> None:
    workload = dataclasses.replace(CONV, inner_steps=0)
    learner, oracle = class_of(peer)(workload), class_of("reference")(workload)
    state, batch = learner.init(3), workload.train_batch(3, 0)
    found, owed = (one.meta_gradient(state, batch).grads for one in (learner, oracle))
    torch.testing.assert_close(found, owed, rtol=1e-10, atol=1e-13)
    assert identical(learner.adapt(state, batch)[1], state.params)


@of_every_peer
def test_no_number_is_waited_for_and_no_parameter_is_copied(
    peer: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(_: torch.Tensor) -> float:
        raise AssertionError("it read a number back from the device")

    learner = class_of(peer)(CONV)
    state = learner.init(4)
    monkeypatch.setattr(torch.Tensor, "item", refuse)
    monkeypatch.setattr(torch.Tensor, "__float__", refuse)
    batch = CONV.train_batch(4, 0)
    learner.meta_gradient(state, batch)
    learner.adapt(state, batch)
    network = next(
        value
        for made in learner.__dict__.values()
        for value in (made if isinstance(made, tuple) else (made,))
        if isinstance(value, torch.nn.Module)
    )
    pointers = {p.data_ptr() for p in network.parameters()}
    assert pointers == {p.data_ptr() for p in state.params.values()}


@of_every_peer
@with_first_order
def test_the_arithmetic_is_the_oracle_s(peer: str, first_order: bool) -> None:
    workload = dataclasses.replace(CONV, first_order=first_order)
    learner, oracle = class_of(peer)(workload), class_of("reference")(workload)
    state, batch = learner.init(6), workload.train_batch(6, 0)
    found, owed = (
        operations_of(functools.partial(one.step, state, batch)) for one in (learner, oracle)
    )
    assert found.flops == owed.flops > 0


@pytest.mark.slow
@pytest.mark.parametrize("peer", [*PEERS, "torchmeta's tasks"])
def test_an_adapter_imports_its_own_peer_alone_and_names_it_when_it_is_missing(peer: str) -> None:
    peer, _, part = peer.partition("'s ")
    module = f"baselines.{peer}_{part or 'maml'}"
    program = f"""
import importlib, json, sys
sys.modules[{peer!r}] = None
try:
    importlib.import_module({module!r})
except Exception as error:
    missing = type(error).__name__, str(error)
del sys.modules[{peer!r}]
importlib.import_module({module!r})
loaded = [name for name, module in {MODULES!r}.items() if module in sys.modules]
print(json.dumps([missing, loaded]))
"""
    done = subprocess.run(
        [sys.executable, "-c", program], cwd=ROOT, capture_output=True, text=True, check=True
    )
    (kind, message), loaded = json.loads(done.stdout.splitlines()[-1])
    assert kind == "PeerMissing"
    assert message.startswith(f"{peer} is not installed")
    assert message.endswith(f"Install it with: python -m baselines.install {peer}")
    assert set(loaded) - {"torchvision"} == {peer}


def test_no_network_of_the_family_keeps_running_statistics() -> None:
    """So there are none that a library could carry from one clone or repetition to the next."""
    registry = Registry()
    for entry in registry.entries("workload"):
        workload = entry.load()
        if workload.family == "maml":
            assert not list(workload().module().buffers()), entry.name

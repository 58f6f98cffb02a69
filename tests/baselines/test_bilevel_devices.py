"""On a GPU every tensor is made there, and no step waits for a value of it.

torch's device "meta" stands in for one: its tensors can't be mixed with the CPU's, nor be read.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
import torch
from torch import Tensor
from torch.overrides import TorchFunctionMode
from torch.utils._python_dispatch import TorchDispatchMode

from harness.declare.tree import leaves
from harness.declare.workload import Place
from harness.registry import Registry
from harness.team.communicator import Alone
from suites.bert_shapes import BertShapes
from suites.noisy_text import NoisyText

LEARNERS = (
    "cg_hypergradient",
    "neumann_hypergradient",
    "unrolled_hypergradient",
    "darts_hypergradient",
    "fine_tuning",
    "sama_na",
    "sama",
)
SMALL: dict[str, Any] = {"length": 8, "base_batch_size": 4, "meta_batch_size": 4}


class WithoutCopies(TorchDispatchMode):
    """Refuses what would copy from the host: the host waits for the device until it is done."""

    def __torch_dispatch__(
        self, func: Any, types: Any, args: Any = (), kwargs: dict[str, Any] | None = None
    ) -> Any:
        found = func(*args, **(kwargs or {}))
        if func in (torch.ops.aten._to_copy.default, torch.ops.aten.copy_.default):
            devices = {each.device.type for each in leaves([*args, found])}
            assert devices != {"cpu", "meta"}, f"{func} copies from one device to the other"
        return found


class WithoutNumbers(TorchFunctionMode):
    """Refuses numbers that are made into tensors of the device, which are such copies as well."""

    def __torch_function__(
        self, func: Any, types: Any, args: Any = (), kwargs: dict[str, Any] | None = None
    ) -> Any:
        found = func(*args, **(kwargs or {}))
        if func in (torch.tensor, torch.as_tensor) and not isinstance(args[0], Tensor):
            assert found.device.type == "cpu", f"{args[0]} is copied to the device"
        return found


class InTwo(Alone):
    """The first of two ranks, whose sums are what it has itself."""

    def __init__(self) -> None:
        super().__init__()
        self.size = 2


def bert_shapes(place: Place) -> BertShapes:
    return BertShapes(place, **SMALL)


def fused(place: Place) -> BertShapes:
    return BertShapes(place, attention="sdpa", **SMALL)


def corrected_text(place: Place) -> NoisyText:
    return NoisyText(place, encoder="bert", correct=True, **SMALL)


def bag(place: Place) -> NoisyText:
    return NoisyText(place, base_optimizer="sgd", base_momentum=0.9, unroll=2, **SMALL)


@pytest.mark.parametrize("make", [bert_shapes, fused, corrected_text, bag])
@pytest.mark.parametrize("learner", LEARNERS)
def test_a_step_stays_on_its_device(learner: str, make: Callable[[Place], Any]) -> None:
    took_steps(learner, make(Place("meta")))


@pytest.mark.parametrize("settings", [{}, {"multitask": True}, {"shared_direction": True}])
@pytest.mark.parametrize("make", [bert_shapes, bag])
def test_ranks_stay_on_their_devices(settings: Any, make: Callable[[Place], Any]) -> None:
    took_steps("sama", make(Place("meta", team=InTwo())), **settings)


def took_steps(name: str, workload: Any, **settings: Any) -> None:
    learner = Registry().find(name, "method", "baseline").load()(workload, **settings)
    state, batch = learner.init(0), workload.train_batch(0, 0)
    held_out = workload.eval_batch(0, "test", 0, 5)
    with WithoutCopies(), WithoutNumbers():
        for _ in range(2):
            state, loss = learner.step(state, batch)
        quality = learner.evaluate(state, held_out)
    moved: list[Tensor] = [*state.base.params.values(), *state.meta.params.values(), loss, quality]
    assert {each.device.type for each in moved} == {"meta"}

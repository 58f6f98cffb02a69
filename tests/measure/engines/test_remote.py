"""A machine that is lost: what was measured there is measured once more, and says so."""

from __future__ import annotations

import dataclasses
import os
from collections.abc import Iterator

import pytest

from harness.declare.passes import Seen
from harness.measure.engines import node
from harness.measure.engines.engine import Resources
from harness.measure.engines.remote import Lost, RemoteEngine
from harness.measure.interleaving import Lane, Round
from harness.records.record import Record
from harness.registry import Registry
from tests.measure.conftest import QUICK, make_block

REGISTRY = Registry()


@pytest.fixture(scope="module", autouse=True)
def closed() -> Iterator[None]:
    """End the engine that a machine of a cluster keeps for all that it is asked for."""
    yield
    node._engine(os.environ.get("CUDA_VISIBLE_DEVICES")).close()
    node._engine.cache_clear()


class Losing(RemoteEngine):
    """Loses so many of its machines before one answers."""

    def __init__(self, lost: int) -> None:
        super().__init__()
        self.lost, self.limits = lost, list[float]()

    def _send(self, request: str, limit_s: float, resources: Resources) -> str:
        self.limits.append(limit_s)
        if len(self.limits) <= self.lost:
            raise Lost("NODE_FAIL")
        return node.answer(request)


def measured(engine: Losing) -> list[Record[Seen]]:
    block = make_block("reference_maml", "step", dataclasses.replace(QUICK, limit_s=60))
    beside = dataclasses.replace(block, beside="here")
    lanes = [Lane(engine, beside, (), REGISTRY), Lane(engine, beside, (), REGISTRY)]
    return Round(lanes, True, 0).measure()


@pytest.mark.parametrize(("lost", "tries"), [(0, None), (1, 2)])
def test_a_round_whose_machine_is_lost_is_taken_again(lost: int, tries: int | None):
    engine = Losing(lost)
    found = measured(engine)
    assert [(each.status, each.tries) for each in found] == [("ok", tries)] * 2
    assert all(each.in_turns and each.together for each in found)
    # On its machine a round may be taken twice, since a worker may die.
    assert engine.limits == [240.0] * (lost + 1)


def test_a_round_that_was_lost_twice_has_died_and_blames_no_rank():
    found = measured(Losing(2))
    assert [(each.status, each.tries) for each in found] == [("died", 2)] * 2
    assert all(each.in_turns and each.together for each in found)
    for each in found:
        assert each.reason is not None
        assert "nothing came back from the machine that had it (NODE_FAIL)" in each.reason
        assert "rank" not in each.reason


@pytest.mark.parametrize(
    ("measured", "machine"), [("step", "p"), ("adaptation", "p"), ("one_off", "p"), ("curve", "")]
)
def test_all_of_a_pair_that_is_clocked_asks_for_one_machine(measured: str, machine: str):
    block = make_block("reference_maml", measured, QUICK)
    resources = Lane(Losing(0), block, (), REGISTRY.whole()).resources
    assert resources.machine == (block.pair.name if machine else "")

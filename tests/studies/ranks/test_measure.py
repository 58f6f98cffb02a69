"""What a block of the scaling pass leaves, and how a wire is timed."""

from __future__ import annotations

import dataclasses

import pytest
from harness.studies.ranks.wire import time_wire

from harness.config import RunConfig
from harness.declare.suite import Pair, Suite
from harness.measure.engines.local import LocalEngine
from harness.measure.plan import plan
from harness.measure.run import imports_of, measured_by
from harness.records.record import Record
from harness.registry import Registry
from tests.measure.conftest import QUICK
from tests.team.teams import Teams

PAIR = Pair(
    "shared",
    "reference_maml",
    "qmaml",
    "sinusoid",
    "ranks",
    ("scaling",),
    method_settings={"inner": "reference_maml"},
)
PROTOCOL = dataclasses.replace(
    QUICK, seeds=1, rounds=1, scaling_ranks=(1, 2), scaling_held_out=3, scaling_batch=4,
    scaling_share=1,
)  # fmt: skip
BLOCKS = plan(Suite("s", "S", (PAIR,), PROTOCOL), RunConfig())


@pytest.fixture(scope="module")
def records() -> dict[str, Record]:
    with LocalEngine() as engine:
        found = [measured_by(engine, block, imports_of(block, Registry())) for block in BLOCKS]
    assert [record.reason for record in found] == [None] * len(BLOCKS)
    return {record.block.split("/", 1)[1].rsplit("/", 2)[0]: record for record in found}


def test_every_point_is_measured_with_its_ranks_and_tasks(records):
    assert set(records) == {
        "scaling-1x4/baseline",
        *(f"scaling-{p}/method" for p in ("1x4", "2x4", "3x4", "1x1", "2x2", "3x3")),
    }
    for name, record in records.items():
        ranks, tasks = map(int, name.split("/")[0].removeprefix("scaling-").split("x"))
        assert (record.processes, record.tasks, record.threads) == (ranks, tasks, 1)
        assert len(record.seconds) == QUICK.intervals


def test_ranks_tell_what_they_sent_and_what_the_bare_wire_takes(records):
    weights = 1 * 40 + 40 + 40 * 40 + 40 + 40 * 1 + 1
    for record in records.values():
        if record.processes == 1:
            assert (record.allreduce_calls, record.wire_bytes, record.wire_seconds) == (None,) * 3
            continue
        assert (record.allreduce_calls, record.allreduce_bytes) == (1, 4 * (weights + 1))
        assert record.wire_bytes == (4, 4 * (weights + 1))
        assert all(seconds > 0 for seconds in record.wire_seconds)
        assert len(record.wire_seconds) == 2


def test_ranks_agree_on_the_seconds_of_the_wire(teams: Teams):
    told = teams.run(3, time_wire, (4, 4000), "cpu", int)
    assert len({tuple(each) for each in told}) == 1
    assert len(told[0]) == 2


def test_what_a_learner_is_made_of_is_imported_beforehand():
    method = next(block for block in BLOCKS if block.member == "method")
    assert imports_of(method, Registry()) == (
        "methods.qmaml", "baselines.reference_maml", "suites.sinusoid"
    )  # fmt: skip

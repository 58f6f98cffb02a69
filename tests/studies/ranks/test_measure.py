"""What blocks of a sweep over ranks leave, and how a wire is timed."""

from __future__ import annotations

import dataclasses

import pytest

from harness.config import RunConfig
from harness.declare.pair import Pair
from harness.declare.passes import Seen
from harness.declare.suite import Suite
from harness.measure.engines.local import LocalEngine
from harness.measure.interleaving import Lane
from harness.measure.plan import plan
from harness.measure.run import imports_of
from harness.records.record import Record
from harness.registry import Registry
from harness.studies.ranks import Wire
from harness.studies.ranks.measure import time_wire
from tests.measure.conftest import QUICK
from tests.team.teams import Teams

POINTS = ((1, 4), (2, 4), (3, 4), (1, 1), (2, 2), (3, 3))
PAIR = Pair(
    "shared",
    "reference_maml",
    "qmaml",
    "sinusoid",
    "ranks",
    ("step", "wire"),
    method_settings={"inner": "reference_maml"},
    sweep=tuple({"ranks": ranks, "meta_batch": tasks} for ranks, tasks in POINTS),
)
PROTOCOL = dataclasses.replace(QUICK, seeds=1, rounds=1)
BLOCKS = plan(Suite("s", "S", (PAIR,), PROTOCOL), RunConfig(), Registry())


@pytest.fixture(scope="module")
def records() -> list[Record[Seen]]:
    registry = Registry()
    with LocalEngine() as engine:
        found = [
            Lane(engine, block, imports_of(block, registry), registry).measure() for block in BLOCKS
        ]
    assert [record.reason for record in found] == [None] * len(BLOCKS)
    return found


def test_every_point_is_measured_with_its_ranks_and_tasks(records):
    found = {}
    for record in records:
        assert record.threads == 1
        if record.measured == "step":
            assert len(record.seen.seconds) == QUICK.intervals
            at = record.processes, record.point["meta_batch"]
            found.setdefault(record.member, []).append(at)
            assert record.settings == f"meta_batch={at[1]}"
    assert set(found["method"]) == set(POINTS)
    assert len(found["method"]) == len(POINTS)
    assert sorted(found["baseline"]) == [(1, 1), (1, 2), (1, 3), (1, 4)]


def test_ranks_tell_what_they_sent_and_what_the_bare_wire_takes(records):
    weights = 1 * 40 + 40 + 40 * 40 + 40 + 40 * 1 + 1
    wires = [record for record in records if record.measured == "wire"]
    assert [record.member for record in wires] == ["method"] * len(POINTS)
    for record in wires:
        wire = record.seen
        if record.processes == 1:
            assert wire == Wire()
            continue
        assert (wire.allreduce_calls, wire.allreduce_bytes) == (1, 4 * (weights + 1))
        assert wire.wire_bytes == (4, 4 * (weights + 1))
        assert all(seconds > 0 for seconds in wire.wire_seconds)
        assert len(wire.wire_seconds) == 2


def test_ranks_agree_on_the_seconds_of_the_wire(teams: Teams):
    told = teams.run(3, time_wire, (4, 4000), "cpu", int)
    assert len({tuple(each) for each in told}) == 1
    assert len(told[0]) == 2


def test_what_a_learner_is_made_of_is_imported_beforehand():
    method = next(block for block in BLOCKS if block.member == "method")
    assert imports_of(method, Registry()) == (
        "methods.qmaml", "baselines.reference_maml", "suites.sinusoid"
    )  # fmt: skip

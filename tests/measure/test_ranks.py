"""Blocks of several ranks: what they measure together, and what becomes of them in trouble."""

from __future__ import annotations

import dataclasses
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import psutil
import pytest

from harness.declare.passes import Seen
from harness.measure.engines.local import LocalEngine
from harness.measure.interleaving import Lane
from harness.measure.run import imports_of
from harness.measure.worker import measured
from harness.records.record import Record
from harness.registry import Registry
from harness.team.communicator import Seat
from tests.measure.conftest import QUICK, make_block
from tests.team.teams import HOROVOD_IS_MISSING

SHARING = str(Path(__file__).with_name("sharing.py"))
BOUND_S = 30  # far more than is taken, and far less than gloo's own half an hour


@pytest.fixture(scope="module")
def engine() -> Iterator[LocalEngine]:
    with LocalEngine() as engine:
        yield engine


def run(
    engine: LocalEngine, method: str, measured: str, ranks: int = 2, stall_s: int = 20, **pair: Any
) -> Record[Seen]:
    """Return what so many ranks of the method left of the block."""
    protocol = dataclasses.replace(QUICK, stall_s=stall_s)
    block = make_block(method, measured, protocol, ranks=ranks, **pair)
    block = dataclasses.replace(block, plugins=(*block.plugins, SHARING))
    registry = Registry(block.plugins)
    return Lane(engine, block, imports_of(block, registry), registry).measure()


@pytest.mark.parametrize("ranks", [2, 3])
def test_a_timed_block_has_one_record_of_all_its_ranks(engine: LocalEngine, ranks: int):
    record = run(engine, "shared", "step", ranks)
    assert record.status == "ok", record.reason
    assert (record.processes, record.threads, record.communicator) == (ranks, 1, "torch")
    assert len(record.seen.seconds) == QUICK.intervals
    assert record.measured_s is not None
    assert record.measured_s > 0  # seconds in which others had the core are left out


def test_waiting_for_sums_is_told_from_waiting_for_others(engine: LocalEngine):
    record = run(engine, "late", "step")
    assert record.status == "ok", record.reason
    walls, summing = record.seen.wall_seconds, record.seen.allreduce_seconds
    assert all(0 < each < wall for each, wall in zip(summing, walls, strict=True))
    # Rank 0 waits 20 ms for rank 1, less what it came late itself; rank 1 waits for nobody.
    assert min(walls) >= 0.02
    assert min(record.seen.imbalance_seconds) >= 0


def test_of_one_process_nothing_is_said_about_sums(engine: LocalEngine):
    record = run(engine, "shared", "step", ranks=1)
    assert record.status == "ok", record.reason
    assert (record.processes, record.communicator) == (1, None)
    assert record.seen.allreduce_seconds is None
    assert run(engine, "shared", "operations", ranks=1).seen.allreduce_calls is None


def test_operations_are_those_of_all_ranks_and_bytes_those_of_each(engine: LocalEngine):
    tasks = {"settings": {"meta_batch": 3}}
    alone = run(engine, "reference_maml", "operations", ranks=1, **tasks)
    team = run(engine, "shared", "operations", **tasks)
    assert team.status == "ok", team.reason
    assert team.seen.flops == alone.seen.flops
    assert team.seen.rank_flops == pytest.approx(2 / 3 * alone.seen.flops)
    assert team.seen.allreduce_calls == 1
    assert team.seen.allreduce_bytes == 4 * (1761 + 1)


def test_memory_is_that_of_the_rank_that_held_most(engine: LocalEngine):
    one, two = (run(engine, "shared", "memory", settings={"meta_batch": n}) for n in (2, 4))
    most = run(engine, "shared", "memory", settings={"meta_batch": 3})
    assert one.seen.peak_bytes < most.seen.peak_bytes <= two.seen.peak_bytes


@pytest.mark.parametrize("measured", ["step", "check"])
def test_a_learner_that_ignores_its_team_gets_none(engine: LocalEngine, measured: str):
    record = run(engine, "reference_maml", measured)
    assert record.status == "failed"
    told = "ranks = 2: reference_maml does not share its work, so every rank would do all of it"
    assert told in (record.reason or "")


@pytest.mark.parametrize("measured", ["adaptation", "curve", "trajectory", "wire"])
def test_every_other_pass_works_in_a_team(engine: LocalEngine, measured: str):
    record = run(engine, "shared", measured)
    assert record.status == "ok", record.reason


def test_a_team_trains_as_one_process_does(engine: LocalEngine):
    alone, team = (run(engine, "shared", "trajectory", ranks) for ranks in (1, 2))
    assert team.seen.losses == pytest.approx(alone.seen.losses, rel=1e-12)
    assert team.seen.fingerprint == pytest.approx(alone.seen.fingerprint, rel=1e-12)


def test_ranks_that_drift_apart_by_a_bit_are_found(engine: LocalEngine):
    record = run(engine, "drifts", "trajectory")
    assert record.status == "failed"
    assert "rank 1 of 2 has other weights than rank 0" in (record.reason or "")


def test_a_check_is_made_by_all_ranks_together(engine: LocalEngine):
    record = run(engine, "shared", "check", ranks=3)
    assert (record.status, record.seen.passed) == ("ok", True), record.reason
    assert record.seen.examples == QUICK.check_examples


@pytest.mark.parametrize("method", ["wrong_in_one", "forgets_a_task"])
def test_a_check_finds_what_is_wrong_in_one_rank_or_at_some_sizes(engine: LocalEngine, method: str):
    record = run(engine, method, "check")
    assert (record.status, record.seen.passed) == ("ok", False), record.reason
    alone = run(engine, method, "check", ranks=1)
    assert alone.seen.passed is (method == "forgets_a_task")


@pytest.mark.parametrize(
    ("method", "status", "told"),
    [
        ("one_raises", "failed", "RuntimeError: out of ideas"),
        ("one_is_killed", "died", "ended by SIGKILL"),
        ("one_leaves", "died", "ended with status 0"),
        ("one_exits", "failed", "it called exit(0)"),
        ("one_hangs", "timeout", "it hung"),
    ],
)
@pytest.mark.parametrize("ranks", [2, 3])
def test_a_rank_that_goes_wrong_is_named_and_ends_the_block(
    engine: LocalEngine, method: str, status: str, told: str, ranks: int
):
    start = time.monotonic()
    # Long enough for ranks to find each other on a busy machine.
    record = run(engine, method, "step", ranks, stall_s=4 if method == "one_hangs" else 20)
    assert record.status == status, record.reason
    assert (record.reason or "").startswith(f"rank {ranks - 1} of {ranks}: ")
    assert told in (record.reason or "")
    assert time.monotonic() - start < BOUND_S
    assert not _left_behind(engine)
    assert run(engine, "shared", "step", ranks).status == "ok"


@pytest.mark.parametrize("measured", ["step", "operations", "memory", "trajectory", "check"])
def test_over_horovod_a_team_measures_the_same(engine: LocalEngine, measured: str):
    pytest.importorskip("horovod.torch", reason=HOROVOD_IS_MISSING)
    record = run(engine, "shared", measured, communicator="horovod")
    assert record.status == "ok", record.reason
    assert record.communicator == "horovod"
    over_torch = run(engine, "shared", measured)
    clocked = {"seconds", "allreduce_seconds", "imbalance_seconds", "steps_per_interval"}
    clocked |= {"wall_seconds", "resident_bytes"}
    seen, other = (dataclasses.asdict(each.seen) for each in (record, over_torch))
    for name in seen.keys() - clocked:
        assert seen[name] == other[name], name


@pytest.mark.parametrize(
    ("method", "status"),
    [("one_raises", "failed"), ("one_is_killed", "died"), ("one_hangs", "timeout")],
)
def test_over_horovod_a_rank_that_goes_wrong_is_named(
    engine: LocalEngine, method: str, status: str
):
    pytest.importorskip("horovod.torch", reason=HOROVOD_IS_MISSING)
    start = time.monotonic()
    stall_s = 4 if method == "one_hangs" else 20
    record = run(engine, method, "step", stall_s=stall_s, communicator="horovod")
    assert record.status == status, record.reason
    assert (record.reason or "").startswith("rank 1 of 2: ")
    assert time.monotonic() - start < BOUND_S
    assert not _left_behind(engine)


def test_where_the_communicator_is_missing_the_block_is_skipped_with_the_remedy(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
):
    monkeypatch.setitem(sys.modules, "horovod", None)
    block = make_block("reference_maml", "step", ranks=2, communicator="horovod")
    record = measured(block, Seat(0, 2, str(tmp_path)))
    assert record.status == "skipped"
    assert "Install it with: python -m baselines.install horovod" in (record.reason or "")


@pytest.mark.parametrize("method", ["one_raises_before_a_sum", "one_raises_after_a_sum"])
def test_a_rank_that_raises_in_a_check_leaves_the_others_no_half_of_a_sum(
    engine: LocalEngine, method: str
):
    record = run(engine, method, "check")
    assert record.status == "failed", record.reason
    assert (record.reason or "").startswith(f"rank 1 of 2: {method} raised ValueError: out of")


def test_what_goes_wrong_everywhere_is_told_of_one_rank(engine: LocalEngine):
    record = run(engine, "all_raise", "step")
    assert record.status == "failed"
    assert "of 2: RuntimeError: out of ideas" in (record.reason or "")


def _left_behind(engine: LocalEngine) -> list[psutil.Process]:
    """Return workers that are still alive, and processes that any of them started."""
    servers = [server.pid for server in engine._servers]

    def marked(process: psutil.Process) -> bool:
        try:
            return any(f"# orphan of {pid}" in w for w in process.cmdline() for pid in servers)
        except psutil.Error:
            return False

    workers = [child for pid in servers for child in psutil.Process(pid).children()]
    return workers + [process for process in psutil.process_iter() if marked(process)]
